"""A page of strips: panels side by side with headings above, a label beside or above them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.bars import draw_bar, lying_height
from tfxai.plotting.blocks import Texts, draw_title, flowing, title_height
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.figures import Page
from tfxai.plotting.images import panel_size
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, wrapped
from tfxai.plotting.notes import Notes
from tfxai.plotting.rows import LEFT, MARGIN, draw_label, label_height
from tfxai.plotting.signs import Signs

_SIDE = 1.6  # inches of a square panel
_WIDEST = 3.2
_GAP = 0.1
_HEADING = 0.18  # inches of each line
_LINE = 0.14
_HEADER = 0.26
_BAR = 2.6
_NARROWEST = 3.3
_MOST_SMALL = 6  # lines of options
_NARROW = 0.8  # of the panels' usual width: with less beside the labels, they stand above


@dataclasses.dataclass(frozen=True)
class Panel:
    """A picture with words.

    Args:
        heading: What it is, drawn above it unless the panel above has the same.
        draw: Draws it on axes.
        small: More below the heading, such as options.
        below: A few words under the picture.
        is_muted: Whether the heading is only a remark, as that of the photograph.
    """

    heading: str
    draw: Callable[[Axes], object]
    small: str = ""
    below: str = ""
    is_muted: bool = False


@dataclasses.dataclass(frozen=True)
class Strip:
    """Panels of one image.

    Args:
        panels: What stands side by side.
        ratio: Width of the image by its height.
        title: What the label says first; empty for no label.
        lines: More of the label.
    """

    panels: Sequence[Panel]
    ratio: float
    title: str = ""
    lines: Sequence[str] = ()


@dataclasses.dataclass(frozen=True)
class Around:
    """What stands around the strips of a page.

    Args:
        label: Alternative text of the figure.
        header: Texts with their fonts above all strips.
        legend: What the colours mean, for a note under them.
        remarks: Reasons to doubt what is drawn.
        bar: Colours, whether they are signed and what the signs mean, for a colour bar; or None.
    """

    label: str
    legend: str
    remarks: Sequence[str]
    header: Texts = ()
    bar: tuple[Colormap, bool, Signs] | None = None


@dataclasses.dataclass
class _Band:
    """Panels side by side: a strip, or one of the lines that it is broken into."""

    panels: Sequence[Panel]
    headings: list[tuple[list[str], list[str]]]
    size: tuple[float, float]
    label: tuple[str, list[str]] | None
    under: list[list[str]]
    has_headings: bool
    beside: bool

    @property
    def above(self) -> float:
        if not self.has_headings:
            return 0.0
        return max(_HEADING * len(a) + _LINE * len(b) for a, b in self.headings) + 0.04

    @property
    def label_height(self) -> float:
        return 0.0 if self.label is None else label_height(self.label[1]) + 0.1

    @property
    def below(self) -> float:
        lines = max(map(len, self.under))
        return 0.05 + _LINE * lines if lines else 0.0

    @property
    def height(self) -> float:
        picture = self.size[1] + self.below
        if self.beside:
            return self.above + max(picture, self.label_height) + _GAP
        return self.label_height + self.above + picture + _GAP


class Strips:
    """Lays out strips and draws them.

    Args:
        strips: One for each image.
        around: What stands around them.
        drawing: Its `figsize`, `title` and `columns`.
    """

    def __init__(self, strips: Sequence[Strip], around: Around, drawing: Drawing) -> None:
        self._strips, self._around, self._drawing = strips, around, drawing
        most = max(len(strip.panels) for strip in strips)
        self._columns = min(drawing.columns or most, most)
        self._sizes = [panel_size(strip.ratio, _SIDE, _WIDEST) for strip in strips]
        self._widest = max(width for width, _ in self._sizes)
        self._has_labels = any(strip.title for strip in strips)

    def figure(self) -> Figure:
        """The figure."""
        usual = 2 * MARGIN + self._usual() + (LEFT if self._has_labels else 0.0)
        found = fit(self._drawing.figsize, max(usual, _NARROWEST), self._lay_out)
        page = Page(found.width, found.height, self._around.label, found.zoom)
        top = draw_title(page, self._title)
        for number, line in enumerate(self._header):
            for offset, text, font in line:
                below = top + _HEADER * number + 0.16
                page.text(MARGIN + offset, below, text, va="baseline", **font)
        top += self._above
        for band in self._bands:
            self._draw(page, band, top)
            top += band.height
        if self._around.bar is not None:
            edges = (MARGIN + self._left, top, min(_BAR, page.width - 2 * MARGIN - self._left))
            value = self._drawing.vmax
            draw_bar(page, edges, *self._around.bar, top_value=value, lying=True)
        self._notes.draw(page)
        return page.finish()

    def _usual(self) -> float:
        return self._columns * (self._widest + _GAP) - _GAP

    def _lay_out(self, width: float, share: float) -> tuple[float, float]:
        room = width - 2 * MARGIN
        is_wide = self._has_labels and room - LEFT >= _NARROW * self._usual()
        self._left = LEFT if is_wide else 0.0
        most = (room - self._left + _GAP) / self._columns - _GAP
        shrunk = share * min(1.0, max(most, 0.3) / self._widest)
        self._step = max(self._widest * shrunk, min(most, 0.6)) + _GAP
        self._title = wrapped(self._drawing.title or "", room, style.BODY, most=3)
        self._header = flowing(self._around.header, room)
        self._above = (_HEADER * len(self._header) + 0.1) if self._around.header else 0.0
        self._bands = self._all_bands(shrunk, room)
        needed = 2 * MARGIN + self._left + self._columns * self._step - _GAP
        self._notes = Notes(self._around.legend, self._around.remarks, max(width, needed))
        height = MARGIN + title_height(self._title) + self._above
        height += sum(band.height for band in self._bands) + self._notes.height
        return needed, height + (lying_height(self._drawing.vmax) if self._around.bar else 0.0)

    def _all_bands(self, shrunk: float, room: float) -> list[_Band]:
        bands: list[_Band] = []
        last: Any = None
        for strip, (width, height) in zip(self._strips, self._sizes, strict=True):
            for start in range(0, len(strip.panels), self._columns):
                panels = strip.panels[start : start + self._columns]
                names = [(panel.heading, panel.small) for panel in panels]
                label = self._label(strip, room) if strip.title and not start else None
                headings = [self._heading(panel) for panel in panels]
                size = (width * shrunk, height * shrunk)
                is_new = names != last
                under = [
                    wrapped(panel.below, self._step - _GAP / 2, style.SMALL, most=3)
                    for panel in panels
                ]
                bands.append(_Band(panels, headings, size, label, under, is_new, self._left > 0))
                last = names
        return bands

    def _label(self, strip: Strip, room: float) -> tuple[str, list[str]]:
        beside = self._left - 0.15 if self._left else room
        lines = [
            part for line in strip.lines for part in wrapped(line, beside, style.SMALL, most=3)
        ]
        return cut(strip.title, beside, style.BODY + 0.5, bold=True), lines

    def _heading(self, panel: Panel) -> tuple[list[str], list[str]]:
        width = self._step - _GAP / 2
        bold = not panel.is_muted
        return (
            wrapped(panel.heading, width, style.BODY + 0.5, bold=bold, most=2),
            wrapped(panel.small, width, style.SMALL, most=_MOST_SMALL),
        )

    def _draw(self, page: Page, band: _Band, top: float) -> None:
        left = MARGIN + self._left
        below = top + band.above
        if band.label is not None:
            draw_label(page, below if band.beside else top, *band.label)
        if not band.beside:
            top += band.label_height
            below += band.label_height
        width, height = band.size
        for column, panel in enumerate(band.panels):
            place = left + column * self._step
            if band.has_headings:
                _write_heading(page, place, top, panel, band.headings[column])
            panel.draw(page.axes(place, below, width, height))
            if panel.below:
                font = style.font(style.SMALL, style.MUTED)
                page.text(place, below + height + 0.05, "\n".join(band.under[column]), **font)


def _write_heading(
    page: Page, left: float, top: float, panel: Panel, lines: tuple[list[str], list[str]]
) -> None:
    colour = style.MUTED if panel.is_muted else style.INK
    font = style.font(style.BODY + 0.5, colour, bold=not panel.is_muted)
    page.text(left, top, "\n".join(lines[0]), **font)
    if lines[1]:
        small = style.font(style.SMALL, style.MUTED)
        page.text(left, top + _HEADING * len(lines[0]) + 0.01, "\n".join(lines[1]), **small)
