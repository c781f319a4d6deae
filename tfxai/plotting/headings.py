"""The title of a page of one heatmap or several, and what its colours mean."""

from __future__ import annotations

from tfxai.plotting import style
from tfxai.plotting.figures import Page
from tfxai.plotting.measure import wrapped
from tfxai.plotting.rows import MARGIN

_LINE = 0.18
_BELOW = 0.1


class Heading:
    """A title and a note under it, broken to the width of the page.

    Args:
        title: The title.
        note: What colours mean.
    """

    def __init__(self, title: str, note: str) -> None:
        self._title, self._note = title, note

    def fit(self, width: float) -> float:
        """Breaks the lines, and returns the inches down to what is below them."""
        room = width - 2 * MARGIN
        self._lines = [(one, True) for one in wrapped(self._title, room, style.BODY, bold=True)]
        self._lines += [(one, False) for one in wrapped(self._note, room, style.SMALL)]
        return MARGIN + _LINE * len(self._lines) + _BELOW

    def draw(self, page: Page) -> float:
        """Draws the lines, and returns where what is below them begins."""
        for number, (text, is_title) in enumerate(self._lines):
            size, colour = (style.BODY, style.INK) if is_title else (style.SMALL, style.MUTED)
            font = style.font(size, colour, bold=is_title)
            page.text(MARGIN, MARGIN + number * _LINE, text, **font)
        return MARGIN + _LINE * len(self._lines) + _BELOW
