"""Rows for images: the original, the heatmap, and the heatmap over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.image import AxesImage

from tfxai.plotting import style
from tfxai.plotting.colours import Array, colour_map, overlay, scale
from tfxai.plotting.figures import Page, frame
from tfxai.plotting.rows import Row

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_SIDE = 2.2  # inches: 352 dots, 11 for each pixel of a 32x32 image
_WIDEST = 3.3
_GAP = 0.14
_BAR = 0.085
_BAR_LABELS = 0.95
_PIXELATED = 128  # up to this size, pixels are shown as the squares that they are


class ImageRow(Row):
    """Original, heatmap and overlay of one image."""

    def __init__(self, one: Attribution, cmap: str | Colormap | None) -> None:
        self.pixels = display_pixels(one)
        height, width = self.pixels.shape[:2]
        self.heat = one.heatmap(size=(height, width))[0]
        self.signed = is_diverging(one)
        self.cmap = colour_map(cmap, self.signed)
        ratio = float(np.clip(width / height, 0.3, 5))
        self.panel = min(_SIDE * ratio, _WIDEST)
        self.height = self.panel / ratio
        step = self.panel + _GAP
        self.width = 3 * step + _BAR + _BAR_LABELS
        self.headings = ((0.0, "Image"), (step, "Attribution"), (2 * step, "Overlay"))

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the three panels and the colour bar."""
        step = self.panel + _GAP
        first, second, third = (
            page.axes(left + column * step, top, self.panel, self.height) for column in range(3)
        )
        show(first, self.pixels)
        heat = show(second, self.heat, cmap=self.cmap, norm=scale(self.signed))
        show(third, overlay(self.pixels, self.heat, self.cmap, self.signed))
        bar = page.figure.colorbar(heat, cax=page.axes(left + 3 * step, top, _BAR, self.height))
        _label_bar(bar, self.signed)


def is_diverging(one: Attribution) -> bool:
    """Whether the heatmap has a sign: signed values, not reduced to magnitudes."""
    return one.is_signed and (one.is_map or one.channels == "sum")


def display_pixels(one: Attribution) -> Array:
    """(H, W, 3) in [0, 1]: true colours where they are known, else grey levels."""
    pixels = one.pixels
    if pixels is not None:
        return np.asarray(pixels[0], np.float64)
    levels = np.asarray(one.inputs, np.float64)[0].mean(axis=-1, keepdims=True)
    low, high = levels.min(), levels.max()
    levels = (levels - low) / (high - low) if high > low else np.full_like(levels, 0.5)
    return np.repeat(levels, 3, axis=-1)


def show(axes: Axes, array: Array, **colours: Any) -> AxesImage:
    """Draws an image without ticks; small ones as the squares that their pixels are."""
    axes.set_xticks([])
    axes.set_yticks([])
    frame(axes)
    pixelated = max(array.shape[:2]) <= _PIXELATED
    return axes.imshow(array, interpolation="nearest" if pixelated else "antialiased", **colours)


def _label_bar(bar: Colorbar, signed: bool) -> None:
    ticks = {1.0: "supports", 0.0: "0", -1.0: "speaks against"} if signed else {1: "most", 0: "0"}
    bar.set_ticks(list(ticks), labels=list(ticks.values()))
    bar.outline.set_edgecolor(style.FAINT)
    bar.ax.tick_params(length=0, pad=4)
    for label, place in zip(bar.ax.get_yticklabels(), ticks, strict=True):
        label.set(**style.font(style.SMALL, style.MUTED))
        label.set_verticalalignment(
            "top" if place == 1 else "center" if signed and place == 0 else "bottom"
        )
