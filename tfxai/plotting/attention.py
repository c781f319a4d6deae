"""Attention heads: where a token of an image attends, or heatmaps with tokens on both axes."""

from __future__ import annotations

import dataclasses
import math
import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.plotting import style
from tfxai.plotting.attention_maps import draw_map, picture_size
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.headings import Heading
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights
    from tfxai.patch_grid import Query

Head: TypeAlias = "int | Literal['mean'] | None"
Size: TypeAlias = "tuple[float, float | None] | None"
_SINGLE = 4.2  # inches of one head
_SMALL = 1.5
_COLUMNS = 4
_LABELS = 0.7  # the longest label of a token
_GAP = 0.3
_NAME = 0.15  # of a head, above it
_AXIS = 0.2  # the name of an axis
_NARROWEST = 3.3  # of a page
_MARGIN = 0.25
_MOST_LABELS = 36


def plot_heads(
    weights: AttentionWeights,
    layer: int | str = -1,
    head: Head = None,
    index: int = 0,
    *,
    query: Query | Literal["all"] | None = None,
    path: str | os.PathLike[str] | None = None,
    figsize: Any = None,
) -> Figure:
    """One head, or all heads of a layer in a grid; see `AttentionWeights.plot`."""
    size = None if figsize is None else SIZE.read("figsize", figsize)
    number = weights.number(layer)
    weights.check(number, None if head == "mean" else head, index)
    is_all = isinstance(query, str) and query == "all"
    if not is_all and (query is not None or weights.grid(number) is not None):
        figure = _maps(weights, number, head, index, None if is_all else query, size)
    else:
        figure = _heatmaps(weights, number, head, index, size)
    if path is not None:
        save_figure(figure, path)
    return figure


def _named(weights: AttentionWeights, number: int, head: Head) -> str:
    """The heading of a figure."""
    name, heads = weights.layers[number], weights.weights[number].shape[1]
    if head is None:
        return f"Layer {number} ({name}): {heads} heads"
    which = f"mean of {heads} heads" if head == "mean" else f"head {head}"
    return f"Layer {number} ({name}), {which}"


def _maps(
    weights: AttentionWeights, number: int, head: Head, index: int, query: Any, size: Size
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
    extent = picture_size(image, grid, _SMALL if head is None else _SINGLE)
    sheet = _sheet(_named(weights, number, head), note, len(maps), extent, size, head is None)
    for axes, one in zip(sheet.axes, maps, strict=True):
        draw_map(axes, image, one, grid, most, place)
    return sheet.page.finish()


def _heatmaps(
    weights: AttentionWeights, number: int, head: Head, index: int, size: Size
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
        return _grid(maps, title, size)
    return _one(maps.mean(axis=0) if head == "mean" else maps[head], labels, title, size)


def _one(weights: Array, labels: list[str], title: str, size: Size) -> Figure:
    """A head with a token at each row, which looks, and each column, which is looked at."""
    places = [i for i, label in enumerate(labels) if label]
    if len(places) > _MOST_LABELS or weights.shape != (len(labels), len(labels)):
        places = []
    short = [cut(labels[i], _LABELS, style.SMALL) for i in places]
    beside = max((text_width(label, style.SMALL) for label in short), default=0.0) + 0.08 + _AXIS
    head = Heading(title, _scale(weights))
    side = 0.0

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal side
        side = share * min(_SINGLE, width - 2 * _MARGIN - beside)
        return 2 * _MARGIN + beside + side, head.fit(width) + side + beside + _MARGIN

    found = fit(size, 2 * _MARGIN + beside + _SINGLE, lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    axes = page.axes(_MARGIN + beside, head.draw(page), side, side)
    _draw(axes, weights, float(weights.max()))
    is_narrow = beside - _AXIS > side / max(len(short), 1)
    axes.set_xticks(places, short, rotation=90 if is_narrow else 0, **style.font(style.SMALL))
    axes.set_yticks(places, short, **style.font(style.SMALL))
    axes.tick_params(length=0, pad=3)
    _name_axes(axes, row=True, column=True)
    return page.finish()


def _grid(maps: Array, title: str, size: Size) -> Figure:
    """Small maps of all heads, all on one scale."""
    count, columns = len(maps), min(_COLUMNS, len(maps))
    sheet = _sheet(title, _scale(maps), count, (_SMALL, _SMALL), size, True, _AXIS)
    for i, (axes, weights) in enumerate(zip(sheet.axes, maps, strict=True)):
        _draw(axes, weights, float(maps.max()))
        _name_axes(axes, row=i + columns >= count, column=i % columns == 0)
    return sheet.page.finish()


@dataclasses.dataclass(frozen=True)
class _Sheet:
    """A page, and the axes of its pictures."""

    page: Page
    axes: list[Any]


def _sheet(
    title: str,
    note: str,
    count: int,
    extent: tuple[float, float],
    size: Size,
    is_named: bool,
    beside: float = 0.0,
) -> _Sheet:
    """Pictures below a heading, smaller than they are meant to be where there is no room.

    Args:
        title: The heading.
        note: A line below it.
        count: How many pictures.
        extent: Width and height of a picture in inches.
        size: That of the page, None for what the pictures need.
        is_named: Whether each has the number of its head above it.
        beside: Inches to the left of the pictures and below them.
    """
    columns = min(_COLUMNS, count)
    rows, name = math.ceil(count / columns), _NAME if is_named else 0.0
    head = Heading(title, note)
    width = height = 0.0

    def lay_out(across: float, share: float) -> tuple[float, float]:
        nonlocal width, height
        room = (across - 2 * _MARGIN - beside + _GAP) / columns - _GAP
        width = share * min(extent[0], room)
        height = width * extent[1] / extent[0]
        needed = 2 * _MARGIN + beside + columns * (width + _GAP) - _GAP
        down = head.fit(across) + rows * (name + height + _GAP) - _GAP
        return needed, down + beside + _MARGIN

    natural = 2 * _MARGIN + beside + columns * (extent[0] + _GAP) - _GAP
    found = fit(size, max(natural, _NARROWEST), lay_out)
    page = Page(found.width, found.height, f"{title}, {note}", found.zoom)
    above, made = head.draw(page), []
    for number in range(count):
        row, column = divmod(number, columns)
        left = _MARGIN + beside + column * (width + _GAP)
        top = above + row * (name + height + _GAP)
        if is_named:
            page.text(left, top, f"head {number}", **style.font(style.SMALL, style.MUTED))
        made.append(page.axes(left, top + name, width, height))
    return _Sheet(page, made)


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
