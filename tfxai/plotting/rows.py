"""A row of a figure: how tall and wide it is, and how it draws itself."""

from __future__ import annotations

import abc

from matplotlib.axes import Axes

from tfxai.plotting import style
from tfxai.plotting.figures import Page
from tfxai.plotting.measure import text_width
from tfxai.plotting.signs import Signs

LEFT = 2.15  # inches beside the panels, for the labels
MARGIN = 0.25
HEADING = 0.24
_BETWEEN = 0.16  # inches between two signs


class Row(abc.ABC):
    """One method's answer for one example.

    Attributes:
        height: Inches from the row's top to its bottom.
        width: Inches of its panels, without the label on their left.
        headings: Names of its columns with their left edges in inches, drawn once above rows
            that share them.
        legend: What its panels show, for a note under the figure.
    """

    height: float
    width: float
    headings: tuple[tuple[float, str], ...] = ()
    legend: str = ""

    @abc.abstractmethod
    def fit(self, room: float, share: float) -> None:
        """Sets `width` and `height` for that many inches.

        Args:
            room: Inches for the panels; a row that needs more stays as it is.
            share: Of the size that the panels have where there is room for them, in (0, 1].
        """

    @abc.abstractmethod
    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels with their top left corner at (left, top)."""

    @abc.abstractmethod
    def draw_alone(self, axes: Axes) -> None:
        """Draws what matters most on axes of the user's: bars, lines, the picture."""


def label_height(lines: list[str]) -> float:
    """Inches that a label takes."""
    return 0.21 + 0.142 * len(lines)


def draw_label(page: Page, top: float, title: str, lines: list[str]) -> None:
    """The method's name and the facts about its answer, left of the panels."""
    page.text(MARGIN, top, title, **style.font(style.BODY + 0.5, bold=True))
    page.text(
        MARGIN,
        top + 0.21,
        "\n".join(lines),
        linespacing=1.45,
        **style.font(style.SMALL, style.MUTED),
    )


def draw_headings(page: Page, left: float, top: float, row: Row) -> None:
    """The names of a row's columns, above it."""
    for offset, heading in row.headings:
        page.text(left + offset, top, heading, **style.font(style.SMALL + 0.5, style.MUTED))


def draw_signs(page: Page, left: float, top: float, words: Signs) -> None:
    """What the two colours of signed values mean."""
    for offset, text, colour in _signs(words):
        page.text(left + offset, top, text, **style.font(style.SMALL, colour))


def signs_width(words: Signs) -> float:
    """Inches that `draw_signs` takes."""
    offset, text, _ = _signs(words)[-1]
    return offset + text_width(text, style.SMALL)


def sign_texts(words: Signs) -> list[tuple[str, str]]:
    """What each colour of signed values means, with the colour."""
    return [(f"■ {words.above}", style.SUPPORTS), (f"■ {words.below}", style.SPEAKS_AGAINST)]


def _signs(words: Signs) -> list[tuple[float, str, str]]:
    """(offset in inches, text, colour) of each sign."""
    first, second = sign_texts(words)
    return [(0.0, *first), (text_width(first[0], style.SMALL) + _BETWEEN, *second)]


def draw_hidden(page: Page, right: float, top: float, shown: int, hidden: int, what: str) -> None:
    """How many of a row's features or channels are drawn, where it is not all of them."""
    if hidden:
        text = hidden_text(shown, hidden, what)
        page.text(right, top, text, ha="right", **style.font(style.SMALL, style.MUTED))


def hidden_text(shown: int, hidden: int, what: str) -> str:
    """How many are drawn, in words."""
    return f"the strongest {shown} of {shown + hidden} {what}"
