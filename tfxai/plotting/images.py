"""Rows for images: the original, the heatmap, and the heatmap over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import by_number, channels_last, input_axes, parts, value_axes
from tfxai.heatmaps import colours, has_signs
from tfxai.plotting.bars import BAR, BAR_LABELS, draw_bar, lying_height
from tfxai.plotting.colours import scale
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.figures import Page, frame
from tfxai.plotting.pictures import as_image, colours_of, heat_of, picture
from tfxai.plotting.rows import Row
from tfxai.plotting.signs import signs_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_SIDE = 2.2  # inches: 352 dots, 11 for each pixel of a 32x32 image
_WIDEST = 3.3
GAP = 0.14
_PIXELATED = 128  # up to this size, pixels are shown as squares
_ROOM = 5.0  # inches of panels below which the colour bar lies under them
_TITLES = {"overlay": "Overlay", "mask": "Mask", "contour": "Contours"}


class ImageRow(Row):
    """Original, heatmap and overlay of one image; the heatmap alone where there is no image.

    Attributes:
        has_photograph: Whether the original is drawn, or its place left empty.
        has_heat: Whether a panel shows the colours of the heatmap.
        has_bar: Whether the colour bar is drawn, or its place left empty.
    """

    def __init__(self, one: Attribution, drawing: Drawing) -> None:
        self.pixels = display_pixels(one, places=2)
        self.has_photograph, self.has_heat, self.has_bar = True, True, True
        size = None if self.pixels is None else self.pixels.shape[:2]
        self.drawing, self.style = drawing, drawing.styled("overlay")
        self.heat: Array = heat_of(one, size, drawing)
        self.signed, self.words = is_diverging(one), signs_of(one)
        self.cmap = colours_of(drawing, signed=self.signed)
        self.kind = (self.signed, self.cmap.name, self.words)
        names = ["Attribution"] if self.pixels is None else ["Image", "Attribution"]
        if self.pixels is not None and self.style != "heatmap":
            names.append(_TITLES[self.style])
        self.names = tuple(names)
        self.fit(np.inf, 1.0)

    def fit(self, room: float, share: float) -> None:
        """Panels side by side, and a colour bar beside them or, in a narrow page, below."""
        height, width = self.heat.shape
        count = len(self.names)
        self.lying = room < _ROOM
        beside = 0.0 if self.lying else BAR + BAR_LABELS + GAP
        panel, side = panel_size(width / height, _SIDE, _WIDEST)
        most = max((room - beside + GAP) / count - GAP, 0.3)
        shrunk = share * min(1.0, most / panel)
        self.panel, self.side = panel * shrunk, side * shrunk
        step = self.panel + GAP
        self.width = count * step - GAP + beside
        self.height = self.side + (
            lying_height(self.drawing.vmax) if self.lying and self.has_bar else 0.0
        )
        self.headings = tuple((column * step, name) for column, name in enumerate(self.names))

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels and the colour bar."""
        for offset, name in self.headings:
            if name == "Image" and not self.has_photograph:
                continue
            axes = page.axes(left + offset, top, self.panel, self.side)
            if self.pixels is None or name == "Attribution":
                show(axes, self.heat, cmap=self.cmap, norm=scale(self.signed))
            elif name == "Image":
                show(axes, self.pixels)
            else:
                show(axes, self._picture(self.pixels))
        if self.has_bar:
            self._draw_bar(page, left, top)

    def draw_alone(self, axes: Axes) -> None:
        """Draws the heat over the image, or alone, on axes of the user's."""
        if self.pixels is None or self.style == "heatmap":
            show(axes, self.heat, cmap=self.cmap, norm=scale(self.signed))
        else:
            show(axes, self._picture(self.pixels))

    def _picture(self, pixels: Array) -> Array:
        return picture(pixels, self.heat, self.drawing, self.style, self.cmap, self.signed)

    def _draw_bar(self, page: Page, left: float, top: float) -> None:
        top_value = self.drawing.vmax
        if self.lying:
            first = 0.0 if self.pixels is None else self.headings[1][0]
            length = self.headings[-1][0] + self.panel - first
            edges = (left + first, top + self.side + 0.07, length)
        else:
            edges = (left + self.width - BAR - BAR_LABELS, top, self.side)
        look = (self.cmap, self.signed, self.words)
        draw_bar(page, edges, *look, top_value=top_value, lying=self.lying)


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
    for part in map(as_image, parts(one).values()):
        pixels = display_pixels(part, places=2)
        if pixels is not None and places_of_values(part) == 2:
            found.append((part, pixels))
    return found[0] if len(found) == 1 else None


def is_of_an_image(one: Attribution) -> bool:
    """Whether all values lie over one image."""
    is_one = not isinstance(one.values, dict) or len(one.values) == 1
    return is_one and image_part(one) is not None


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
    pixels = None if is_scan else colours(inputs, one.preprocessing)
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
