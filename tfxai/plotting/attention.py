"""Attention heads as heatmaps with tokens on both axes."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any, Literal

from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.figures import Page, save_figure
from tfxai.plotting.measure import cut

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights

_SINGLE = 4.2  # inches of one head
_SMALL = 1.5
_COLUMNS = 4
_LABELS = 0.85
_GAP = 0.3
_MARGIN = 0.25
_MOST_LABELS = 64


def plot_heads(
    weights: AttentionWeights,
    layer: int | str = -1,
    head: int | Literal["mean"] | None = None,
    index: int = 0,
    *,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """One head as a heatmap, or all heads of a layer in a grid; see `AttentionWeights.plot`."""
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
        figure = _one(maps.mean(axis=0), labels, title)
    elif head is not None:
        figure = _one(maps[head], labels, f"Layer {number} ({name}), head {head}")
    else:
        figure = _grid(maps, f"Layer {number} ({name}): {len(maps)} heads")
    if path is not None:
        save_figure(figure, path)
    return figure


def _one(weights: Any, labels: list[str], title: str) -> Figure:
    """A head with a token at each row, which looks, and each column, which is looked at."""
    side = _LABELS + _SINGLE + _MARGIN
    page = Page(side, side + 0.45, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.BODY, bold=True))
    page.text(_MARGIN, _MARGIN + 0.2, _scale(weights), **style.font(style.SMALL, style.MUTED))
    axes = page.axes(_LABELS, _MARGIN + 0.45, _SINGLE, _SINGLE)
    _draw(axes, weights, weights.max())
    if len(labels) <= _MOST_LABELS and weights.shape == (len(labels), len(labels)):
        short = [cut(label, 0.7, style.SMALL) for label in labels]
        places = range(len(labels))
        axes.set_xticks(places, short, rotation=90, **style.font(style.SMALL))
        axes.set_yticks(places, short, **style.font(style.SMALL))
        axes.tick_params(length=0)
    return page.finish()


def _grid(maps: Any, title: str) -> Figure:
    """Small maps of all heads, all on one scale."""
    columns = min(_COLUMNS, len(maps))
    rows = math.ceil(len(maps) / columns)
    width = 2 * _MARGIN + columns * _SMALL + (columns - 1) * _GAP
    height = 2 * _MARGIN + 0.45 + rows * (_SMALL + _GAP)
    page = Page(max(width, 3.0), height, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.BODY, bold=True))
    page.text(_MARGIN, _MARGIN + 0.2, _scale(maps), **style.font(style.SMALL, style.MUTED))
    for head, weights in enumerate(maps):
        row, column = divmod(head, columns)
        left = _MARGIN + column * (_SMALL + _GAP)
        top = _MARGIN + 0.45 + row * (_SMALL + _GAP)
        page.text(left, top, f"head {head}", **style.font(style.SMALL, style.MUTED))
        _draw(page.axes(left, top + 0.15, _SMALL, _SMALL), weights, maps.max())
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
