"""The figure of an attribution, or of several methods side by side."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from tfxai.arrangement import spatial
from tfxai.attribution import Attribution
from tfxai.axes import input_axes
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels, style
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.images import ImageRow, places_of_values
from tfxai.plotting.notes import Notes, gathered
from tfxai.plotting.rows import HEADING, LEFT, MARGIN, Row, draw_headings, draw_label, label_height
from tfxai.plotting.series import SeriesRow
from tfxai.plotting.tables import TableRow, columns_together
from tfxai.plotting.volumes import VolumeRow

Index: TypeAlias = "int | slice | Sequence[int] | Sequence[bool] | np.ndarray[Any, Any] | None"

_TITLE = 0.24  # inches, of each line
_CLASS = 0.36
_GAP = 0.2
_BETWEEN = 0.3  # examples


@dataclasses.dataclass(frozen=True)
class _Block:
    """One example: a header, and a labelled row for each method."""

    header: list[tuple[str, dict[str, Any]]]
    rows: list[tuple[str, list[str], Row]]
    remarks: tuple[str, list[str]]

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
    index: Index = 0,
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
    grey. Volumes and films get the four slices with most attribution and a projection. Tables
    (B, F) get bars, the 20 strongest features at most; series (B, T, C) get lines. Each heatmap
    is scaled on its own, as `Attribution.heatmap` does by default. The
    `Attribution.remarks` on the drawn examples are printed below.

    Args:
        attributions: One attribution, or several of the same inputs.
        index: The example to draw, negative from the end; a slice, several indices or a boolean
            for each example draws some, and None all.
        cmap: A colour map of matplotlib for the heatmaps, instead of the one that suits.
        title: A line above everything, such as the image's name.
        feature_names: One name for each feature of a table.
        limit: Most examples to draw; the figure says so where there are more.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: There is nothing to draw, the attributions differ in length, `index`
            is out of range, or the values are not an image, volume, table or series.
        UnknownNameError: matplotlib has no colour map of that name.
        OutputError: The file cannot be written.
    """
    several = _checked(attributions, limit)
    total = len(several[0])
    indices = _indices(index, total)
    has_positions = total > 1 and not isinstance(index, int | np.integer)
    blocks = []
    for i in indices[:limit]:
        ones = [whole[i] for whole in several]
        rows = [row for one in ones for row in _rows(one, ones[0], cmap, feature_names)]
        name = f"Example {i + 1}"
        header = _header(ones[0], f"{name} of {total}" if has_positions else "")
        remarks = [sentence for one in ones for sentence in one.remarks]
        blocks.append(_Block(header, rows, (name, remarks)))
    figure = _compose(blocks, title, len(indices))
    if path is not None:
        save_figure(figure, path)
    return figure


def _checked(attributions: Attribution | Sequence[Attribution], limit: int) -> list[Attribution]:
    several = [attributions] if isinstance(attributions, Attribution) else list(attributions)
    lengths = sorted({len(one) for one in several})
    if len(lengths) != 1 or lengths == [0]:
        what = f"attributions of {lengths} examples" if lengths else "no attribution"
        raise InvalidInputError(
            f"There are {what} to draw. Pass attributions of the same one or more inputs."
        )
    if limit < 1:
        raise InvalidInputError(f"limit={limit} draws no example. Pass 1 or more.")
    return several


def _indices(index: Any, total: int) -> list[int]:
    """The examples that `index` asks for, each in [0, total)."""
    if index is None or isinstance(index, slice):
        found = np.arange(total)[index or slice(None)]
    else:
        try:
            given = np.asarray(index)
        except ValueError:  # rows of different lengths
            given = np.asarray(None)
        is_mask = given.dtype == bool and given.shape == (total,)
        found = np.flatnonzero(given) if is_mask else np.atleast_1d(given)
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
            raise InvalidInputError(
                f"index={index!r} was expected to be an integer, several of them, a slice, a "
                f"boolean for each of the {total} examples, or None for all."
            )
    outside = [int(i) for i in found if not -total <= i < total]
    if outside:
        also = "" if isinstance(index, int | np.integer) else f" holds {outside[0]}, which"
        raise InvalidInputError(
            f"index={_short(index)}{also} is outside the {total} examples. "
            f"Pass an index in [0, {total}), or None for all."
        )
    if not len(found):
        raise InvalidInputError(
            f"index={_short(index)} picks none of the {total} examples. Pass one or more."
        )
    return [int(i) % total for i in found]


def _short(index: Any) -> str:
    return labels.shortened(str(index.tolist() if isinstance(index, np.ndarray) else index), 40)


def _header(one: Attribution, position: str) -> list[tuple[str, dict[str, Any]]]:
    """The explained class and its probability, and which example this is."""
    parts = [(labels.target_title(one), style.font(style.TITLE, bold=True))]
    sure = labels.probability_text(one) or labels.value_text(one)
    for text in (sure, labels.prediction_text(one), position):
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
    rows: list[tuple[str, list[str], Row]] = []
    together, others = columns_together(one)
    if together is not None:
        rows.append((title, lines, TableRow(together, feature_names)))
        feature_names = None  # which are those of the columns
    for name, part in others.items():
        of = [f"input {labels.shortened(name, 28)}"] if isinstance(one.values, dict) else []
        rows.append((title, [*of, *lines], _row(part, cmap, feature_names)))
    return rows


def _row(
    one: Attribution, cmap: str | Colormap | None, feature_names: Sequence[str] | None
) -> Row:
    values, inputs = np.asarray(one.values), np.asarray(one.inputs)
    places = places_of_values(one)
    if places == 2:
        return ImageRow(one, cmap)
    if places == 3:
        return VolumeRow(one, cmap)
    is_of_table = one.is_map and inputs.ndim == 2 and not spatial(input_axes(one))
    if places == 1 and not is_of_table:
        return SeriesRow(one)
    if values.ndim == 2:
        return TableRow(one, feature_names)
    raise InvalidInputError(
        f"The values have shape {values.shape} for inputs {inputs.shape}, and figures are drawn "
        "of images (B, H, W, C), volumes (B, D, H, W, C), series (B, T, C) and tables (B, F). "
        "Draw other values from Attribution.values."
    )


def _compose(blocks: list[_Block], title: str | None, total: int) -> Figure:
    """The blocks stacked on one page."""
    rows = [row for block in blocks for _, _, row in block.rows]
    legend = []
    if len(blocks) < total:
        legend.append(f"The first {len(blocks)} of {total} examples.")
    if any(isinstance(row, ImageRow | VolumeRow) for row in rows):
        legend.append(labels.scaling_note())
    legend += dict.fromkeys(row.legend for row in rows if row.legend)
    width = MARGIN + LEFT + max(row.width for row in rows) + MARGIN
    notes = Notes(" ".join(legend), gathered([block.remarks for block in blocks]), width)
    height = MARGIN + sum(block.height for block in blocks) + _BETWEEN * (len(blocks) - 1)
    height += (_TITLE if title else 0) + notes.height
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
    notes.draw(page)
    return page.figure
