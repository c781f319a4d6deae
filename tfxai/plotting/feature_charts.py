"""Charts of a table's features: one example as bars or a waterfall, many as a summary."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.feature_groups import Feature, Groups
from tfxai.plotting import labels, style
from tfxai.plotting.feature_axes import FeatureAxes, one_example, row_label, strongest
from tfxai.plotting.grouping import columns_or_groups
from tfxai.plotting.signs import signs_of
from tfxai.plotting.swarms import shades, swarm
from tfxai.reprs import listed
from tfxai.table_features import features_of

if TYPE_CHECKING:
    from tfxai.arrays import Array
    from tfxai.attribution import Attribution

_MOST_TEXTS = 40  # beside each other on an axis
_MOST_MEMBERS = 5  # of a group whose columns are named


def plot_bars(  # noqa: PLR0913 - options of a figure, by name
    one: Attribution,
    index: int = 0,
    *,
    feature_names: Sequence[str] | None = None,
    groups: Groups | None = None,
    limit: int = 20,
    title: str | None = None,
    figsize: float | Sequence[float] | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A bar for each feature of one example, the strongest first, with its number beside it.

    Args:
        one: An attribution of a table.
        index: The example.
        feature_names: One name for each feature, instead of those of the columns.
        groups: As for `Attribution.to_pandas`: columns whose values are summed; None sums one-hot
            columns where the method compares with a baseline, and says so; `{}` sums none.
        limit: Most features to draw.
        title: A line above, instead of what is explained.
        figsize: Width in inches, or width and height; 6.5 wide and as high as it takes.
        ax: Axes to draw in, instead of a new figure.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The attribution is of no table, or an argument does not fit it.
        UnknownNameError: A group names a column that is not there.
        OutputError: The file cannot be written.
    """
    i = one_example(one, index)
    features, summed = columns_or_groups(one, feature_names, groups)
    kept, others = strongest(features, limit, lambda feature: abs(float(feature.values[i])))
    values = [float(feature.values[i]) for feature in kept]
    meaning = [signs_of(one).sentence] if one.is_signed else []
    notes = [*meaning, *_left_out(kept, others), *summed, *one[i].remarks]
    chart = FeatureAxes(len(kept), figsize, ax, title or labels.explained(one[i]), notes)
    colours = [_sign_colour(value) if one.is_signed else style.ACCENT for value in values]
    chart.axes.barh(np.arange(len(values)), values, height=0.68, color=colours)
    chart.axes.axvline(0, color=style.MUTED, linewidth=0.8)
    chart.rows([row_label(feature, i) for feature in kept])
    chart.x_label("attribution")
    chart.numbers([(value, value) for value in values])
    return chart.done(path)


