"""Attention heads as heatmaps with tokens on both axes."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.headings import Heading
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights

_SINGLE = 4.2  # inches of one head
_SMALL = 1.5
_COLUMNS = 4
_LABELS = 0.85
_GAP = 0.3
_NAME = 0.15  # of a head, above it
_NARROWEST = 3.3  # of a page
_MARGIN = 0.25
_MOST_LABELS = 64


def plot_heads(
    weights: AttentionWeights,
    layer: int | str = -1,
    head: int | Literal["mean"] | None = None,
    index: int = 0,
    *,
    path: str | os.PathLike[str] | None = None,
    figsize: Any = None,
) -> Figure:
    """One head as a heatmap, or all heads of a layer in a grid; see `AttentionWeights.plot`."""
    size = None if figsize is None else SIZE.read("figsize", figsize)
    number = weights.number(layer)
    weights.check(number, None if head == "mean" else head, index)
    kept = weights.kept(index)
    maps = weights[number][index]
    if maps.shape[-1] == maps.shape[-2] == len(weights.labels(index)):
        maps = maps[:, kept][:, :, kept]
    labels = [weights.labels(index)[i] for i in kept]
    name = weights.layers[number]
    if head == "mean":
        title = f"Layer {number} ({name}), mean of {len(maps)} heads"
        figure = _one(maps.mean(axis=0), labels, title, size)
    elif head is not None:
        figure = _one(maps[head], labels, f"Layer {number} ({name}), head {head}", size)
    else:
        figure = _grid(maps, f"Layer {number} ({name}): {len(maps)} heads", size)
    if path is not None:
        save_figure(figure, path)
    return figure


Size: TypeAlias = "tuple[float, float | None] | None"


def _one(weights: Any, labels: list[str], title: str, size: Size) -> Figure:
    """A head with a token at each row, which looks, and each column, which is looked at."""
    has_labels = len(labels) <= _MOST_LABELS and weights.shape == (len(labels), len(labels))
    short = [cut(label, _LABELS - 0.15, style.SMALL) for label in labels] if has_labels else []
    beside = max((text_width(label, style.SMALL) for label in short), default=0.0) + 0.08
    head = Heading(title, _scale(weights))
    side = 0.0

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal side
        side = share * min(_SINGLE, width - 2 * _MARGIN - beside)
        return 2 * _MARGIN + beside + side, head.fit(width) + side + beside + _MARGIN

    found = fit(size, 2 * _MARGIN + beside + _SINGLE, lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    axes = page.axes(_MARGIN + beside, head.draw(page), side, side)
    _draw(axes, weights, weights.max())
    if has_labels:
        places = range(len(labels))
        is_narrow = beside > side / max(len(short), 1)
        turned = 90 if is_narrow else 0
        axes.set_xticks(places, short, rotation=turned, **style.font(style.SMALL))
        axes.set_yticks(places, short, **style.font(style.SMALL))
        axes.tick_params(length=0, pad=3)
    return page.finish()


def _grid(maps: Any, title: str, size: Size) -> Figure:
    """Small maps of all heads, all on one scale."""
    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    head = Heading(title, _scale(maps))
    side = 0.0

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal side
        side = share * min(_SMALL, (width - 2 * _MARGIN + _GAP) / columns - _GAP)
        needed = 2 * _MARGIN + columns * (side + _GAP) - _GAP
        return needed, head.fit(width) + rows * (_NAME + side + _GAP) - _GAP + _MARGIN

    natural = 2 * _MARGIN + columns * (_SMALL + _GAP) - _GAP
    found = fit(size, max(natural, _NARROWEST), lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    above = head.draw(page)
    for number, weights in enumerate(maps):
        row, column = divmod(number, columns)
        left = _MARGIN + column * (side + _GAP)
        top = above + row * (_NAME + side + _GAP)
        page.text(left, top, f"head {number}", **style.font(style.SMALL, style.MUTED))
        _draw(page.axes(left, top + _NAME, side, side), weights, maps.max())
    return page.finish()


def _scale(weights: Any) -> str:
    """What rows, columns and the darkest colour are."""
    return f"rows attend to columns; darkest {float(weights.max()):.2g}, white 0"


def _draw(axes: Any, weights: Any, largest: float) -> None:
    axes.imshow(
        weights, cmap="Purples", vmin=0, vmax=largest or 1, aspect="auto", interpolation="nearest"
    )
    axes.set_xticks([])
    axes.set_yticks([])
