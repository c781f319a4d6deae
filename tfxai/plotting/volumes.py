"""Rows for volumes and films: the slices with most attribution, and a projection of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import value_axes
from tfxai.plotting import style
from tfxai.plotting.bars import BAR, BAR_LABELS, draw_bar, lying_height
from tfxai.plotting.colours import colour_map, scale
from tfxai.plotting.drawing import SMOOTHED, Drawing
from tfxai.plotting.figures import Page
from tfxai.plotting.images import GAP, display_pixels, is_diverging, panel_size, show
from tfxai.plotting.measure import cut, text_width
from tfxai.plotting.pictures import heat_of, picture
from tfxai.plotting.rows import Row
from tfxai.plotting.signs import signs_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 4
_SIDE = 1.4  # inches
_WIDEST = 1.6
_NARROWEST = 0.95  # of a column, so that headings have room
_ROOM = 5.0  # inches of panels below which the colour bar lies under them


class VolumeRow(Row):
    """Four slices of one volume, the ones with most attribution, above their overlays.

    The last column is the projection along the depth: the mean of the slices, and over it the
    value of the greatest magnitude.

    Attributes:
        has_photograph: Whether the slices themselves are drawn above their overlays.
        has_heat: Whether slices show the colours of the heatmap.
        has_bar: Whether the colour bar is drawn, or its place left empty.
    """

    def __init__(self, one: Attribution, drawing: Drawing) -> None:
        self.volume = display_pixels(one, places=3)
        self.has_photograph = self.volume is not None
        size = None if self.volume is None else self.volume.shape[:3]
        self.drawing, self.style = drawing, drawing.styled("overlay")
        self.has_heat = self.has_bar = self.volume is None or self.style not in SMOOTHED
        self.heat: Array = heat_of(one, size, drawing)
        self.signed, self.words = is_diverging(one), signs_of(one)
        self.cmap = colour_map(drawing.cmap, self.signed)
        self.kind = (self.signed, self.cmap.name, self.words)
        strengths = np.abs(one.heatmap(size=size, clip_percentile=100)[0]).sum(axis=(1, 2))
        self._shares: Array = strengths / (strengths.sum() or 1.0)
        self._take(self._shares)
        self.legend = "A projection has the strongest value of all slices"
        self.legend += "." if self.volume is None else ", over their mean."
        self.noun = "frame" if spatial(value_axes(one))[:1] == "T" else "slice"
        self.fit(np.inf, 1.0)

    def _take(self, shares: Array) -> None:
        """Draws the slices with the largest shares of the attribution."""
        self.slices = sorted(np.argsort(-shares, kind="stable")[:MOST].tolist())

    def is_beside(self, other: VolumeRow) -> bool:
        """Whether both are of the same volume, so that their slices can be compared."""
        if self.volume is None or other.volume is None:
            return self.volume is other.volume and self.heat.shape == other.heat.shape
        return np.array_equal(self.volume, other.volume)

    @staticmethod
    def align(rows: Sequence[VolumeRow]) -> None:
        """Draws the same slices in all of them, and the volume itself in the first alone."""
        shares = np.sum([row._shares for row in rows], axis=0)
        for number, row in enumerate(rows):
            row._take(shares)
            row.has_photograph = row.volume is not None and number == 0

    def fit(self, room: float, share: float) -> None:
        """A column for each slice, and a colour bar beside them or, in a narrow page, below."""
        depth, height, width = self.heat.shape
        self.lying = room < _ROOM
        beside = 0.0 if self.lying or not self.has_heat else BAR + BAR_LABELS + GAP
        count = len(self.slices) + 1
        most = max((room - beside + GAP) / count - GAP, 0.3)
        panel, side = panel_size(width / height, _SIDE, _WIDEST)
        shrunk = share * min(1.0, most / max(panel, _NARROWEST))
        self.panel, self.side = panel * shrunk, side * shrunk
        self.step = max(self.panel, min(_NARROWEST, most)) + GAP
        self.rows = 2 if self.has_photograph else 1
        self.height = self.rows * self.side + (self.rows - 1) * GAP
        self.height += lying_height(self.drawing.vmax) if self.lying and self.has_bar else 0.0
        self.width = self.step * count - GAP + beside
        of = f" of 0\N{EN DASH}{depth - 1}"
        columns = [f"{self.noun} {i}" for i in self.slices]
        if all(text_width(name + of, style.SMALL + 0.5) < self.step - 0.04 for name in columns):
            columns = [name + of for name in columns]
        self.headings = tuple(
            (column * self.step, cut(name, self.step - 0.02, style.SMALL + 0.5))
            for column, name in enumerate([*columns, "projection"])
        )

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws a column for each slice, the projection and the colour bar."""
        heats = [*self.heat[self.slices], _strongest(self.heat)]
        below = top + (self.side + GAP if self.has_photograph else 0.0)
        pictures: list[Array | None] = [None] * len(heats)
        if self.volume is not None:
            pictures = [*self.volume[self.slices], self.volume.mean(axis=0)]
        for column, (heat, pixels) in enumerate(zip(heats, pictures, strict=True)):
            place = left + column * self.step
            if pixels is not None and self.has_photograph:
                show(page.axes(place, top, self.panel, self.side), pixels)
            self._show_heat(page.axes(place, below, self.panel, self.side), heat, pixels)
        if self.has_bar:
            self._draw_bar(page, left, below)

    def draw_alone(self, axes: Axes) -> None:
        """Draws the projection on axes of the user's."""
        mean = None if self.volume is None else self.volume.mean(axis=0)
        self._show_heat(axes, _strongest(self.heat), mean)

    def _show_heat(self, axes: Axes, heat: Array, pixels: Array | None) -> None:
        """The heat over its slice, or alone."""
        if pixels is None or self.style == "heatmap":
            show(axes, heat, cmap=self.cmap, norm=scale(self.signed))
        else:
            look = (self.drawing, self.style, self.cmap, self.signed)
            show(axes, picture(pixels, heat, *look))

    def _draw_bar(self, page: Page, left: float, below: float) -> None:
        edges = (left + self.width - BAR - BAR_LABELS, below, self.side)
        if self.lying:
            edges = (left, below + self.side + 0.07, self.width)
        top_value = self.drawing.vmax
        look = (self.cmap, self.signed, self.words)
        draw_bar(page, edges, *look, top_value=top_value, lying=self.lying)


def _strongest(heat: Array) -> Array:
    """(H, W) the value of the greatest magnitude along the first of (D, H, W)."""
    deepest = np.abs(heat).argmax(axis=0)
    return np.asarray(np.take_along_axis(heat, deepest[None], axis=0)[0])
