"""What a run over a data set says as a whole: strength by class, where it lies, and the gaps."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
from tfxai.plotting.measure import cut

_MARGIN, _NAMES, _BARS, _MAP, _GAPS, _BETWEEN = 0.2, 1.5, 2.2, 1.5, 2.0, 0.55  # inches
_NARROWEST, _TICKS = 0.9, 0.3  # of a panel, and the numbers beside one in a row of its own
_NOTE = 0.17  # inches of the line below
_HIGH, _TITLE, _ABOVE, _BELOW = 1.5, 0.34, 0.5, 0.5
_MOST = 8  # classes that are drawn
_LONGEST = 16  # characters of a name


def plot_run_summary(
    methods: dict[str, Any],
    classes: Sequence[str] | None,
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws a row of panels for each method, two in a narrow figure.

    Args:
        methods: By name what `tfxai.batch.summary.MethodSummary` holds.
        classes: Names of the classes, where they are known.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is what the panels need.

    Returns:
        The figure: the mean absolute values of the most frequent classes with their 95 %
        intervals, the average map where there are images, and a histogram of the completeness
        gaps where values have to add up.

    Raises:
        InvalidInputError: `figsize` does not fit.
        OutputError: The file cannot be written.
    """
    has_maps = any(one.maps for one in methods.values())
    has_gaps = any(one.gaps for one in methods.values())
    beside = has_maps * (_MAP + _BETWEEN) + has_gaps * (_GAPS + _BETWEEN)
    usual = 2 * _MARGIN + _NAMES + _BARS + beside
    bars, gaps, high, rows = _BARS, _GAPS, _HIGH, 1

    def lay_out(room: float, share: float) -> tuple[float, float]:
        nonlocal bars, gaps, high, rows
        rows = 1 if room >= usual - 1e-6 or not beside else 2
        free = room - 2 * _MARGIN
        bars = min(_BARS, max(free - _NAMES, _NARROWEST))
        gaps = min(_GAPS, max(free - _TICKS - (_MAP + _BETWEEN) * has_maps, _NARROWEST))
        high = share * _HIGH
        below = _TICKS + has_gaps * gaps + has_maps * (_MAP + _BETWEEN * has_gaps)
        needed = usual if rows == 1 else 2 * _MARGIN + max(_NAMES + bars, below)
        down = len(methods) * (_ABOVE + high + _BELOW + (rows - 1) * (_TITLE + high + _BELOW))
        return needed, 2 * _MARGIN + _TITLE + down + _NOTE * has_maps

    size = None if figsize is None else SIZE.read("figsize", figsize)
    found = fit(size, usual, lay_out)
    page = Page(found.width, found.height, "Summary of a run", found.zoom)
    page.text(_MARGIN, _MARGIN, "Summary of a run", **style.font(style.TITLE, bold=True))
    top = _MARGIN + _TITLE
    for name, one in methods.items():
        count = sum(n for n, _, _ in one.masses.values())
        title = cut(f"{name}, {count:,} examples", page.width - 2 * _MARGIN, style.BODY, bold=True)
        page.text(_MARGIN, top, title, **style.font(style.BODY, bold=True))
        left = _MARGIN + _NAMES
        _strengths(page.axes(left, top + _ABOVE, bars, high), one.masses, classes)
        left += bars + _BETWEEN
        if rows == 2:
            left, top = _MARGIN + _TICKS, top + high + _BELOW + _TITLE
        if one.maps:
            _average(page.axes(left, top + _ABOVE, _MAP, high), one.maps)
        left += (_MAP + _BETWEEN) * has_maps
        if one.gaps:
            panel = page.axes(left, top + _ABOVE, gaps, high)
            _gaps(panel, one.gaps, is_narrow=gaps < _GAPS)
        top += _ABOVE + high + _BELOW
    if has_maps:
        note = "Average maps run from 0, dark, to their own largest mean, light."
        page.text(_MARGIN, top, note, **style.font(style.SMALL, style.MUTED))
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _strengths(axes: Axes, masses: dict[int, Any], classes: Sequence[str] | None) -> None:
    """Bars of the mean absolute values of the classes that are explained most."""
    kept = sorted(masses, key=lambda key: (-masses[key][0], key))[:_MOST]
    for place, key in enumerate(kept):
        n, total, squares = masses[key]
        mean = total / n
        axes.barh(place, mean, 0.6, color=style.LINES[0])
        if n > 1:
            error = 1.96 * np.sqrt(max(squares / n - mean * mean, 0.0) / (n - 1))
            ends = [max(mean - error, 0.0), mean + error]
            axes.plot(ends, [place] * 2, color=style.INK, linewidth=1)
    names = [_short(class_name(key, classes) or str(key)) for key in kept]
    names = [f"{name} ({masses[key][0]:,})" for name, key in zip(names, kept, strict=True)]
    axes.set_yticks(range(len(kept)), names)
    axes.set_ylim(len(kept) - 0.5, -0.5)
    _titled(axes, "Mean |value|, 95 % interval")
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


def _gaps(axes: Axes, gaps: Sequence[int], *, is_narrow: bool) -> None:
    """How many examples have a gap of each size."""
    axes.bar(range(len(gaps)), gaps, 0.9, color=style.LINES[0])
    ticks = {2.5: "0.0001 %", 6.5: "1 %", 8.5: "100 %"}  # edges are powers of ten from 1e-8 on
    if is_narrow:
        del ticks[8.5]
    axes.set_xticks(list(ticks), list(ticks.values()))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    _titled(axes, "Gap, of the score's difference")


def _titled(axes: Axes, title: str) -> None:
    axes.set_title(title, **style.font(style.SMALL))
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
