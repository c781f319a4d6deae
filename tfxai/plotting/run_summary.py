"""What a run over a data set says as a whole: strength by class, where it lies, and the gaps."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tfxai.classes import class_name
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, wrapped

_MARGIN, _NAMES, _BARS, _MAP, _GAPS, _BETWEEN = 0.2, 1.5, 2.2, 1.5, 2.0, 0.55  # inches
_TICKS, _NARROWEST = 0.3, 0.9  # the numbers left of the gaps, and the narrowest panel
_USUAL = 8.4  # inches of a page
_NOTE = 0.17  # inches of a line below
_HIGH, _TITLE, _ABOVE, _BELOW = 1.5, 0.34, 0.5, 0.5
_MOST = 8  # classes, or features, that are drawn
_LONGEST = 16  # characters of a name


@dataclasses.dataclass(frozen=True)
class _Panel:
    """One chart of a method.

    Args:
        lead: Inches on its left, for names or numbers.
        width: Inches of its axes where there is room.
        least: The least of them.
        draw: Draws it, of what a `MethodSummary` holds; nothing where that is empty.
        field: The field of a `MethodSummary` that it draws.
    """

    lead: float
    width: float
    least: float
    draw: Callable[..., None]
    field: str


@dataclasses.dataclass(frozen=True)
class _Place:
    """Row and inches from the left of a panel's axes, and their width."""

    row: int
    left: float
    width: float


