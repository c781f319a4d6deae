"""Methods side by side: a row of pictures for each image, a block of rows for what is no image."""

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
from tfxai.plotting.attribution import Index, indices_of
from tfxai.plotting.colours import colour_map
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.example_blocks import check_no_columns, in_rows, named_remarks
from tfxai.plotting.figures import save_figure
from tfxai.plotting.grouping import grouped, with_groups
from tfxai.plotting.images import image_part, is_diverging, is_of_an_image, show
from tfxai.plotting.kinds import check_words
from tfxai.plotting.notes import gathered
from tfxai.plotting.panels import draw_on, panel_of, panels_of
from tfxai.plotting.pictures import is_of_targets, with_scale
from tfxai.plotting.signs import signs_of
from tfxai.plotting.strips import Around, Panel, Strip, Strips

MOST = 40
"""Most examples in a figure: a taller one is hard to read."""


def plot_comparison(
    attributions: Sequence[Attribution | Sequence[Attribution]],
    index: Index = None,
    *,
    names: Sequence[str] | None = None,
    headings: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
    **drawing: Any,
) -> Figure:
    """Draws what several methods, or one about several targets, say about several examples.

    Of images, a row is the image in true colours, then each method's heatmap over it, labelled
    with the explained class and its probability. Where all are of one method with the same
    options, and their targets differ, each heatmap has its target above it, and all share one
    scale.

    Of tables, series, volumes, texts and several inputs, an example is a block with a row for
    each method, drawn as `plot_attribution` draws it: bars, lines, the same four slices and a
    projection, words. Charts of several targets share an axis.

    Args:
        attributions: One for each method (or target), all of the same inputs; where images differ
            in size, a sequence of attributions of one image each instead of one.
        index: The examples to draw, `MOST` at most: an integer, negative from the end, several of
            them, a slice, a boolean for each example, or None for all.
        names: One or a few lines about each example of the attributions.
        headings: What each attribution is called instead of its method, such as the name of a
            model.
        path: File to write the figure to as well; its suffix names the format.
        **drawing: Options of `tfxai.plotting.Drawing`, such as `figsize=3.3`, `style="contour"`
            or `columns=4`.

    Returns:
        The figure, made without pyplot; that of `ax` where axes were given.

    Raises:
        InvalidInputError: There is nothing to draw or too much, the attributions differ in
            length, in their inputs or in what they explain, `index` is out of range, there are
            more or fewer names than examples, or an option does not fit.
        UnknownNameError: There is no such option, style or colour map.
        OutputError: The file cannot be written.

    Example:
        `plot_comparison([GradCAM()(model, images), ScoreCAM()(model, images)])`
    """
    how = Drawing.of(drawing)
    total = _count(attributions)
    how.check_labels(total)
    if names is not None and len(names) != total:
        raise InvalidInputError(
            f"There are {len(names)} names for {total} examples. Pass one each."
        )
    if headings is not None and len(headings) != len(attributions):
        raise InvalidInputError(
            f"There are {len(headings)} headings for {len(attributions)} attributions. Pass one "
            "each."
        )
    shown = indices_of(index, total)
    if len(shown) > MOST:
        raise InvalidInputError(
            f"{len(shown)} examples are too many for one figure. Pass {MOST} or fewer, or index= "
            "for some of them."
        )
    summed = [_grouped(whole, how) for whole in attributions]
    everything = [one for whole in summed for one in _all_of(whole)]
    check_words(everything, how)
    rows = [[whole[i] for whole in summed] for i in shown]
    called = [names[i] for i in shown] if names is not None else []
    if all(is_of_an_image(one) for row in rows for one in row):
        figure = _of_images(rows, shown, called, headings, how)
    else:
        how = with_groups(everything, how)
        figure = _of_others(rows, shown, called, headings, total, how)
    if path is not None:
        save_figure(figure, path)
    return figure


