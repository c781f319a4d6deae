"""Colour bars, upright beside the panels or lying under them."""

from __future__ import annotations

from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap

from tfxai.plotting import style
from tfxai.plotting.colours import scale
from tfxai.plotting.figures import Page
from tfxai.plotting.labels import number
from tfxai.plotting.measure import text_width
from tfxai.plotting.signs import Signs

BAR = 0.085
BAR_LABELS = 0.95
_LABEL = 0.06
_LYING = 0.34
_LINE = 0.13
_BETWEEN = 0.1  # labels


def lying_height(top_value: float | None) -> float:
    """Inches that a lying bar takes, with its gap and labels."""
    return _LYING + (0.0 if top_value is None else _LINE)


def draw_bar(
    page: Page,
    edges: tuple[float, float, float],
    cmap: Colormap,
    signed: bool,
    words: Signs,
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
        words: What the signs mean.
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
    named = {1.0: words.above, 0.0: "0", -1.0: words.below} if signed else {1: "most", 0: "0"}
    low = -1.0 if signed else 0.0
    widest = max(text_width(word, style.SMALL) for word in named.values())
    has_room = not lying or length > 2 * (widest + _BETWEEN) + text_width("0", style.SMALL)
    for place, word in named.items():
        if signed and place == 0 and not has_room:
            continue
        if top_value is not None and place:
            word += f"\n{number(place * top_value)}"
        share = (place - low) / (1 - low)
        font = style.font(style.SMALL, style.MUTED)
        if lying:
            side = "right" if place == 1 else "left" if place == low else "center"
            font |= {"ha": side, "multialignment": side}
            page.text(left + share * length, top + BAR + _LABEL, word, **font)
        else:
            side = "top" if place == 1 else "bottom" if place == low else "center"
            page.text(left + BAR + _LABEL, top + (1 - share) * length, word, va=side, **font)