def plot_run_summary(
    methods: dict[str, Any],
    classes: Sequence[str] | None,
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws the panels of each method side by side, in rows where the figure is narrow.

    Args:
        methods: By name what `tfxai.batch.summary.MethodSummary` holds.
        classes: Names of the classes, where they are known.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is what the panels need.

    Returns:
        The figure: the mean absolute values of the most frequent classes with their 95 %
        intervals, those of the strongest columns of tables, the average map where there are
        images, and a histogram of the completeness gaps where values have to add up.

    Raises:
        InvalidInputError: `figsize` does not fit.
        OutputError: The file cannot be written.
    """
    panels = [
        one
        for one in (
            _Panel(_NAMES, _BARS, _NARROWEST, functools.partial(_strengths, classes), "masses"),
            _Panel(_NAMES, _BARS, _NARROWEST, _columns, "features"),
            _Panel(0.0, _MAP, _MAP, _average, "maps"),
            _Panel(_TICKS, _GAPS, _NARROWEST, _gaps, "gaps"),
        )
        if one.field == "masses" or any(getattr(method, one.field) for method in methods.values())
    ]
    said = " ".join(_notes(methods, panels))
    places, high, notes, down = list[_Place](), _HIGH, [said], 0.0

    def lay_out(room: float, share: float) -> tuple[float, float]:
        nonlocal places, high, notes, down
        places, high = _placed(panels, room - 2 * _MARGIN), share * _HIGH
        notes = wrapped(said, room - 2 * _MARGIN, style.SMALL)
        further = places[-1].row * (_TITLE + high + _BELOW)
        down = _ABOVE + high + _BELOW + further
        needed = max(place.left + place.width for place in places) + 2 * _MARGIN
        return needed, 2 * _MARGIN + _TITLE + len(methods) * down + _NOTE * len(notes)

    size = None if figsize is None else SIZE.read("figsize", figsize)
    whole = sum(one.lead + one.width + _BETWEEN for one in panels) - _BETWEEN
    found = fit(size, min(_USUAL, whole + 2 * _MARGIN), lay_out)
    page = Page(found.width, found.height, "Summary of a run", found.zoom)
    page.text(_MARGIN, _MARGIN, "Summary of a run", **style.font(style.TITLE, bold=True))
    top = _MARGIN + _TITLE
    for name, one in methods.items():
        count = sum(n for n, _, _ in one.masses.values())
        examples = "example" if count == 1 else "examples"
        title = f"{name}, {count:,} {examples}"
        title = cut(title, page.width - 2 * _MARGIN, style.BODY, bold=True)
        page.text(_MARGIN, top, title, **style.font(style.BODY, bold=True))
        for panel, place in zip(panels, places, strict=True):
            values = getattr(one, panel.field)
            if values:
                below = top + _ABOVE + place.row * (high + _BELOW + _TITLE)
                panel.draw(page.axes(_MARGIN + place.left, below, place.width, high), values)
        top += down
    for line in notes:
        page.text(_MARGIN, top, line, **style.font(style.SMALL, style.MUTED))
        top += _NOTE
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _placed(panels: Sequence[_Panel], room: float) -> list[_Place]:
    """Where panels stand: in one row as long as each has its least width, then in the next."""
    rows: list[list[_Panel]] = []
    for panel in panels:
        fuller = [*rows[-1], panel] if rows else [panel]
        if rows and _needed(fuller, "least") <= room + 1e-6:
            rows[-1] = fuller
        else:
            rows.append([panel])
    places = []
    for number, row in enumerate(rows):
        left, missing = 0.0, max(_needed(row, "width") - room, 0.0)
        yielding = sum(panel.width - panel.least for panel in row)
        for panel in row:
            share = (panel.width - panel.least) / yielding if yielding else 0.0
            width = max(panel.width - share * missing, panel.least)
            places.append(_Place(number, left + panel.lead, width))
            left += panel.lead + width + _BETWEEN
    return places


def _needed(row: Sequence[_Panel], which: str) -> float:
    """Inches that a row of panels takes."""
    return sum(panel.lead + getattr(panel, which) + _BETWEEN for panel in row) - _BETWEEN


def _notes(methods: dict[str, Any], panels: Sequence[_Panel]) -> list[str]:
    """What the charts do not say by themselves."""
    most = max((len(one.masses) for one in methods.values()), default=0)
    of = f", the {_MOST} most frequent of {most}" if most > _MOST else ""
    said = [f"Classes are those that were explained{of}; black lines are 95 % intervals."]
    fields = {panel.field for panel in panels}
    if "features" in fields:
        columns = max(len(one.features) for one in methods.values())
        if columns > _MOST:
            said.append(f"Of {columns:,} columns the {_MOST} strongest are drawn.")
    if "maps" in fields:
        said.append(
            "Average maps are of each example's absolute values as shares of their sum, from 0, "
            "dark, to the largest mean, light."
        )
    if "gaps" in fields:
        said.append("Gaps are shares of the score's difference to the baseline.")
    return said


def _strengths(classes: Sequence[str] | None, axes: Axes, masses: dict[int, Any]) -> None:
    """Bars of the mean absolute values of the classes that are explained most."""
    kept = sorted(masses, key=lambda key: (-masses[key][0], key))[:_MOST]
    names = [_short(class_name(key, classes) or str(key)) for key in kept]
    names = [f"{name} ({masses[key][0]:,})" for name, key in zip(names, kept, strict=True)]
    _bars(axes, [masses[key] for key in kept], names)
    _titled(axes, "Mean |value| by class")


def _columns(axes: Axes, features: dict[str, Any]) -> None:
    """Bars of the mean absolute values of the strongest columns of a table."""
    kept = sorted(features, key=lambda key: (-features[key][1], key))[:_MOST]
    _bars(axes, [features[key] for key in kept], [_short(key) for key in kept])
    _titled(axes, "Mean |value| by column")


def _bars(axes: Axes, moments: Sequence[Any], names: Sequence[str]) -> None:
    """Means with their 95 % intervals."""
    for place, (n, total, squares) in enumerate(moments):
        mean = total / n
        axes.barh(place, mean, 0.6, color=style.LINES[0])
        if n > 1:
            error = 1.96 * np.sqrt(max(squares / n - mean * mean, 0.0) / (n - 1))
            ends = [max(mean - error, 0.0), mean + error]
            axes.plot(ends, [place] * 2, color=style.INK, linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.locator_params(axis="x", nbins=4)


def _average(axes: Axes, maps: dict[int, Any]) -> None:
    """Where the values of all images lie, as one map."""
    counts = [n for n, _ in maps.values()]
    whole = sum(total for _, total in maps.values()) / max(sum(counts), 1)
    axes.imshow(whole, cmap="viridis", vmin=0)
    axes.set_xticks([])
    axes.set_yticks([])
    rows, columns = whole.shape
    axes.set_title(f"Average map, {rows} x {columns} cells", **style.font(style.SMALL))


def _gaps(axes: Axes, gaps: Sequence[int]) -> None:
    """How many examples have a gap of each size."""
    axes.bar(range(len(gaps)), gaps, 0.9, color=style.LINES[0])
    axes.set_xticks([2.5, 6.5], ["0.0001 %", "1 %"])  # edges are powers of ten from 1e-8 on
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _titled(axes, "Completeness gaps")


def _titled(axes: Axes, title: str) -> None:
    axes.set_title(title, **style.font(style.SMALL))
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
