"""The figure of an attribution, or of several methods side by side."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.images import ImageRow
from tfxai.plotting.rows import HEADING, LEFT, MARGIN, Row, draw_headings, draw_label, label_height
from tfxai.plotting.series import SeriesRow
from tfxai.plotting.tables import TableRow

_TITLE = 0.24  # inches, of each line
_CLASS = 0.36
_GAP = 0.2
_FOOT = 0.2
_BETWEEN = 0.3  # examples


@dataclasses.dataclass(frozen=True)
class _Block:
    """One example: a header, and a labelled row for each method."""

    header: list[tuple[str, dict[str, Any]]]
    rows: list[tuple[str, list[str], Row]]

    @property
    def height(self) -> float:
        return _CLASS + sum(self._height(i) for i in range(len(self.rows)))

    def draw(self, page: Page, top: float) -> None:
        left = MARGIN
        for text, font in self.header:
            left += 0.12 + page.text(left, top + 0.16, text, va="baseline", **font)
        top += _CLASS
        for i, (title, lines, row) in enumerate(self.rows):
            below = top + self._height(i)
            if self._has_headings(i):
                draw_headings(page, LEFT + MARGIN, top, row)
                top += HEADING
            draw_label(page, top, title, lines)
            row.draw(page, LEFT + MARGIN, top)
            top = below

    def _has_headings(self, i: int) -> bool:
        mine = self.rows[i][2].headings
        return bool(mine) and (i == 0 or self.rows[i - 1][2].headings != mine)

    def _height(self, i: int) -> float:
        gap = _GAP if i + 1 < len(self.rows) else 0.0
        _, lines, row = self.rows[i]
        height = max(row.height, label_height(lines))
        return height + gap + (HEADING if self._has_headings(i) else 0.0)


def plot_attribution(
    attributions: Attribution | Sequence[Attribution],
    index: int | None = 0,
    *,
    cmap: str | Colormap | None = None,
    title: str | None = None,
    feature_names: Sequence[str] | None = None,
    limit: int = 8,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Draws what one or several methods say about the same inputs, one row for each method.

    Images get three panels: the original in true colours, the heatmap (a diverging map centred
    at 0 where values are signed, else a sequential one), and the heatmap over the image in
    grey. Tables (B, F) get bars, the 20 strongest features at most; series (B, T, C) get lines.
    Each heatmap is scaled on its own, as `Attribution.heatmap` does by default.

    Args:
        attributions: One attribution, or several of the same inputs.
        index: The example to draw, negative from the end; None draws all.
        cmap: A colour map of matplotlib for the heatmaps, instead of the one that suits.
        title: A line above everything, such as the image's name.
        feature_names: One name for each feature of a table.
        limit: How many examples are drawn at most; the figure says so where there are more.
        path: Where to write the figure too; the suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: There is nothing to draw, the attributions differ in length, `index`
            is out of range, or the values are no image, table or series.
        UnknownNameError: matplotlib has no colour map of that name.
        OutputError: The file cannot be written.
    """
    several = _checked(attributions, index, limit)
    total = len(several[0])
    indices = range(total)[:limit] if index is None else [index]
    blocks = []
    for i in indices:
        ones = [whole[int(i)] for whole in several]
        rows = [row for one in ones for row in _rows(one, ones[0], cmap, feature_names)]
        position = f"Example {i + 1} of {total}" if index is None and total > 1 else ""
        blocks.append(_Block(_header(ones[0], position), rows))
    figure = _compose(blocks, title, total if index is None else 1)
    if path is not None:
        save_figure(figure, path)
    return figure


