"""A page of examples: what stands above each, and a labelled row for each method."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.figures import Page
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width, wrapped
from tfxai.plotting.notes import Notes
from tfxai.plotting.rows import HEADING, LEFT, MARGIN, Row, draw_headings, draw_label, label_height

Texts: TypeAlias = Sequence[tuple[str, dict[str, Any]]]
"""Texts with their fonts."""

TITLE_LINE = 0.17
_HEADER = 0.22  # inches, of each line
_BELOW_HEADER = 0.14
_BELOW_LABEL = 0.1
_APART = 0.16  # texts of a header
_GAP = 0.2
_BETWEEN = 0.3  # examples
_NARROW = 0.8  # of a row's usual width: with less beside the labels, they stand above it


@dataclasses.dataclass
class Block:
    """One example: words about it, and a labelled row for each method.

    Args:
        header: Texts with their fonts.
        rows: Of each method its title, lines of facts, and what is drawn.
    """

    header: list[tuple[str, dict[str, Any]]]
    rows: list[tuple[str, list[str], Row]]

    def lay_out(self, width: float, left: float, share: float) -> float:
        """Fits all into that width of a page, labels above the rows where `left` is 0.

        Returns:
            The width that it takes.
        """
        self._left = left
        room = width - 2 * MARGIN
        self._header = flowing(self.header, room)
        self._labels = []
        for title, lines, row in self.rows:
            row.fit(room - left, share)
            beside = left - 0.15 if left else room
            short = cut(title, beside, style.BODY + 0.5, bold=True)
            facts = [part for line in lines for part in wrapped(line, beside, style.SMALL)]
            self._labels.append((short, facts))
        return 2 * MARGIN + left + max(row.width for _, _, row in self.rows)

    @property
    def height(self) -> float:
        """Inches that it takes, when it is laid out."""
        return self._above + sum(self._height(i) for i in range(len(self.rows)))

    @property
    def _above(self) -> float:
        return _HEADER * len(self._header) + _BELOW_HEADER

    def draw(self, page: Page, top: float) -> None:
        """Draws it on the page."""
        for number, line in enumerate(self._header):
            for offset, text, font in line:
                below = top + _HEADER * number + 0.16
                page.text(MARGIN + offset, below, text, va="baseline", **font)
        top += self._above
        for i, (_, _, row) in enumerate(self.rows):
            end = top + self._height(i)
            title, facts = self._labels[i]
            label_top = top
            if not self._left:
                top += label_height(facts) + _BELOW_LABEL
            if self._has_headings(i):
                draw_headings(page, self._left + MARGIN, top, row)
                top += HEADING
                label_top = top if self._left else label_top
            draw_label(page, label_top, title, facts)
            row.draw(page, self._left + MARGIN, top)
            top = end

    def _has_headings(self, i: int) -> bool:
        mine = self.rows[i][2].headings
        return bool(mine) and (i == 0 or self.rows[i - 1][2].headings != mine)

    def _height(self, i: int) -> float:
        gap = _GAP if i + 1 < len(self.rows) else 0.0
        height, label = self.rows[i][2].height, label_height(self._labels[i][1])
        both = max(height, label) if self._left else height + label + _BELOW_LABEL
        return both + gap + (HEADING if self._has_headings(i) else 0.0)


def compose(
    blocks: Sequence[Block], drawing: Drawing, legend: str, remarks: Sequence[str]
) -> Figure:
    """The blocks stacked on one page.

    Args:
        blocks: The examples.
        drawing: Its `figsize` and `title`.
        legend: What the colours mean, for a note under them.
        remarks: Reasons to doubt what is drawn.
    """
    usual = max(row.width for block in blocks for _, _, row in block.rows)
    parts: dict[str, Any] = {}

    def lay_out(width: float, share: float) -> tuple[float, float]:
        room = width - 2 * MARGIN
        left = LEFT if room - LEFT >= _NARROW * usual else 0.0
        needed = max(block.lay_out(width, left, share) for block in blocks)
        parts["title"] = wrapped(drawing.title or "", room, style.BODY, most=3)
        parts["notes"] = Notes(legend, remarks, max(width, needed))
        height = MARGIN + sum(block.height for block in blocks) + _BETWEEN * (len(blocks) - 1)
        height += title_height(parts["title"]) + parts["notes"].height
        return needed, height

    found = fit(drawing.figsize, 2 * MARGIN + LEFT + usual, lay_out)
    label = f"Attribution of {', '.join(block.header[0][0] for block in blocks)}"
    page = Page(found.width, found.height, label, found.zoom)
    top = draw_title(page, parts["title"])
    for block in blocks:
        block.draw(page, top)
        top += block.height + _BETWEEN
    parts["notes"].draw(page)
    return page.finish()


def title_height(lines: Sequence[str]) -> float:
    """Inches that the lines of a title take."""
    return TITLE_LINE * len(lines) + 0.07 if lines else 0.0


def draw_title(page: Page, lines: Sequence[str]) -> float:
    """Draws the title at the top of the page and returns where what is below it begins."""
    if lines:
        text = "\n".join(lines)
        page.text(MARGIN, MARGIN, text, linespacing=1.4, **style.font(style.BODY, style.MUTED))
    return MARGIN + title_height(lines)


def flowing(texts: Texts, room: float) -> list[list[tuple[float, str, dict[str, Any]]]]:
    """Lines of (offset, text, font) no wider than `room`."""
    lines: list[list[tuple[float, str, dict[str, Any]]]] = [[]]
    right = 0.0
    for text, font in texts:
        size, bold = font["fontsize"], font["fontweight"] == "bold"
        text = cut(text, room, size, bold=bold)
        width = text_width(text, size, bold=bold)
        if lines[-1] and right + width > room:
            lines.append([])
            right = 0.0
        lines[-1].append((right, text, font))
        right += width + _APART
    return lines
