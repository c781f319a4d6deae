"""Sanity checks: how alike the maps stay while more and more of the model is thrown away."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, cut_inside, text_width, wrapped

_PANEL, _HEIGHT, _LEAST = 4.6, 2.6, 2.4  # inches; below the least, panels are under each other
_RATIO = 0.65  # of a narrow panel's width
_MARGIN, _LABELS, _GAP, _ABOVE = 0.25, 0.42, 0.3, 0.35
_LINE, _TITLE = 0.17, 0.22  # inches of a line of the legend and of the title
_TURNED = 35  # degrees of the names of layers
_ANGLE = math.radians(_TURNED)
_STEP = 0.28  # inches from one name to the next, at least
_PANELS = (("spearman", "Rank correlation"), ("ssim", "Structural similarity"))
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))
_MARKS = ("\N{EM DASH}", "- -", "\N{HORIZONTAL ELLIPSIS}")  # the same in text


def plot_sanity(
    results: Sequence[Any],
    path: str | os.PathLike[str] | None = None,
    title: str = "",
    *,
    figsize: Any = None,
) -> Figure:
    """Draws the similarity of maps against the depth down to which a model knows nothing.

    Args:
        results: A `SanityResult` of each method, all of one check with the same steps.
        path: File to write the figure to as well; its suffix names the format.
        title: A line above, such as the name of the model.
        figsize: Width in inches, or (width, height); None is what the panels need.

    Returns:
        The figure: the mean over the examples of each method, with the threshold. Structural
        similarity has a panel of its own where it is known.

    Raises:
        InvalidInputError: There are no results, they have different steps, or `figsize` does not
            fit.
        OutputError: The file cannot be written.
    """
    if not results or any(one.steps != results[0].steps for one in results):
        raise InvalidInputError(
            "plot_sanity draws the results of one check on one model, and none came or their "
            "steps differ. Pass results of the same check and model."
        )
    panels = [one for one in _PANELS if any(np.isfinite(r.means(one[0])).any() for r in results)]
    size = None if figsize is None else SIZE.read("figsize", figsize)
    plan = _Plan(results, len(panels), title)
    found = fit(size, 2 * _MARGIN + (_PANEL + _GAP) * len(panels) - _GAP, plan.lay_out)
    names = ", ".join(one.method["name"] for one in results)
    page = Page(found.width, found.height, f"Similarity against depth of {names}", found.zoom)
    for i, line in enumerate(plan.title):
        font = style.font(style.TITLE, bold=True)
        page.text(_MARGIN, _MARGIN + i * _TITLE, line, **font)
    for i, (text, colour) in enumerate(plan.legend):
        row, column = divmod(i, plan.columns)
        left, below = _MARGIN + column * (plan.panel + _GAP), plan.above + row * _LINE
        page.text(left, below, text, **style.font(style.SMALL + 0.5, colour))
    for number, (name, heading) in enumerate(panels):
        row, column = divmod(number, plan.columns)
        left = _MARGIN + column * (plan.panel + _GAP)
        top = plan.top + row * plan.down
        page.text(left, top - 0.22, heading, **style.font(style.BODY, bold=True))
        axes = page.axes(left + _LABELS, top, plan.panel - _LABELS, plan.height)
        _draw(axes, results, name, plan.names)
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


class _Plan:
    """Where legend and panels go, in inches of the page.

    Args:
        results: What is drawn.
        count: Panels, side by side where there is room for them.
        title: A line above.
    """

    def __init__(self, results: Sequence[Any], count: int, title: str) -> None:
        self._results, self._count, self._title = results, count, title
        self._steps = ["as trained", *results[0].steps]

    def lay_out(self, width: float, share: float) -> tuple[float, float]:
        """For `layout.fit`."""
        room = width - 2 * _MARGIN
        is_beside = (room + _GAP) / self._count - _GAP >= _LEAST
        self.columns = self._count if is_beside else 1
        self.panel = min((room + _GAP) / self.columns - _GAP, _PANEL)
        self.height = share * min(_HEIGHT, _RATIO * self.panel)
        self.names = self._names(self.panel - _LABELS)
        self.title = wrapped(self._title, room, style.TITLE, bold=True, most=3)
        self.above = _MARGIN + _TITLE * len(self.title) + (0.1 if self.title else 0.0)
        self.legend = [self._legend(i, one) for i, one in enumerate(self._results)]
        self.top = self.above + _LINE * -(-len(self._results) // self.columns) + _ABOVE
        longest = max(text_width(name, style.SMALL) for name in self.names.values())
        self.down = self.height + math.sin(_ANGLE) * (longest + 0.1) + 0.15 + _ABOVE
        panels = -(-self._count // self.columns) * self.down - _ABOVE
        needed = 2 * _MARGIN + (max(self.panel, _LEAST) + _GAP) * self.columns - _GAP
        return needed, self.top + panels + _MARGIN

    def _names(self, width: float) -> dict[int, str]:
        """The steps that are named, each by as much of its name as there is room for."""
        last = len(self._steps) - 1
        every = max(1, math.ceil(last * _STEP / width))
        shown = [0, *range(last, every - 1, -every)]
        room = (min(_MARGIN, _GAP) + _LABELS + every * width / (last + 1)) / math.cos(_ANGLE)
        return {k: cut_inside(self._steps[k], room, style.SMALL) for k in sorted(shown)}

    def _legend(self, place: int, one: Any) -> tuple[str, str]:
        colour, dashes = _look(place)
        verdict = {True: ", passes", False: ", fails", None: ""}[one.passes]
        text = f"{one.method['name']}: mean {np.mean(one.means()):.2f}{verdict}"
        mark = _MARKS[_DASHES.index(dashes)]
        return cut(f"{mark} {text}", self.panel, style.SMALL + 0.5), colour


def _look(number: int) -> tuple[str, Any]:
    """Colour and dashes of a line."""
    count = len(style.LINES)
    return style.LINES[number % count], _DASHES[number // count % len(_DASHES)]


def _draw(axes: Axes, results: Sequence[Any], name: str, names: Mapping[int, str]) -> None:
    """One line a method, from the model itself to its last step, and the names of some."""
    first = results[0]
    for i, one in enumerate(results):
        colour, dashes = _look(i)
        means = np.concatenate([[1.0], one.means(name)])
        axes.plot(means, color=colour, linestyle=dashes, linewidth=1.5, marker="o", markersize=2.5)
        axes.lines[-1].set_gid(f"{one.method['name']} {name}")
    if name == "spearman" and first.has_verdict:
        axes.axhline(first.threshold, color=style.MUTED, linewidth=0.8, linestyle=(0, (2, 2)))
        text = f"passes with a mean below {first.threshold:g}"
        axes.annotate(
            text,
            (len(first.steps), first.threshold),
            (0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            **style.font(style.SMALL, style.MUTED),
        )
    axes.set_xticks(list(names), list(names.values()), rotation=_TURNED, ha="right")
    axes.set_xlim(-0.15, len(first.steps) + 0.15)
    axes.set_ylim(min(0.0, *(float(np.nanmin(r.means(name))) for r in results)) - 0.05, 1.05)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)
