"""Notes under a figure: what its colours mean, and what to know before trusting it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tfxai.plotting import style
from tfxai.plotting.figures import Page
from tfxai.plotting.measure import wrapped
from tfxai.plotting.rows import MARGIN

_LINE = 0.142
_BETWEEN = 0.05
_BELOW = 0.12  # to the edge of the page
_ABOVE = 0.2


class Notes:
    """Sentences under a figure, wrapped to its width.

    Args:
        legend: What the figure's colours and parts mean, in one paragraph; empty for nothing.
        remarks: Reasons to doubt what is drawn, a paragraph each.
        width: Width of the figure in inches.

    Attributes:
        height: Inches that the notes take below the last row, the margin under them included.
    """

    def __init__(self, legend: str, remarks: Iterable[str], width: float) -> None:
        given = [(legend, style.MUTED), *((remark, style.INK) for remark in remarks)]
        self._paragraphs = [
            (wrapped(text, 0.98 * (width - 2 * MARGIN), style.SMALL), colour)
            for text, colour in given
            if text
        ]
        lines = sum(len(part) for part, _ in self._paragraphs)
        self.height = _LINE * lines + _BETWEEN * max(len(self._paragraphs) - 1, 0) + _BELOW
        self.height += _ABOVE if lines else 0.0

    def draw(self, page: Page) -> None:
        """Draws the notes at the bottom of the page."""
        top = page.height - self.height + _ABOVE
        for lines, colour in self._paragraphs:
            page.text(
                MARGIN, top, "\n".join(lines), linespacing=1.45, **style.font(style.SMALL, colour)
            )
            top += _LINE * len(lines) + _BETWEEN


def gathered(of: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Each sentence once, after the names of those that it is about unless it is about all.

    Args:
        of: A name, such as `"Example 2"`, with the sentences about it.
    """
    names: dict[str, list[str]] = {}
    for name, sentences in of:
        for sentence in sentences:
            if name not in names.setdefault(sentence, []):
                names[sentence].append(name)
    everyone = len({name for name, _ in of})
    return [
        sentence if len(some) == everyone else f"{_listed(some)}: {sentence}"
        for sentence, some in names.items()
    ]


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
