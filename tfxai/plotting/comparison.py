"""Methods side by side: a row for each image, a column for each method."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.attribution import Attribution
from tfxai.classes import explains_class
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.attribution import in_rows, named_remarks
from tfxai.plotting.colours import colour_map
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.figures import save_figure
from tfxai.plotting.grouping import grouped, with_groups
from tfxai.plotting.images import image_part, is_diverging, show
from tfxai.plotting.notes import gathered
from tfxai.plotting.panels import draw_on, panel_of, panels_of
from tfxai.plotting.pictures import is_of_targets, with_scale
from tfxai.plotting.signs import signs_of
from tfxai.plotting.strips import Around, Panel, Strip, Strips
from tfxai.table_features import has_features

MOST = 40
"""Most images in a figure: a taller one is hard to read."""


def plot_comparison(
    attributions: Sequence[Attribution | Sequence[Attribution]],
    *,
    names: Sequence[str] | None = None,
    headings: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    **drawing: Any,
) -> Figure:
    """Draws what several methods, or one about several targets, say about several examples.

    Tables are bars: a block for each row of the table, in it the bars of each method, with the
    names of the columns or `feature_names`.

    A row is an image in true colours, then each method's heatmap over it, labelled with the
    explained class and its probability. Where all are of one method with the same options, and
    their targets differ, each heatmap has its target above it, and all share one scale.

    Args:
        attributions: One for each method (or target), all of the same images, `MOST` at most;
            where sizes differ, a sequence of attributions of one image each instead of one.
        names: One or a few lines about each image; one line about each row of a table.
        headings: What stands above the heatmaps of each attribution instead of its method, such
            as the names of models; of images.
        path: File to write the figure to as well; its suffix names the format.
        **drawing: Options of `tfxai.plotting.Drawing`, such as `figsize=3.3`, `style="contour"`
            or `columns=4`.

    Returns:
        The figure, made without pyplot; that of `ax` where axes were given.

    Raises:
        InvalidInputError: There is nothing to draw or too much, the attributions differ in
            length or in what they explain, there are more or fewer names than images, or the
            inputs are neither images nor tables, or an option does not fit.
        UnknownNameError: There is no such option, style or colour map.
        OutputError: The file cannot be written.

    Example:
        `plot_comparison([GradCAM()(model, images), ScoreCAM()(model, images)])`
    """
    how = Drawing.of(drawing)
    count = _count(attributions)
    how.check_labels(count)
    if names is not None and len(names) != count:
        raise InvalidInputError(f"There are {len(names)} names for {count} images. Pass one each.")
    if headings is not None and len(headings) != len(attributions):
        raise InvalidInputError(
            f"There are {len(headings)} headings for {len(attributions)} attributions. Pass one "
            "each."
        )
    if all(_is_table(one) for whole in attributions for one in _all_of(whole)):
        if headings is not None:
            raise InvalidInputError("headings= is for images, and tables came. Leave it out.")
        figure = _of_tables(attributions, names, count, how)
    else:
        figure = _of_images(attributions, names, headings, count, how)
    if path is not None:
        save_figure(figure, path)
    return figure


def _of_tables(
    attributions: Sequence[Any], names: Sequence[str] | None, count: int, how: Drawing
) -> Figure:
    """The bars of each method, in a block for each row of the table."""
    if how.columns is not None:
        raise InvalidInputError(
            f"columns={how.columns} breaks lines of images, and tables are compared. Leave it out."
        )
    rows = [[whole[i] for whole in attributions] for i in range(count)]
    for row in rows:
        _check_targets(row, of_targets=is_of_targets(row))
    how = with_groups([one for whole in attributions for one in _all_of(whole)], how)
    if how.ax is not None:
        return draw_on(how.ax, panels_of(rows, how), how)
    total = count if count > 1 else 0
    return in_rows(rows, range(count), (count, total), how, names or ())


def _all_of(whole: Any) -> list[Attribution]:
    return [whole] if isinstance(whole, Attribution) else list(whole)


def _is_table(one: Attribution) -> bool:
    """Whether the values are of columns: one for each, or for each position of a map."""
    inputs = np.shape(one.inputs) if not isinstance(one.inputs, dict) else ()
    return has_features(one) or (one.is_map and len(inputs) == 2)


def _of_images(
    attributions: Sequence[Any],
    names: Sequence[str] | None,
    headings: Sequence[str] | None,
    count: int,
    how: Drawing,
) -> Figure:
    """A row of pictures for each image."""
    summed = [_grouped(whole, how) for whole in attributions]
    rows = [[whole[i] for whole in summed] for i in range(count)]
    of_targets = any(map(is_of_targets, rows))
    for row in rows:
        _check(row, of_targets=of_targets)
    how = with_scale(how, [one for row in rows for one in row], of_targets=of_targets)
    called = names or [""] * count
    strips = [_strip(row, i, called[i], how, of_targets) for i, row in enumerate(rows)]
    if headings is not None:
        strips = [
            _headed(strip, row, headings, [labels.truth_text(row[0], i, how), called[i]])
            for i, (strip, row) in enumerate(zip(strips, rows, strict=True))
        ]
    if how.ax is not None:
        panels = [(panel.heading, panel.draw) for strip in strips for panel in strip.panels]
        return draw_on(how.ax, panels, how)
    return Strips(strips, _around(rows, how, of_targets), how).figure()


def _grouped(whole: Any, how: Drawing) -> Any:
    """One attribution of all images, or one of each, with regions summed."""
    if isinstance(whole, Attribution):
        return grouped(whole, how)
    return [grouped(one, how) for one in whole]


def _count(attributions: Any) -> int:
    """The number of images."""
    if isinstance(attributions, Attribution):
        raise InvalidInputError(
            "A single attribution was expected to be a list of them. Pass one for each method."
        )
    lengths = sorted({len(one) for one in attributions})
    if len(lengths) != 1 or lengths == [0]:
        what = f"are attributions of {lengths} images" if lengths else "is no attribution"
        raise InvalidInputError(
            f"There {what} to compare. Pass a list of attributions of the same images."
        )
    if lengths[0] > MOST:
        raise InvalidInputError(
            f"{lengths[0]} images are too many for one figure. Pass {MOST} or fewer."
        )
    return lengths[0]


def _check(ones: Sequence[Attribution], *, of_targets: bool) -> None:
    """Raises `InvalidInputError` unless all are of the image, and of one target or one method."""
    for one in ones:
        if image_part(one) is None:
            arrays: list[Any] = [one.inputs, one.values]
            shapes = [
                {name: np.shape(array) for name, array in each.items()}
                if isinstance(each, dict)
                else np.shape(each)
                for each in arrays
            ]
            raise InvalidInputError(
                f"The inputs have shape {shapes[0]} and the values {shapes[1]}, and images "
                "(B, H, W, C) are compared. Draw others with plot_attribution."
            )
    _check_targets(ones, of_targets=of_targets)


def _check_targets(ones: Sequence[Attribution], *, of_targets: bool) -> None:
    """Raises `InvalidInputError` unless all are of one target, or one method explains several."""
    for one in ones:
        if not of_targets and one.target_names != ones[0].target_names:
            raise InvalidInputError(
                f"{one.method['name']} explains {one.target_names[0]!r} and "
                f"{ones[0].method['name']} {ones[0].target_names[0]!r} of the same input. Pass "
                "the same target to both."
            )


def _strip(
    ones: Sequence[Attribution], number: int, name: str, how: Drawing, of_targets: bool
) -> Strip:
    """The photograph and a panel for each method or target."""
    part = image_part(ones[0])
    pixels = part[1] if part else np.zeros((1, 1, 3))
    shared = _shared(ones)
    panels = [Panel("Image", lambda axes: show(axes, pixels), is_muted=True)]
    for one in ones:
        own = "" if of_targets else ", ".join(_own_options(one, shared))
        heading = labels.target_title(one) if of_targets else _method(one)
        below = labels.answer_text(one) if of_targets else ""
        panels.append(Panel(heading, panel_of(one, how, "overlay"), own, below))
    truth = labels.truth_text(ones[0], number, how)
    height, width = pixels.shape[:2]
    if of_targets:
        lines = [labels.predicted_text(ones[0]), truth, *name.splitlines()]
        return Strip(panels, width / height, f"Image {number + 1}", list(filter(None, lines)))
    title, lines = _caption(ones[0], truth, name)
    return Strip(panels, width / height, title, lines)


def _headed(
    strip: Strip, ones: Sequence[Attribution], headings: Sequence[str], about: Sequence[str]
) -> Strip:
    """The strip with those headings, and below each heatmap what its own model says.

    Args:
        strip: The strip of methods.
        ones: The attribution of each heatmap.
        headings: One for each of them.
        about: What is said of the image, whatever model sees it.
    """
    photograph, *heats = strip.panels
    said = [
        ", ".join(filter(None, (labels.answer_text(one), labels.prediction_text(one))))
        for one in ones
    ]
    named = [
        dataclasses.replace(panel, heading=heading, below=below)
        for panel, heading, below in zip(heats, headings, said, strict=True)
    ]
    lines = [line for text in about for line in text.splitlines()]
    return dataclasses.replace(strip, panels=[photograph, *named], lines=lines)


def _around(rows: Sequence[Sequence[Attribution]], how: Drawing, of_targets: bool) -> Around:
    first = rows[0]
    shared = labels.options(first[0]) if of_targets else _shared(first)
    signs = {is_diverging(part[0]) for one in first if (part := image_part(one)) is not None}
    look = how.styled("overlay")
    legend = [f"All with {', '.join(f'{k}={v}' for k, v in shared.items())}."] if shared else []
    words = signs_of(first[0])
    legend += [labels.scaling_note(how), *labels.style_notes(how, look, signs, words)]
    has_bar = len(signs) == 1 and look in ("overlay", "heatmap")
    if True in signs and not has_bar and look in ("overlay", "heatmap") and how.cmap is None:
        legend.append(words.sentence)
    remarks = [
        one for i, row in enumerate(rows, start=1) for one in named_remarks(f"Image {i}", row)
    ]
    (signed, *_) = signs
    return Around(
        label=_label(rows),
        legend=" ".join(legend),
        remarks=gathered(remarks),
        header=[(_method(first[0]), style.font(style.TITLE, bold=True))] if of_targets else [],
        bar=(colour_map(how.cmap, signed), signed, words) if has_bar else None,
    )


def _method(one: Attribution) -> str:
    return labels.method_title(one.method["name"])


def _label(rows: Sequence[Sequence[Attribution]]) -> str:
    methods = ", ".join(dict.fromkeys(map(_method, rows[0])))
    classes = ", ".join(labels.target_title(row[0]) for row in rows)
    return f"{methods} of {classes}"


def _shared(ones: Sequence[Attribution]) -> dict[str, str]:
    """The options that all have, with the same value, where there are several methods."""
    first, *others = (labels.options(one) for one in ones)
    return {k: v for k, v in first.items() if others and all(o.get(k) == v for o in others)}


def _own_options(one: Attribution, shared: dict[str, str]) -> list[str]:
    """The options of a method that are its own."""
    return [f"{k}={v}" for k, v in labels.options(one).items() if k not in shared]


def _caption(one: Attribution, truth: str, name: str) -> tuple[str, list[str]]:
    """What stands beside an image: the class explained; its probability, and which image it is."""
    sure = labels.answer_text(one) or f"{one.score_name} {labels.number(one.score)}"
    if explains_class(one) and labels.is_predicted(one):
        sure = f"predicted, {sure}"
    found = [sure, labels.prediction_text(one), truth, *name.splitlines()]
    return labels.target_title(one), list(filter(None, found))
