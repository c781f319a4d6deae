"""One metric of a batch: its curve with an interval, or a bar for each example."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.labels import method_title, number
from tfxai.plotting.layout import READABLE
from tfxai.plotting.measure import wrapped

if TYPE_CHECKING:
    from tfxai.metrics.measurement import Measurement

_WIDTH, _HEIGHT = 4.6, 2.3  # inches, of the page and of what is drawn
_MARGIN = 0.2
_LEFT = 0.6  # room for the numbers on the left, and for what they are
_BELOW = 0.38
_LINE = 0.17
_CURVES = {
    "curve": "",
    "most_first": "most relevant first",
    "least_first": "least relevant first",
}


def plot_measurement(
    measurement: Measurement,
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws the mean curve of a metric with its 95 % interval, or one bar for each example.

    Args:
        measurement: What the metric returned.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width of the figure in inches, or (width, height), from 2 inches on; None is 4.6.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: No example has a value, or the size is too small.
        OutputError: The file cannot be written.
    """
    if not measurement.count:
        raise InvalidInputError(
            f"{measurement.metric['name']} has no value for any of {len(measurement)} examples, "
            "so there is nothing to draw."
        )
    page, top = _page(measurement, figsize)
    curves = {name: measurement.details[name] for name in _CURVES if name in measurement.details}
    below = _BELOW + _MARGIN / 2
    axes = page.axes(
        _MARGIN + _LEFT, top, page.width - 2 * _MARGIN - _LEFT, page.height - top - below
    )
    if curves:
        _draw_curves(axes, curves, str(measurement.metric["name"]))
    else:
        _draw_bars(axes, measurement)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _page(measurement: Measurement, figsize: Any) -> tuple[Page, float]:
    """The page with its header, and where that ends."""
    size = SIZE.read("figsize", figsize) if figsize is not None else (_WIDTH, None)
    zoom = max(READABLE, size[0] / _WIDTH)
    width = size[0] / zoom
    inner = width - 2 * _MARGIN
    title = f"{_metric_title(measurement)} of {method_title(measurement.method['name'])}"
    low, high = measurement.interval()
    facts = f"mean {number(measurement.mean)}"
    if np.isfinite(low):
        facts += f", 95 % from {number(low)} to {number(high)}"
    facts += f", {measurement.count} of {len(measurement)} examples{_direction(measurement)}"
    lines = [(line, style.TITLE, True) for line in wrapped(title, inner, style.TITLE, bold=True)]
    lines += [(line, style.BODY, False) for line in wrapped(facts, inner, style.BODY)]
    names = [
        _CURVES[name] for name in ("least_first", "most_first") if name in measurement.details
    ]
    top = _MARGIN + _LINE * (len(lines) + len(names)) + 0.12
    least = top + _BELOW + _MARGIN / 2 + 0.5
    height = top + _HEIGHT + _BELOW + _MARGIN / 2 if size[1] is None else size[1] / zoom
    if inner < _LEFT + 1 or height < least:
        raise InvalidInputError(
            f"figsize={figsize!r} is too small for what is drawn, which needs 2 x "
            f"{least * zoom:.1f} inches. Pass a larger size."
        )
    page = Page(width, height, title, zoom)
    for i, (text, points, bold) in enumerate(lines):
        down = 0.0 if bold else 0.04
        colour = style.INK if bold else style.MUTED
        page.text(
            _MARGIN, _MARGIN + _LINE * i + down, text, **style.font(points, colour, bold=bold)
        )
    for i, name in enumerate(names):
        colour = style.LINES[len(names) - 1 - i]
        place = _MARGIN + _LINE * (len(lines) + i) + 0.04
        page.text(_MARGIN, place, f"\N{EM DASH} {name}", **style.font(style.BODY, colour))
    return page, top


def _metric_title(measurement: Measurement) -> str:
    name = str(measurement.metric["name"])
    return name.upper() if name in ("srg", "road") else name.replace("_", " ").capitalize()


def _direction(measurement: Measurement) -> str:
    better = measurement.higher_is_better
    return "" if better is None else f"; {'high' if better else 'low'} is good"


def _draw_curves(axes: Axes, curves: dict[str, Array], metric: str) -> None:
    """The mean over the examples that have a curve, and its interval by the normal law."""
    for (_, curve), colour in zip(curves.items(), style.LINES, strict=False):
        known = curve[np.isfinite(curve).all(axis=1)]
        if not len(known):
            continue
        share = np.linspace(0, 1, known.shape[1])
        mean = known.mean(axis=0)
        if len(known) > 1:
            half = 1.96 * known.std(axis=0, ddof=1) / np.sqrt(len(known))
            axes.fill_between(
                share, mean - half, mean + half, color=colour, alpha=0.2, linewidth=0
            )
        axes.plot(share, mean, color=colour, linewidth=1.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel("score", labelpad=3, **style.font(style.SMALL, style.MUTED))
    what = "shown" if metric == "insertion" else "hidden"
    axes.set_xlabel(f"share that is {what}", labelpad=3, **style.font(style.SMALL, style.MUTED))


def _draw_bars(axes: Axes, measurement: Measurement) -> None:
    """The values from high to low, and the interval of their mean across them."""
    values = np.sort(measurement.values[np.isfinite(measurement.values)])[::-1]
    axes.bar(np.arange(1, len(values) + 1), values, width=0.8, color=style.LINES[0], alpha=0.7)
    low, high = measurement.interval()
    if np.isfinite(low):
        axes.axhspan(low, high, color=style.LINES[1], alpha=0.25, linewidth=0)
    axes.axhline(measurement.mean, color=style.LINES[1], linewidth=1.2)
    axes.set_xlim(0.4, len(values) + 0.6)
    ends = sorted({1, len(values)})
    axes.set_xticks(ends, [str(end) for end in ends])
    axes.set_xlabel(
        "examples, from high to low; the line is the mean",
        labelpad=3,
        **style.font(style.SMALL, style.MUTED),
    )
