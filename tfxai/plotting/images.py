"""Rows for images: the original, the heatmap, and the heatmap over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import by_number, channels_last, input_axes, parts, value_axes
from tfxai.heatmaps import colours, has_signs
from tfxai.plotting import style
from tfxai.plotting.colours import colour_map, overlay, scale
from tfxai.plotting.figures import Page, frame
from tfxai.plotting.rows import Row

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_SIDE = 2.2  # inches: 352 dots, 11 for each pixel of a 32x32 image
_WIDEST = 3.3
GAP = 0.14
BAR = 0.085
BAR_LABELS = 0.95
_PIXELATED = 128  # up to this size, pixels are shown as squares


class ImageRow(Row):
    """Original, heatmap and overlay of one image; the heatmap alone where there is no image."""

    def __init__(self, one: Attribution, cmap: str | Colormap | None) -> None:
        self.pixels = display_pixels(one, places=2)
        size = None if self.pixels is None else self.pixels.shape[:2]
        self.heat: Array = one.heatmap(size=size)[0]
        self.signed = is_diverging(one)
        self.cmap = colour_map(cmap, self.signed)
        height, width = self.heat.shape
        self.panel, self.height = panel_size(width / height, _SIDE, _WIDEST)
        names = ("Attribution",) if self.pixels is None else ("Image", "Attribution", "Overlay")
        step = self.panel + GAP
        self.width = len(names) * step + BAR + BAR_LABELS
        self.headings = tuple((column * step, name) for column, name in enumerate(names))

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels and the colour bar."""
        for offset, name in self.headings:
            axes = page.axes(left + offset, top, self.panel, self.height)
            if self.pixels is None or name == "Attribution":
                show(axes, self.heat, cmap=self.cmap, norm=scale(self.signed))
            elif name == "Image":
                show(axes, self.pixels)
            else:
                show(axes, overlay(self.pixels, self.heat, self.cmap, self.signed))
        place = left + len(self.headings) * (self.panel + GAP)
        draw_bar(page, (place, top, self.height), self.cmap, self.signed)


def panel_size(ratio: float, side: float, widest: float) -> tuple[float, float]:
    """Width and height in inches of a picture of that width by its height; both are bounded."""
    ratio = float(np.clip(ratio, 0.3, 5))
    width = min(side * ratio, widest)
    return width, width / ratio


def is_diverging(one: Attribution) -> bool:
    """Whether the heatmap has a sign: signed values, not reduced to magnitudes."""
    return has_signs(is_signed=one.is_signed, is_map=one.is_map, channels=one.channels)


def image_part(one: Attribution) -> tuple[Attribution, Array] | None:
    """The part of an attribution that lies over its only image, and (H, W, 3) the image."""
    found = []
    for part in parts(one).values():
        pixels = display_pixels(part, places=2)
        if pixels is not None and places_of_values(part) == 2:
            found.append((part, pixels))
    return found[0] if len(found) == 1 else None


def places_of_values(one: Attribution) -> int:
    """How many axes of one array of values are places, by their number where nothing is known."""
    return len(spatial(value_axes(one) or by_number(np.asarray(one.values))))


def display_pixels(one: Attribution, places: int) -> Array | None:
    """The one input with so many places, (*places, 3) in [0, 1]; None where it has others.

    True colours where they are known, else (and for scans, which have no colours) grey levels
    from the least value to the greatest.
    """
    word = input_axes(one)
    if len(spatial(word)) != places:
        return None
    inputs = channels_last(np.asarray(one.inputs), word)
    is_scan = places == 3 and inputs.shape[-1] == 1 and one.preprocessing is None
    pixels = None if is_scan else colours(inputs, one)
    if pixels is not None:
        return np.asarray(pixels[0], np.float64)
    levels = np.asarray(inputs, np.float64)[0].mean(axis=-1, keepdims=True)
    low, high = levels.min(), levels.max()
    levels = (levels - low) / (high - low) if high > low else np.full_like(levels, 0.5)
    return np.broadcast_to(levels, (*levels.shape[:-1], 3))


def show(axes: Axes, array: Array, **colours: Any) -> AxesImage:
    """Draws an image without ticks, a small one with its pixels as squares."""
    axes.set_xticks([])
    axes.set_yticks([])
    frame(axes)
    pixelated = max(array.shape[:2]) <= _PIXELATED
    return axes.imshow(array, interpolation="nearest" if pixelated else "antialiased", **colours)


def draw_bar(page: Page, edges: tuple[float, float, float], cmap: Colormap, signed: bool) -> None:
    """Draws the colour bar at (left, top, height), in inches."""
    left, top, height = edges
    mappable = ScalarMappable(norm=scale(signed), cmap=cmap)
    bar = page.figure.colorbar(mappable, cax=page.axes(left, top, BAR, height))
    ticks = {1.0: "supports", 0.0: "0", -1.0: "speaks against"} if signed else {1: "most", 0: "0"}
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.outline.set_edgecolor(style.FAINT)
    bar.ax.tick_params(length=0, pad=4)
    for label, place in zip(bar.ax.get_yticklabels(), ticks, strict=True):
        label.set(**style.font(style.SMALL, style.MUTED))
        label.set_verticalalignment(
            "top" if place == 1 else "center" if signed and place == 0 else "bottom"
        )
