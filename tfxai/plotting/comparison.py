"""Methods side by side: a row for each image, a column for each method."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.colours import colour_map, overlay
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.images import (
    image_part,
    is_diverging,
    panel_size,
    show,
)
from tfxai.plotting.notes import Notes, gathered
from tfxai.plotting.rows import LEFT, MARGIN, Row, draw_label, label_height

MOST = 40
"""Most images in a figure: a taller one is hard to read."""
_SIDE = 1.6  # inches of a square panel
_WIDEST = 3.2
_GAP = 0.1
_TITLE = 0.3
_LINE = 0.14
_LETTERS = 16  # of small text in an inch


class _OverlayRow(Row):
    """One image, and the heatmap of each method over it."""

    def __init__(
        self, ones: Sequence[Attribution], over: Sequence[Attribution], pixels: Array
    ) -> None:
        self.ones = ones
        self.over = over  # the part of each that lies over the image
        self.pixels = pixels
        height, width = self.pixels.shape[:2]
        self.width, self.height = panel_size(width / height, _SIDE, _WIDEST)  # of one panel
        self.step = self.width + _GAP

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels, each `step` right of the one before."""
        show(page.axes(left, top, self.width, self.height), self.pixels)
        for column, one in enumerate(self.over, start=1):
            signed = is_diverging(one)
            heat = one.heatmap(size=self.pixels.shape[:2])[0]
            laid_over = overlay(self.pixels, heat, colour_map(None, signed), signed)
            show(page.axes(left + column * self.step, top, self.width, self.height), laid_over)


def plot_comparison(
    attributions: Sequence[Attribution | Sequence[Attribution]],
    *,
    names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draws what several methods say about several images, the methods side by side.

    A row is an image in true colours, then each method's heatmap over it, labelled with the
    explained class and its probability.

    Args:
        attributions: One for each method, all of the same images, `MOST` at most; where
            sizes differ, a sequence of attributions of one image each instead of one.
        names: One or a few lines about each image.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: There is nothing to draw or too much, the attributions differ in
            length or in what they explain, there are more or fewer names than images, or the
            inputs are not images.
        OutputError: The file cannot be written.

    Example:
        `plot_comparison([GradCAM()(model, images), ScoreCAM()(model, images)])`
    """
    count = _count(attributions)
    if names is not None and len(names) != count:
        raise InvalidInputError(f"There are {len(names)} names for {count} images. Pass one each.")
    rows = [_row([whole[i] for whole in attributions]) for i in range(count)]
    figure = _compose(rows, names or [""] * count)
    if path is not None:
        save_figure(figure, path)
    return figure


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


def _row(ones: list[Attribution]) -> _OverlayRow:
    over = []
    for one in ones:
        part = image_part(one)
        if part is None:
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
        over.append(part)
        if one.target_names != ones[0].target_names:
            raise InvalidInputError(
                f"{one.method['name']} explains {one.target_names[0]!r} and "
                f"{ones[0].method['name']} {ones[0].target_names[0]!r} of the same image. Pass "
                "the same target to both."
            )
    return _OverlayRow(ones, [part for part, _ in over], over[0][1])


def _compose(rows: Sequence[_OverlayRow], names: Sequence[str]) -> Figure:
    """The rows stacked below the names of the methods."""
    first = rows[0].ones
    step = max(row.step for row in rows)
    for row in rows:
        row.step = step
    shared = _shared(first)
    beneath = [_options(one, shared, step) for one in first]
    captions = [_caption(row.ones[0], name) for row, name in zip(rows, names, strict=True)]
    heights = [
        max(row.height, label_height(lines)) + _GAP
        for row, (_, lines) in zip(rows, captions, strict=True)
    ]
    above = _TITLE + _LINE * max(map(len, beneath))
    width = MARGIN + LEFT + step * (len(first) + 1) - _GAP + MARGIN
    legend = [f"All with {', '.join(f'{k}={v}' for k, v in shared.items())}."] if shared else []
    legend.append(labels.scaling_note(signed=any(map(is_diverging, first))))
    remarks = [
        (f"Image {number}", [sentence for one in row.ones for sentence in one.remarks])
        for number, row in enumerate(rows, start=1)
    ]
    notes = Notes(" ".join(legend), gathered(remarks), width)
    page = Page(width, MARGIN + above + sum(heights) + notes.height, _label(rows))
    heading = style.font(style.BODY + 0.5, bold=True)
    small = style.font(style.SMALL, style.MUTED)
    left = MARGIN + LEFT
    page.text(left, MARGIN, "Image", **style.font(style.BODY + 0.5, style.MUTED))
    for column, (one, lines) in enumerate(zip(first, beneath, strict=True), start=1):
        page.text(left + column * step, MARGIN, _method(one), **heading)
        page.text(left + column * step, MARGIN + 0.19, "\n".join(lines), **small)
    top = MARGIN + above
    for row, (title, lines), height in zip(rows, captions, heights, strict=True):
        draw_label(page, top, title, lines)
        row.draw(page, left, top)
        top += height
    notes.draw(page)
    return page.figure


def _method(one: Attribution) -> str:
    return labels.method_title(one.method["name"])


def _label(rows: Sequence[_OverlayRow]) -> str:
    methods = ", ".join(map(_method, rows[0].ones))
    classes = ", ".join(labels.target_title(row.ones[0]) for row in rows)
    return f"{methods} of {classes}"


def _shared(ones: Sequence[Attribution]) -> dict[str, str]:
    """The options that all have, with the same value, where there are several methods."""
    first, *others = (labels.options(one) for one in ones)
    return {k: v for k, v in first.items() if others and all(o.get(k) == v for o in others)}


def _options(one: Attribution, shared: dict[str, str], step: float) -> list[str]:
    """Lines below a method's name with the options that are its own."""
    own = [f"{k}={v}" for k, v in labels.options(one).items() if k not in shared]
    return textwrap.wrap(", ".join(own), int(_LETTERS * step), max_lines=3, placeholder=" …")


def _caption(one: Attribution, name: str) -> tuple[str, list[str]]:
    """What stands beside an image: the class explained; its probability, and which image it is."""
    sure = labels.probability_text(one) or f"{one.score_name} {labels.number(one.score)}"
    if one.prediction is not None and np.array_equal(one.prediction, one.target):
        sure = f"predicted, {sure}"
    found = [sure, labels.prediction_text(one), *name.splitlines()]
    lines = [part for text in found for part in textwrap.wrap(text, 34, max_lines=3)]
    return labels.shortened(labels.target_title(one), 26), lines
