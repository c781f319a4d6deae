"""Concepts: the score of each beside those of random concepts, the crops that show each."""

from __future__ import annotations

import os
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.images import show
from tfxai.plotting.labels import signed_number
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width, wrapped

_MARGIN, _PANEL, _LEAST, _BESIDE = 0.2, 3.4, 0.9, 0.12  # inches
_ROW, _TITLE, _ABOVE, _BELOW, _TICKS = 0.3, 0.27, 0.24, 0.55, 0.42
_AXIS = "Share of images whose score rises (grey: random concepts)"
_OVER = 0.45  # inches that the name of an axis may reach over its ends
_LONGEST = 26  # characters of a name
_CROP, _GAP, _FACTS, _BAR = 0.85, 0.07, 1.75, 0.09  # inches
_SMALLEST = 0.4  # of a crop beside what is said; smaller ones stand under it
_SAID, _LINE = 0.85, 0.15


def plot_tcav(
    result: Any, path: str | os.PathLike[str] | None = None, *, figsize: Any = None
) -> Figure:
    """Draws the share of images whose score rises along each concept.

    Args:
        result: A `TCAVResult`.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is what is needed.

    Returns:
        The figure: a panel for each layer and a bar for each concept, pale where it fails the
        test; the grey band is the middle 95 % of random concepts.

    Raises:
        InvalidInputError: `figsize` does not fit.
        OutputError: The file cannot be written.
    """
    layers = list(dict.fromkeys(row.layer for row in result.rows))
    panels = [[row for row in result.rows if row.layer == layer] for layer in layers]
    heights = [_ROW * len(rows) for rows in panels]
    title = f"Concepts of {_named(result.target)}"
    said = max(text_width(_verdict(row, result), style.SMALL) for row in result.rows)
    names = max(text_width(_short(row.concept), style.SMALL) for row in result.rows) + 0.12
    lines, axis, panel, below = list[str](), list[str](), 0.0, 0.0

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal lines, axis, panel, below
        room = width - 2 * _MARGIN
        lines = wrapped(title, room, style.TITLE, bold=True, most=2)
        panel = max(room - names - _BESIDE - said, _LEAST)
        axis = wrapped(_AXIS, panel + 2 * _OVER, style.SMALL)
        below = _BELOW + _LINE * (len(axis) - 1)
        height = 2 * _MARGIN + _TITLE * len(lines) + sum(heights)
        height += (_ABOVE + below) * len(panels) - (_BELOW - _TICKS)
        return 2 * _MARGIN + names + panel + _BESIDE + said, height

    natural = 2 * _MARGIN + names + _PANEL + _BESIDE + said
    size = None if figsize is None else SIZE.read("figsize", figsize)
    found = fit(size, natural, lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    for i, line in enumerate(lines):
        font = style.font(style.TITLE, bold=True)
        page.text(_MARGIN, _MARGIN + i * _TITLE, line, **font)
    top = _MARGIN + _TITLE * len(lines)
    for layer, rows, inches in zip(layers, panels, heights, strict=True):
        heading = cut(f"Layer {layer}", found.width - 2 * _MARGIN, style.BODY, bold=True)
        page.text(_MARGIN, top, heading, **style.font(style.BODY, bold=True))
        axes = page.axes(_MARGIN + names, top + _ABOVE, panel, inches)
        _draw(axes, rows, result)
        axes.set_xlabel("\n".join(axis), **style.font(style.SMALL))
        top += _ABOVE + inches + below
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _verdict(row: Any, result: Any) -> str:
    """What is said beside a bar."""
    return f"p {row.adjusted:.2g}{'' if result.is_significant(row) else ', not significant'}"


def _named(target: str) -> str:
    """The class by its name; a number alone says that it is one."""
    return f"class {target}" if target.isdecimal() else _short(target)


def _draw(axes: Axes, rows: list[Any], result: Any) -> None:
    """The bars of one layer, from 0.5 to the score, and what is said beside each."""
    for place, row in enumerate(rows):
        is_found = result.is_significant(row)
        low, high = row.random_range
        axes.fill_betweenx(
            (place - 0.42, place + 0.42), low, high, color=style.FAINT, alpha=0.6, linewidth=0
        )
        colour = style.SUPPORTS if row.magnitude >= 0 else style.SPEAKS_AGAINST
        alpha = 1.0 if is_found else 0.3
        axes.barh(place, row.score - 0.5, 0.45, 0.5, color=colour, alpha=alpha)
        axes.plot(row.score, place, marker="o", markersize=4, color=colour, alpha=alpha)
        axes.annotate(
            _verdict(row, result),
            (1.03, place),
            va="center",
            annotation_clip=False,
            **style.font(style.SMALL, style.INK if is_found else style.MUTED),
        )
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_short(row.concept) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def plot_discovered(
    result: Any, path: str | os.PathLike[str] | None = None, *, figsize: Any = None
) -> Figure:
    """Draws the crops in which each discovered concept is strongest, a row for each.

    Args:
        result: `DiscoveredConcepts` whose concepts have crops.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is what is needed.

    Returns:
        The figure: beside each row how much the score rests on the concept, as a bar up to the
        largest, what the score becomes without it, and how similar it is in a second run; pale
        where it does not come back.

    Raises:
        InvalidInputError: `figsize` does not fit.
        OutputError: The file cannot be written.
    """
    most = max(len(row.crops) for row in result.rows)
    title = f"What layer {result.layer} sees in {_named(result.target)}"
    note = "Crops that show each concept most; bar: importance, blue where it speaks against"
    crop, left, gap, lines, notes = 0.0, 0.0, _GAP, list[str](), list[str]()

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal crop, left, gap, lines, notes
        room = width - 2 * _MARGIN
        left = _FACTS if (room - _FACTS + _GAP) / most - _GAP >= _SMALLEST else 0.0
        gap = _GAP if left else 3 * _GAP
        crop = share * min((room - left + _GAP) / most - _GAP, _CROP)
        lines = wrapped(title, room, style.TITLE, bold=True, most=3)
        notes = wrapped(note, room, style.SMALL)
        above = _TITLE * len(lines) + _LINE * len(notes) + 0.15
        down = max(crop, _SAID) if left else _SAID + crop
        return 2 * _MARGIN + left + most * (crop + _GAP) - _GAP, (
            2 * _MARGIN + above + len(result.rows) * (down + gap) - gap
        )

    size = None if figsize is None else SIZE.read("figsize", figsize)
    found = fit(size, 2 * _MARGIN + _FACTS + most * (_CROP + _GAP), lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    top = _MARGIN
    for line in lines:
        page.text(_MARGIN, top, line, **style.font(style.TITLE, bold=True))
        top += _TITLE
    for line in notes:
        page.text(_MARGIN, top, line, **style.font(style.SMALL, style.MUTED))
        top += _LINE
    top += 0.15
    largest = max(row.importance for row in result.rows) or 1.0
    for row in result.rows:
        _say(page, row, top, row.importance / largest)
        below = top if left else top + _SAID
        for column, picture in enumerate(row.crops):
            axes = page.axes(_MARGIN + left + column * (crop + _GAP), below, crop, crop)
            show(axes, picture)
            frame(axes, sides=())
        top += (max(crop, _SAID) if left else _SAID + crop) + gap
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _say(page: Page, row: Any, top: float, share: float) -> None:
    """What is said of a discovered concept, to the left of its crops."""
    ink, alpha = (style.INK, 1.0) if row.comes_back else (style.MUTED, 0.3)
    page.text(_MARGIN, top, row.name.capitalize(), **style.font(style.BODY, ink, bold=True))
    axes = page.axes(_MARGIN, top + 0.19, _FACTS - 0.3, _BAR)
    colour = style.SUPPORTS if row.drop >= 0 else style.SPEAKS_AGAINST
    axes.barh(0, share, 1.0, color=colour, alpha=alpha)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, 0.5)
    axes.set_axis_off()
    verdict = "comes back" if row.comes_back else "does not come back"
    lines = (
        f"importance {row.importance:.2f} \N{PLUS-MINUS SIGN} {row.error:.2f}",
        f"without it: score {signed_number(-row.drop, 2)}",
        f"{verdict} ({row.similarity:.2f})",
    )
    for i, line in enumerate(lines):
        page.text(_MARGIN, top + 0.33 + 0.16 * i, line, **style.font(style.SMALL, ink))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