def plot_waterfall(  # noqa: PLR0913 - options of a figure, by name
    one: Attribution,
    index: int = 0,
    *,
    feature_names: Sequence[str] | None = None,
    groups: Groups | None = None,
    limit: int = 12,
    title: str | None = None,
    figsize: float | Sequence[float] | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """How the features of one example lead from the score at the baseline to its score.

    The strongest feature is at the top. Bars run from the baseline's score, at the bottom, to the
    score: each begins where the one below it ends. What the values miss is a bar of its own.

    Args:
        one: An attribution of a table, by a method that compares with a baseline.
        index: The example.
        feature_names: One name for each feature, instead of those of the columns.
        groups: As for `Attribution.to_pandas`: columns whose values are summed; None sums one-hot
            columns where the method compares with a baseline, and says so; `{}` sums none.
        limit: Most features to draw; the others are one bar together.
        title: A line above, instead of what is explained.
        figsize: Width in inches, or width and height; 6.5 wide and as high as it takes.
        ax: Axes to draw in, instead of a new figure.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The attribution is of no table or has no baseline score, or an argument
            does not fit it.
        UnknownNameError: A group names a column that is not there.
        OutputError: The file cannot be written.
    """
    i = one_example(one, index)
    features, summed = columns_or_groups(one, feature_names, groups)
    if one.baseline_score is None:
        raise InvalidInputError(
            f"{one.method['name']} has no score at a baseline, from which a waterfall starts. "
            "Take a method that has one, such as IntegratedGradients or KernelSHAP, or plot()."
        )
    kept, others = strongest(features, limit, lambda feature: abs(float(feature.values[i])))
    steps = [(row_label(f, i), float(f.values[i]), "") for f in kept]
    if others:
        rest = float(sum(f.values[i] for f in others))
        steps.append(((f"{len(others)} other features", ""), rest, ""))
    start, end = float(one.baseline_score[i]), float(one.score[i])
    missed = end - start - sum(value for _, value, _ in steps)
    if abs(missed) > 0.005 * max(abs(end - start), 1e-12):
        steps.append((("not explained", ""), missed, style.MUTED))
    heading = title or labels.explained(one[i])
    notes = ["Red raises the score, blue lowers it.", *summed, *one[i].remarks]
    chart = FeatureAxes(len(steps), figsize, ax, heading, notes)
    ends = np.cumsum([start, *(value for _, value, _ in reversed(steps))])[::-1]
    for row, (_, value, colour) in enumerate(steps):
        colour = colour or _sign_colour(value)
        chart.axes.barh(row, value, left=ends[row + 1], height=0.68, color=colour)
        if row + 1 < len(steps):  # to the bar below
            x = ends[row + 1]
            chart.axes.plot([x, x], [row + 0.34, row + 0.66], color=style.FAINT, linewidth=0.8)
    chart.axes.axvline(start, color=style.FAINT, linewidth=0.8, linestyle=":", zorder=0)
    chart.axes.axvline(end, color=style.FAINT, linewidth=0.8, linestyle="--", zorder=0)
    chart.rows([label for label, _, _ in steps])
    words = f"{one.score_name}: from {labels.number(start)} (baseline) to {labels.number(end)}"
    chart.x_label(words, share=0.55, most=3)  # its middle lies right of the figure's
    chart.numbers([(ends[row], value) for row, (_, value, _) in enumerate(steps)])
    return chart.done(path)


def plot_importance(  # noqa: PLR0913 - options of a figure, by name
    one: Attribution,
    *,
    feature_names: Sequence[str] | None = None,
    groups: Groups | None = None,
    limit: int = 20,
    title: str | None = None,
    figsize: float | Sequence[float] | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """The mean of each feature's absolute values over all examples, as bars with their numbers.

    Args:
        one: An attribution of a table.
        feature_names: One name for each feature, instead of those of the columns.
        groups: As for `Attribution.to_pandas`: columns whose values are summed; None sums one-hot
            columns where the method compares with a baseline, and says so; `{}` sums none.
        limit: Most features to draw, the strongest first.
        title: A line above.
        figsize: Width in inches, or width and height; 6.5 wide and as high as it takes.
        ax: Axes to draw in, instead of a new figure.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The attribution is of no table, or an argument does not fit it.
        UnknownNameError: A group names a column that is not there.
        OutputError: The file cannot be written.
    """
    features, summed = columns_or_groups(one, feature_names, groups)
    kept, others = strongest(features, limit, _mean)
    notes = [*_left_out(kept, others), *summed]
    chart = FeatureAxes(len(kept), figsize, ax, title or "", notes)
    means = [_mean(feature) for feature in kept]
    chart.axes.barh(np.arange(len(means)), means, height=0.68, color=style.ACCENT)
    chart.axes.set_xlim(0, max(means) or 1.0)
    chart.rows([(feature.name, "") for feature in kept])
    chart.x_label(f"mean |attribution| of {_examples(one)}")
    chart.numbers([(value, value) for value in means])
    chart.axes.set_xlim(left=0)
    return chart.done(path)


def plot_beeswarm(  # noqa: PLR0913 - options of a figure, by name
    one: Attribution,
    *,
    feature_names: Sequence[str] | None = None,
    groups: Groups | None = None,
    limit: int = 20,
    title: str | None = None,
    figsize: float | Sequence[float] | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """A dot for each example in the row of each feature, at its value.

    Dots that would lie on each other are moved apart upwards and downwards. Dark dots have a low
    input among the examples, light ones a high one; grey ones a text or none.

    Args:
        one: An attribution of a table.
        feature_names: One name for each feature, instead of those of the columns.
        groups: As for `Attribution.to_pandas`: columns whose values are summed; None sums one-hot
            columns where the method compares with a baseline, and says so; `{}` sums none.
        limit: Most features to draw, those of the largest mean absolute value first.
        title: A line above.
        figsize: Width in inches, or width and height; 6.5 wide and as high as it takes.
        ax: Axes to draw in, instead of a new figure.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The attribution is of no table, or an argument does not fit it.
        UnknownNameError: A group names a column that is not there.
        OutputError: The file cannot be written.
    """
    features, summed = columns_or_groups(one, feature_names, groups)
    kept, others = strongest(features, limit, _mean)
    colours = [shades(feature) for feature in kept]
    grey = " Grey: no number." if any(isinstance(one, str) for one in colours) else ""
    notes = [f"Dark: a low input. Light: a high one.{grey}", *_left_out(kept, others), *summed]
    chart = FeatureAxes(len(kept), figsize, ax, title or "", notes)
    chart.axes.axvline(0, color=style.FAINT, linewidth=0.8, zorder=0)
    low, high = _span(np.concatenate([feature.values for feature in kept]))
    for row, (feature, colour) in enumerate(zip(kept, colours, strict=True)):
        chart.axes.scatter(
            feature.values, row + swarm(feature.values, low, high), s=chart.dot,
            c=colour, linewidths=0, zorder=2,
        )  # fmt: skip
    chart.axes.set_xlim(low, high)
    chart.rows([(feature.name, "") for feature in kept])
    chart.x_label(f"attribution in {_examples(one)}")
    return chart.done(path)


def plot_dependence(  # noqa: PLR0913 - options of a figure, by name
    one: Attribution,
    feature: str,
    *,
    colour_by: str | None = None,
    feature_names: Sequence[str] | None = None,
    groups: Groups | None = None,
    title: str | None = None,
    figsize: float | Sequence[float] | None = None,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """The values of one feature over its inputs, a dot for each example.

    Args:
        one: An attribution of a table.
        feature: Name of the feature or group.
        colour_by: Name of another feature: dark dots have a low input of it, light ones a high
            one.
        feature_names: One name for each feature, instead of those of the columns.
        groups: As for `Attribution.to_pandas`: columns whose values are summed; None sums one-hot
            columns where the method compares with a baseline, and knows the columns too; `{}`
            sums none.
        title: A line above.
        figsize: Width in inches, or width and height; None is 6.5 inches wide.
        ax: Axes to draw in, instead of a new figure.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot; the axis names the columns that a group sums. Texts stand
        side by side, sorted or in the order of their categories, each with its dots moved apart
        sideways.

    Raises:
        InvalidInputError: The attribution is of no table, the feature has no input of one number
            or text, or an argument does not fit.
        UnknownNameError: There is no such feature.
        OutputError: The file cannot be written.
    """
    features, _ = columns_or_groups(one, feature_names, groups)
    if groups is None:  # a column is drawn by its own name, whether or not it is in a group
        features += features_of(one, feature_names)
    known = {feature.name: feature for feature in features}
    shown, other = (_named(known, name) for name in (feature, colour_by or feature))
    notes = [] if colour_by is None else [f"Dark: a low {colour_by}. Light: a high one."]
    chart = FeatureAxes(0, figsize, ax, title or "", notes)
    places, names = _places(shown)
    chart.axes.axhline(0, color=style.FAINT, linewidth=0.8, zorder=0)
    colours = style.ACCENT if colour_by is None else shades(other)
    size = 1.7 * chart.dot
    if names:
        places = places + 0.5 * swarm(shown.values, *_span(shown.values))
    chart.axes.scatter(places, shown.values, s=size, c=colours, linewidths=0, zorder=2)
    chart.finish("left", "bottom")
    if names:
        letters = sum(map(len, names)) + 2 * len(names)
        turn = 90 if letters > 14 * chart.width / chart.scale else 0
        chart.axes.set_xticks(np.arange(len(names)), labels=names, rotation=turn)
        chart.axes.set_xlim(-0.5, len(names) - 0.5)
    chart.x_label(_summed(shown, features))
    words = f"attribution of {labels.shortened(feature, 30)}"
    chart.axes.set_ylabel(words, **chart.font(style.SMALL, style.MUTED))
    return chart.done(path)


def _summed(shown: Feature, features: Sequence[Feature]) -> str:
    """The name of a feature with the columns that it sums, or the group that it belongs to."""
    if shown.members:
        return f"{shown.name}: the sum of {listed(shown.members, _MOST_MEMBERS)}"
    groups = [one.name for one in features if shown.name in one.members]
    return f"{shown.name}, one of the columns of {groups[0]}" if groups else shown.name


def _named(known: dict[str, Feature], name: str) -> Feature:
    """The feature of that name, which has inputs."""
    if name not in known:
        raise UnknownNameError.of("feature", str(name), known)
    if known[name].inputs is None:
        raise InvalidInputError(
            f"Feature {name!r} has no input of one number or text, over which its values could be "
            "drawn. Choose another, or a column of the group."
        )
    return known[name]


def _places(feature: Feature) -> tuple[Array, list[str]]:
    """Where each example lies on the horizontal axis, and the names there, if they are texts."""
    given: Any = feature.inputs
    if given.dtype.kind not in "US":
        return given.astype(np.float64), []
    present = sorted({str(one) for one in given})
    if len(present) > _MOST_TEXTS:
        raise InvalidInputError(
            f"Feature {feature.name!r} has {len(present)} different texts, and up to "
            f"{_MOST_TEXTS} are drawn. Choose another feature, or some of the examples."
        )
    ordered = [str(one) for one in (feature.column and feature.column.categories) or ()]
    names = [one for one in ordered if one in present]
    names += [one for one in present if one not in names]
    places = np.array([names.index(str(one)) for one in given], np.float64)
    return places, [labels.shortened(one, 16) for one in names]


def _mean(feature: Feature) -> float:
    return float(np.abs(feature.values).mean())


def _left_out(kept: Sequence[Feature], others: Sequence[Feature]) -> list[str]:
    count = len(kept) + len(others)
    return [f"The strongest {len(kept)} of {count} features."] if others else []


def _examples(one: Attribution) -> str:
    return f"{len(one):,} example{'' if len(one) == 1 else 's'}"


def _span(values: Array) -> tuple[float, float]:
    """The range of values with zero in it, and a margin."""
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    margin = 0.04 * (high - low or 1.0)
    return low - margin, high + margin


def _sign_colour(value: float) -> str:
    return style.SUPPORTS if value >= 0 else style.SPEAKS_AGAINST
