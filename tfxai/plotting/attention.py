"""Attention heads: where a token of an image attends, or heatmaps with tokens on both axes."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.plotting import style
from tfxai.plotting.attention_maps import draw_map, picture_size
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.measure import cut

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights
    from tfxai.patch_grid import Query

_SINGLE = 4.2  # inches of one head
_SMALL = 1.5
_COLUMNS = 4
_LABELS = 0.85
_GAP = 0.3
_MARGIN = 0.25
_MOST_LABELS = 36


def plot_heads(
    weights: AttentionWeights,
    layer: int | str = -1,
    head: int | Literal["mean"] | None = None,
    index: int = 0,
    *,
    query: Query | Literal["all"] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """One head, or all heads of a layer in a grid; see `AttentionWeights.plot`."""
    number = weights.number(layer)
    weights.check(number, None if head == "mean" else head, index)
    is_all = isinstance(query, str) and query == "all"
    if not is_all and (query is not None or weights.grid(number) is not None):
        figure = _maps(weights, number, head, index, None if is_all else query)
    else:
        figure = _heatmaps(weights, number, head, index)
    if path is not None:
        save_figure(figure, path)
    return figure


def _named(weights: AttentionWeights, number: int, head: int | Literal["mean"] | None) -> str:
    """The heading of a figure."""
    name, heads = weights.layers[number], weights.weights[number].shape[1]
    if head is None:
        return f"Layer {number} ({name}): {heads} heads"
    which = f"mean of {heads} heads" if head == "mean" else f"head {head}"
    return f"Layer {number} ({name}), {which}"


def _maps(
    weights: AttentionWeights,
    number: int,
    head: int | Literal["mean"] | None,
    index: int,
    query: Any,
) -> Figure:
    """Maps over the picture of where one token attends."""
    grid = weights.required_grid(number)
    chosen = grid.query(query)
    heads = range(weights.weights[number].shape[1]) if head is None else [head]
    maps = [weights.patch_map(number, one, index, query=query) for one in heads]
    who = "the mean over all tokens" if chosen is None else f"the {grid.name(chosen)}"
    if chosen is not None and grid.place(chosen) is not None:
        who = f"the patch in {grid.name(chosen)}"
    most = max(float(one.max()) for one in maps)
    note = f"where {who} attends; strongest colour {most:.2g}, none 0"
    image = None if weights.images is None else weights.images[index]
    place = None if chosen is None else grid.place(chosen)
    big = _SINGLE if head is not None else _SMALL
    width, height = picture_size(image, grid, big)
    page = _laid_out(_named(weights, number, head), note, len(maps), width, height, head is None)
    for (left, top), one, name in zip(
        _corners(len(maps), width, height), maps, heads, strict=True
    ):
        if head is None:
            page.text(left, top - 0.15, f"head {name}", **style.font(style.SMALL, style.MUTED))
        draw_map(page.axes(left, top, width, height), image, one, grid, most, place)
    return page.finish()


def _laid_out(
    title: str, note: str, count: int, width: float, height: float, is_grid: bool
) -> Page:
    """A page for that many pictures below a heading."""
    columns = min(_COLUMNS, count)
    rows = math.ceil(count / columns)
    across = 2 * _MARGIN + columns * width + (columns - 1) * _GAP
    down = 2 * _MARGIN + 0.45 + rows * (height + _GAP)
    page = Page(max(across, 4.6), down, f"{title}, {note}")
    page.text(_MARGIN, _MARGIN, title, **style.font(style.BODY, bold=True))
    page.text(_MARGIN, _MARGIN + 0.2, note, **style.font(style.SMALL, style.MUTED))
    return page


def _corners(
    count: int, width: float, height: float, left: float = _MARGIN
) -> list[tuple[float, float]]:
    """The top left corner of each picture, in inches."""
    columns = min(_COLUMNS, count)
    return [
        (left + i % columns * (width + _GAP), _MARGIN + 0.6 + i // columns * (height + _GAP))
        for i in range(count)
    ]


def _heatmaps(
    weights: AttentionWeights, number: int, head: int | Literal["mean"] | None, index: int
) -> Figure:
    """Weights of all tokens by all tokens."""
    kept, names = weights.kept(index), weights.labels(index)
    maps = weights[number][index]
    if maps.shape[-1] == maps.shape[-2] == len(names):
        maps = maps[:, kept][:, :, kept]
    grid = weights.grid(number)
    labels = names if grid is None else [grid.tick(i) for i in range(len(names))]
    labels = [labels[i] for i in kept]
    title = _named(weights, number, head)
    if head is None:
        return _grid(maps, title)
    return _one(maps.mean(axis=0) if head == "mean" else maps[head], labels, title)


def _one(weights: Array, labels: list[str], title: str) -> Figure:
    """A head with a token at each row, which looks, and each column, which is looked at."""
    side = _LABELS + _SINGLE + _MARGIN
    page = Page(side + _GAP, side + 0.45 + _GAP, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.BODY, bold=True))
    page.text(_MARGIN, _MARGIN + 0.2, _scale(weights), **style.font(style.SMALL, style.MUTED))
    axes = page.axes(_LABELS + _GAP, _MARGIN + 0.45, _SINGLE, _SINGLE)
    _draw(axes, weights, float(weights.max()))
    places = [i for i, label in enumerate(labels) if label]
    if len(places) <= _MOST_LABELS and weights.shape == (len(labels), len(labels)):
        short = [cut(labels[i], 0.7, style.SMALL) for i in places]
        axes.set_xticks(places, short, rotation=90, **style.font(style.SMALL))
        axes.set_yticks(places, short, **style.font(style.SMALL))
        axes.tick_params(length=0)
    _name_axes(axes, row=True, column=True)
    return page.finish()


def _grid(maps: Array, title: str) -> Figure:
    """Small maps of all heads, all on one scale."""
    columns, count = min(_COLUMNS, len(maps)), len(maps)
    rows = math.ceil(count / columns)
    width = 2 * _MARGIN + columns * (_SMALL + _GAP)
    height = 2 * _MARGIN + 0.6 + rows * (_SMALL + _GAP)
    page = Page(max(width, 3.4), height, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.BODY, bold=True))
    page.text(_MARGIN, _MARGIN + 0.2, _scale(maps), **style.font(style.SMALL, style.MUTED))
    corners = _corners(count, _SMALL, _SMALL, _MARGIN + _GAP)
    for head, ((left, top), weights) in enumerate(zip(corners, maps, strict=True)):
        page.text(left, top - 0.15, f"head {head}", **style.font(style.SMALL, style.MUTED))
        axes = page.axes(left, top, _SMALL, _SMALL)
        _draw(axes, weights, float(maps.max()))
        _name_axes(axes, row=head + columns >= count, column=head % columns == 0)
    return page.finish()


def _name_axes(axes: Any, *, row: bool, column: bool) -> None:
    """Which axis is which: below the lowest heatmaps and beside the leftmost."""
    if row:
        axes.set_xlabel("key", **style.font(style.SMALL, style.MUTED))
    if column:
        axes.set_ylabel("query", **style.font(style.SMALL, style.MUTED))


def _scale(weights: Array) -> str:
    """What the darkest colour is, and what rows and columns are."""
    return f"rows attend to columns; darkest {float(weights.max()):.2g}, white 0"


def _draw(axes: Any, weights: Array, largest: float) -> None:
    axes.imshow(
        np.asarray(weights), cmap="Purples", vmin=0, vmax=largest or 1, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
