"""A sheet of pictures, each with a label and a line of numbers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure
from tfxai.plotting.images import panel_size, show
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import wrapped

_SIDE, _GAP, _MARGIN = 1.9, 0.2, 0.25  # inches
_NARROWEST = 1.2  # of a picture, so that its label has room
_USUAL, _LEAST = 10.0, 3.3  # of the sheet's width
_TITLE, _LINE, _ABOVE, _BELOW = 0.22, 0.13, 0.04, 0.12
_MOST_LINES = 3  # of a label, and of a note


@dataclasses.dataclass
class _Plan:
    """Where pictures go, in inches of the page."""

    columns: int = 1
    panel: tuple[float, float] = (0.0, 0.0)
    down: float = 0.0
    title: list[str] = dataclasses.field(default_factory=list)
    words: list[tuple[list[str], list[str]]] = dataclasses.field(default_factory=list)

    @property
    def above(self) -> float:
        """Inches above the pictures."""
        return _MARGIN + (_TITLE * len(self.title) + 0.1 if self.title else 0.0)


def plot_sheet(
    pictures: Array,
    labels: Sequence[str],
    notes: Sequence[str],
    *,
    path: str | os.PathLike[str] | None = None,
    title: str = "",
    lines: int = 1,
    figsize: Any = None,
) -> Figure:
    """Draws pictures side by side, in as many rows as their labels need.

    Args:
        pictures: (K, H, W, C) uint8, C 3 or 1.
        labels: What each is of.
        notes: A line below each label; empty for none.
        path: File to write the figure to as well; its suffix names the format.
        title: Title of the sheet.
        lines: Pictures that stand above one another: 2 where the second half of the pictures is
            what the first half became.
        figsize: Width in inches, or (width, height); None is what the pictures need, 10 at most.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The sheet does not fit `figsize`.
        OutputError: The file cannot be written.
    """
    count, plan = len(pictures) // lines, _Plan()
    ratio = pictures.shape[2] / pictures.shape[1]
    widest, _ = panel_size(ratio, _SIDE, 2 * _SIDE)

    def lay_out(width: float, share: float) -> tuple[float, float]:
        room = width - 2 * _MARGIN
        plan.columns = _columns(count, width)
        across = min((room + _GAP) / plan.columns - _GAP, max(widest, _NARROWEST))
        wide, high = panel_size(ratio, _SIDE, 2 * _SIDE)
        shrunk = share * min(1.0, across / wide)
        plan.panel = wide * shrunk, high * shrunk
        plan.title = wrapped(title, room, style.TITLE, bold=True, most=3)
        plan.words = [
            (
                wrapped(label, across, style.SMALL, most=_MOST_LINES),
                wrapped(note, across, style.SMALL, most=_MOST_LINES),
            )
            for label, note in zip(labels, notes, strict=True)
        ]
        said = max(len(label) + len(note) for label, note in plan.words)
        plan.down = plan.panel[1] + _ABOVE + _LINE * said + _BELOW
        rows = lines * -(-count // plan.columns)
        needed = 2 * _MARGIN + plan.columns * (across + _GAP) - _GAP
        return needed, plan.above + rows * plan.down + _MARGIN - _BELOW

    size = None if figsize is None else SIZE.read("figsize", figsize)
    columns = _columns(count, _USUAL)
    natural = 2 * _MARGIN + columns * (max(widest, _NARROWEST) + _GAP) - _GAP
    found = fit(size, min(max(natural, _LEAST), _USUAL), lay_out)
    page = Page(found.width, found.height, f"{len(pictures)} pictures of features", found.zoom)
    for i, text in enumerate(plan.title):
        font = style.font(style.TITLE, bold=True)
        page.text(_MARGIN, _MARGIN + i * _TITLE, text, **font)
    step = (found.width - 2 * _MARGIN + _GAP) / plan.columns
    step = min(step, max(widest, _NARROWEST) + _GAP)
    for i, picture in enumerate(pictures):
        line, place = divmod(i, count)
        row, column = divmod(place, plan.columns)
        left, top = _MARGIN + column * step, plan.above + (row * lines + line) * plan.down
        axes = page.axes(left, top, *plan.panel)
        show(axes, _coloured(picture))
        frame(axes, sides=())
        _write(page, left, top + plan.panel[1] + _ABOVE, plan.words[i])
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _columns(count: int, width: float) -> int:
    """How many pictures stand side by side in that width, in rows of about equal length."""
    most = max(1, int((width - 2 * _MARGIN + _GAP) / (_NARROWEST + _GAP)))
    return -(-count // -(-count // most))


def _write(page: Page, left: float, top: float, words: tuple[list[str], list[str]]) -> None:
    """A label, and a note below it."""
    for lines, colour in zip(words, (style.INK, style.MUTED), strict=True):
        for line in lines:
            page.text(left, top, line, **style.font(style.SMALL, colour))
            top += _LINE


def _coloured(picture: Array) -> Array:
    """(H, W, 3) in [0, 1]."""
    return (picture.repeat(3, axis=-1) if picture.shape[-1] == 1 else picture) / 255.0
