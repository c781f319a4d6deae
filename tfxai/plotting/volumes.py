"""Rows for volumes and films: the slices with most attribution, and a projection of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import Colormap

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import value_axes
from tfxai.plotting.colours import colour_map, overlay, scale
from tfxai.plotting.figures import Page
from tfxai.plotting.images import (
    BAR,
    BAR_LABELS,
    GAP,
    display_pixels,
    draw_bar,
    is_diverging,
    panel_size,
    show,
)
from tfxai.plotting.rows import Row

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 4
_SIDE = 1.4  # inches
_WIDEST = 1.6
_NARROWEST = 0.95  # of a column, so that headings have room


class VolumeRow(Row):
    """Four slices of one volume, the ones with most attribution, above their overlays.

    The last column is the projection along the depth: the mean of the slices, and over it the
    value of the greatest magnitude.
    """

    def __init__(self, one: Attribution, cmap: str | Colormap | None) -> None:
        self.volume = display_pixels(one, places=3)
        size = None if self.volume is None else self.volume.shape[:3]
        self.heat: Array = one.heatmap(size=size)[0]
        self.signed = is_diverging(one)
        self.cmap = colour_map(cmap, self.signed)
        depth, height, width = self.heat.shape
        strength = np.abs(one.heatmap(size=size, clip_percentile=100)[0]).sum(axis=(1, 2))
        self.slices = sorted(np.argsort(-strength, kind="stable")[:MOST].tolist())
        self.panel, self.side = panel_size(width / height, _SIDE, _WIDEST)
        self.step = max(self.panel, _NARROWEST) + GAP
        self.legend = "A projection has the strongest value of all slices"
        self.legend += "." if self.volume is None else ", over their mean."
        rows = 1 if self.volume is None else 2
        self.height = rows * self.side + (rows - 1) * GAP
        self.width = self.step * (len(self.slices) + 1) + BAR + BAR_LABELS
        word = "frame" if spatial(value_axes(one))[:1] == "T" else "slice"
        names = [f"{word} {i} of 0\N{EN DASH}{depth - 1}" for i in self.slices]
        self.headings = tuple(
            (column * self.step, name) for column, name in enumerate([*names, "projection"])
        )

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws a column for each slice, the projection and the colour bar."""
        heats = [*self.heat[self.slices], _strongest(self.heat)]
        below = top
        if self.volume is not None:
            below += self.side + GAP
            pictures = [*self.volume[self.slices], self.volume.mean(axis=0)]
        for column, heat in enumerate(heats):
            place = left + column * self.step
            if self.volume is not None:
                show(page.axes(place, top, self.panel, self.side), pictures[column])
            axes = page.axes(place, below, self.panel, self.side)
            if self.volume is not None:
                show(axes, overlay(pictures[column], heat, self.cmap, self.signed))
            else:
                show(axes, heat, cmap=self.cmap, norm=scale(self.signed))
        place = left + len(heats) * self.step
        draw_bar(page, (place, below, self.side), self.cmap, self.signed)


def _strongest(heat: Array) -> Array:
    """(H, W) the value of the greatest magnitude along the first of (D, H, W)."""
    deepest = np.abs(heat).argmax(axis=0)
    return np.asarray(np.take_along_axis(heat, deepest[None], axis=0)[0])
