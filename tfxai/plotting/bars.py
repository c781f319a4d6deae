"""Colour bars, upright beside the panels or lying under them."""

from __future__ import annotations

from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap

from tfxai.plotting import style
from tfxai.plotting.colours import scale
from tfxai.plotting.figures import Page
from tfxai.plotting.labels import number

BAR = 0.085
BAR_LABELS = 0.95
LYING = 0.34
"""Inches that a lying bar takes, with its gap and labels."""
_LABEL = 0.06
_NARROW = 1.45  # where the ends' labels leave no room for the zero


def draw_bar(
    page: Page,
    edges: tuple[float, float, float],
    cmap: Colormap,
    signed: bool,
    *,
    top_value: float | None = None,
    lying: bool = False,
) -> None:
    """Draws the colour bar at (left, top, length), in inches.

    Args:
        page: The page.
        edges: Left and top edge, and the length: the height of an upright bar.
        cmap: The colours.
        signed: Whether it runs from -1 instead of 0.
        top_value: The value of the strongest colour, where it is the same in all maps.
        lying: Whether it lies, with its labels below.
    """
    left, top, length = edges
    box = (left, top, length, BAR) if lying else (left, top, BAR, length)
    mappable = ScalarMappable(norm=scale(signed), cmap=cmap)
    direction = "horizontal" if lying else "vertical"
    bar = page.figure.colorbar(mappable, cax=page.axes(*box), orientation=direction)
    bar.set_ticks([])
    bar.outline.set_edgecolor(style.FAINT)
    words = {1.0: "supports", 0.0: "0", -1.0: "speaks against"} if signed else {1: "most", 0: "0"}
    low = -1.0 if signed else 0.0
    for place, word in words.items():
        if lying and signed and place == 0 and length < _NARROW:
            continue
        if top_value is not None and place:
            sign = "" if place > 0 else "\N{MINUS SIGN}"
            word += f"{' ' if lying else chr(10)}{sign}{number(top_value)}"
        share = (place - low) / (1 - low)
        font = style.font(style.SMALL, style.MUTED)
        if lying:
            side = "right" if place == 1 else "left" if place == low else "center"
            page.text(left + share * length, top + BAR + _LABEL, word, ha=side, **font)
        else:
            side = "top" if place == 1 else "bottom" if place == low else "center"
            page.text(left + BAR + _LABEL, top + (1 - share) * length, word, va=side, **font)