def _checked(
    attributions: Attribution | Sequence[Attribution], index: int | None, limit: int
) -> list[Attribution]:
    several = [attributions] if isinstance(attributions, Attribution) else list(attributions)
    lengths = sorted({len(one) for one in several})
    if len(lengths) != 1 or lengths == [0]:
        what = f"attributions of {lengths} examples" if lengths else "no attribution"
        raise InvalidInputError(
            f"There are {what} to draw. Pass attributions of the same one or more inputs."
        )
    if index is not None and not -lengths[0] <= index < lengths[0]:
        raise InvalidInputError(
            f"index={index} is outside the {lengths[0]} examples. "
            f"Pass an index in [0, {lengths[0]}), or None for all."
        )
    if limit < 1:
        raise InvalidInputError(f"limit={limit} draws no example. Pass 1 or more.")
    return several


def _header(one: Attribution, position: str) -> list[tuple[str, dict[str, Any]]]:
    """The explained class and its probability, and which example this is."""
    parts = [(labels.target_title(one), style.font(style.TITLE, bold=True))]
    for text in (labels.probability_text(one), labels.prediction_text(one), position):
        if text:
            parts.append((text, style.font(style.BODY, style.MUTED)))
    return parts


def _rows(
    one: Attribution,
    first: Attribution,
    cmap: str | Colormap | None,
    feature_names: Sequence[str] | None,
) -> list[tuple[str, list[str], Row]]:
    """A labelled row for each array of values: several where a model has named inputs."""
    title = labels.method_title(one.method["name"])
    lines = labels.facts(one)
    if one.target_names != first.target_names:  # not the class that the header names
        lines = [f"explains {labels.explained(one)}", *lines]
    if not isinstance(one.values, dict):
        if isinstance(one.inputs, dict):  # values of a layer behind several inputs
            one = dataclasses.replace(one, inputs=np.zeros((len(one), 0)))
        return [(title, lines, _row(one, cmap, feature_names))]
    rows = []
    for name, values in one.values.items():
        inputs = one.inputs[name] if isinstance(one.inputs, dict) else one.inputs
        part = dataclasses.replace(one, values=values, inputs=inputs)
        row = _row(part, cmap, feature_names)
        rows.append((title, [f"input {labels.shortened(name, 28)}", *lines], row))
    return rows


def _row(
    one: Attribution, cmap: str | Colormap | None, feature_names: Sequence[str] | None
) -> Row:
    values, inputs = np.asarray(one.values), np.asarray(one.inputs)
    axes, input_axes = values.ndim, inputs.ndim
    if input_axes == 4 and (axes == 4 or (axes == 3 and one.is_map)):
        return ImageRow(one, cmap)
    if axes == 3 or (axes == 2 and one.is_map and input_axes == 3):
        return SeriesRow(one)
    if axes == 2:
        return TableRow(one, feature_names)
    raise InvalidInputError(
        f"The values have shape {values.shape} for inputs {inputs.shape}, and "
        "figures are drawn of images (B, H, W, C), series (B, T, C) and tables (B, F). "
        "Draw other values from Attribution.values."
    )


def _compose(blocks: list[_Block], title: str | None, total: int) -> Figure:
    """The blocks under each other on one page."""
    rows = [row for block in blocks for _, _, row in block.rows]
    feet = []
    if len(blocks) < total:
        feet.append(f"The first {len(blocks)} of {total} examples.")
    if any(isinstance(row, ImageRow) for row in rows):
        feet.append(labels.scaling_note())
    width = MARGIN + LEFT + max(row.width for row in rows) + MARGIN
    height = 2 * MARGIN + sum(block.height for block in blocks) + _BETWEEN * (len(blocks) - 1)
    height += (_TITLE if title else 0) + (_FOOT if feet else 0)
    label = f"Attribution of {', '.join(block.header[0][0] for block in blocks)}"
    page = Page(width, height, label)
    top = MARGIN
    if title:
        text = labels.shortened(title, 100)
        page.text(MARGIN, top, text, **style.font(style.BODY, style.MUTED))
        top += _TITLE
    for block in blocks:
        block.draw(page, top)
        top += block.height + _BETWEEN
    page.text(
        MARGIN, height - 0.12, " ".join(feet), va="bottom", **style.font(style.SMALL, style.MUTED)
    )
    return page.figure