def _of_others(
    rows: Sequence[Sequence[Attribution]],
    shown: Sequence[int],
    names: Sequence[str],
    headings: Sequence[str] | None,
    total: int,
    how: Drawing,
) -> Figure:
    """A block for each example, in it the row of each method."""
    check_no_columns(how)
    of_targets = any(map(is_of_targets, rows))
    for row in rows:
        _check_inputs(row)
        _check_targets(row, of_targets=is_of_targets(row))
    how = with_scale(how, [one for row in rows for one in row], of_targets=of_targets)
    if how.ax is not None:
        return draw_on(how.ax, panels_of(rows, how), how)
    counts = (len(shown), total if total > 1 else 0)
    return in_rows(rows, shown, counts, how, names=names, headings=headings or ())


def _all_of(whole: Any) -> list[Attribution]:
    return [whole] if isinstance(whole, Attribution) else list(whole)


def _of_images(
    rows: Sequence[Sequence[Attribution]],
    shown: Sequence[int],
    names: Sequence[str],
    headings: Sequence[str] | None,
    how: Drawing,
) -> Figure:
    """A row of pictures for each image."""
    of_targets = any(map(is_of_targets, rows))
    for row in rows:
        _check_targets(row, of_targets=of_targets)
    how = with_scale(how, [one for row in rows for one in row], of_targets=of_targets)
    called = names or [""] * len(rows)
    strips = [
        _strip(row, number, name, how, of_targets)
        for row, number, name in zip(rows, shown, called, strict=True)
    ]
    if headings is not None:
        strips = [
            _headed(strip, row, headings, [labels.truth_text(row[0], number, how), name])
            for strip, row, number, name in zip(strips, rows, shown, called, strict=True)
        ]
    if how.ax is not None:
        panels = [(panel.heading, panel.draw) for strip in strips for panel in strip.panels]
        return draw_on(how.ax, panels, how)
    return Strips(strips, _around(rows, shown, how, of_targets), how).figure()


def _grouped(whole: Any, how: Drawing) -> Any:
    """One attribution of all images, or one of each, with regions summed."""
    if isinstance(whole, Attribution):
        return grouped(whole, how)
    return [grouped(one, how) for one in whole]


def _count(attributions: Any) -> int:
    """The number of examples."""
    if isinstance(attributions, Attribution):
        raise InvalidInputError(
            "A single attribution was expected to be a list of them. Pass one for each method."
        )
    lengths = sorted({len(one) for one in attributions})
    if len(lengths) != 1 or lengths == [0]:
        what = f"are attributions of {lengths} examples" if lengths else "is no attribution"
        raise InvalidInputError(
            f"There {what} to compare. Pass a list of attributions of the same inputs."
        )
    return lengths[0]


def _check_inputs(ones: Sequence[Attribution]) -> None:
    """Raises `InvalidInputError` unless inputs have the same names and numbers of axes."""
    first = _shapes(ones[0])
    for one in ones:
        shapes = _shapes(one)
        if [(name, len(shape)) for name, shape in shapes] != [(n, len(s)) for n, s in first]:
            said = [dict(each) if len(each) > 1 else each[0][1] for each in (shapes, first)]
            raise InvalidInputError(
                f"The inputs of {one.method['name']} have shape {said[0]}, and those of "
                f"{ones[0].method['name']} {said[1]}. Pass attributions of the same inputs."
            )


def _shapes(one: Attribution) -> list[tuple[str, tuple[int, ...]]]:
    """The name and shape of each input."""
    inputs = one.inputs if isinstance(one.inputs, dict) else {"": one.inputs}
    return sorted((name, np.shape(array)) for name, array in inputs.items())


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


def _around(
    rows: Sequence[Sequence[Attribution]], shown: Sequence[int], how: Drawing, of_targets: bool
) -> Around:
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
        one
        for i, row in zip(shown, rows, strict=True)
        for one in named_remarks(f"Image {i + 1}", row)
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
