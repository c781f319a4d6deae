"""Concepts: the score of each beside those of random concepts, the crops that show each."""

from __future__ import annotations

import os
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.images import show

_MARGIN, _NAMES, _PANEL, _NOTES = 0.2, 1.5, 3.4, 1.5  # inches
_ROW, _TITLE, _ABOVE, _BELOW = 0.3, 0.34, 0.26, 0.42
_LONGEST = 26  # characters of a name
_CROP, _GAP, _FACTS, _BAR = 0.85, 0.07, 1.75, 0.09  # inches


def plot_tcav(result: Any, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draws the share of images whose score rises along each concept.

    Args:
        result: A `TCAVResult`.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure: a panel for each layer and a bar for each concept, pale where it fails the
        test; the grey band is the middle 95 % of random concepts.

    Raises:
        OutputError: The file cannot be written.
    """
    layers = list(dict.fromkeys(row.layer for row in result.rows))
    panels = [[row for row in result.rows if row.layer == layer] for layer in layers]
    heights = [_ROW * len(rows) for rows in panels]
    height = 2 * _MARGIN + _TITLE + sum(heights) + (_ABOVE + _BELOW) * len(panels)
    width = 2 * _MARGIN + _NAMES + _PANEL + _NOTES
    title = f"Concepts of {_short(result.target)}"
    page = Page(width, height, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE, bold=True))
    top = _MARGIN + _TITLE
    for layer, rows, inches in zip(layers, panels, heights, strict=True):
        page.text(_MARGIN, top, f"Layer {_short(layer)}", **style.font(style.BODY, bold=True))
        axes = page.axes(_MARGIN + _NAMES, top + _ABOVE, _PANEL, inches)
        _draw(axes, rows, result)
        top += _ABOVE + inches + _BELOW
    if path is not None:
        save_figure(page.figure, path)
    return page.figure


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
        verdict = "" if is_found else ", not significant"
        axes.annotate(
            f"p {row.adjusted:.2g}{verdict}",
            (1.03, place),
            va="center",
            annotation_clip=False,
            **style.font(style.SMALL, style.INK if is_found else style.MUTED),
        )
    axes.axvline(0.5, color=style.MUTED, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_short(row.concept) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(
        "Share of images whose score rises (grey: random concepts)", **style.font(style.SMALL)
    )
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def plot_discovered(result: Any, path: str | os.PathLike[str] | None = None) -> Figure:
    """Draws the crops in which each discovered concept is strongest, a row for each.

    Args:
        result: `DiscoveredConcepts` whose concepts have crops.
        path: File to write the figure to as well; its suffix names the format.

    Returns:
        The figure: beside each row how much the score rests on the concept, as a bar up to the
        largest, what the score becomes without it, and how similar it is in a second run; pale
        where it does not come back.

    Raises:
        OutputError: The file cannot be written.
    """
    most = max(len(row.crops) for row in result.rows)
    width = 2 * _MARGIN + _FACTS + most * (_CROP + _GAP)
    height = 2 * _MARGIN + 2 * _TITLE + len(result.rows) * (_CROP + _GAP)
    title = f"What layer {_short(result.layer)} sees in {_short(result.target)}"
    page = Page(width, height, title)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE, bold=True))
    page.text(
        _MARGIN,
        _MARGIN + _TITLE,
        "Crops that show each concept most; bar: importance, blue where it speaks against",
        **style.font(style.SMALL, style.MUTED),
    )
    largest = max(row.importance for row in result.rows) or 1.0
    for place, row in enumerate(result.rows):
        top = _MARGIN + 2 * _TITLE + place * (_CROP + _GAP)
        _say(page, row, top, row.importance / largest)
        for column, crop in enumerate(row.crops):
            left = _MARGIN + _FACTS + column * (_CROP + _GAP)
            axes = page.axes(left, top, _CROP, _CROP)
            show(axes, crop)
            frame(axes, sides=())
    if path is not None:
        save_figure(page.figure, path)
    return page.figure


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
        f"without it: score {-row.drop:+.2g}",
        f"{verdict} ({row.similarity:.2f})",
    )
    for i, line in enumerate(lines):
        page.text(_MARGIN, top + 0.33 + 0.16 * i, line, **style.font(style.SMALL, ink))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
