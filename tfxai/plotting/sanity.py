"""Sanity checks: how alike the maps stay while more and more of the model is thrown away."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks

_PANEL, _HEIGHT = 4.6, 2.6  # inches
_MARGIN, _LABELS, _GAP, _ABOVE = 0.25, 0.42, 0.3, 0.35
_NAMES, _LINE = 1.15, 0.17  # inches for the names of layers, and a line of the legend
_PANELS = (("spearman", "Rank correlation"), ("ssim", "Structural similarity"))
_MOST = 12  # steps whose names are written out
_LONG = 22  # characters of one
_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)))
_MARKS = ("\N{EM DASH}", "- -", "\N{HORIZONTAL ELLIPSIS}")  # the same in text


def plot_sanity(
    results: Sequence[Any], path: str | os.PathLike[str] | None = None, title: str = ""
) -> Figure:
    """Draws the similarity of maps against the depth down to which a model knows nothing.

    Args:
        results: A `SanityResult` of each method, all of one check with the same steps.
        path: File to write the figure to as well; its suffix names the format.
        title: A line above, such as the name of the model.

    Returns:
        The figure: the mean over the examples of each method, with the threshold. Structural
        similarity has a panel of its own where it is known.

    Raises:
        InvalidInputError: There are no results, or they have different steps.
        OutputError: The file cannot be written.
    """
    if not results or any(one.steps != results[0].steps for one in results):
        raise InvalidInputError(
            "plot_sanity draws the results of one check on one model, and none came or their "
            "steps differ. Pass results of the same check and model."
        )
    panels = [one for one in _PANELS if any(np.isfinite(r.means(one[0])).any() for r in results)]
    legend = _MARGIN + _ABOVE * bool(title)
    top = legend + _LINE * -(-len(results) // len(panels)) + _ABOVE
    page = Page(
        2 * _MARGIN + (_PANEL + _GAP) * len(panels) - _GAP,
        top + _HEIGHT + _NAMES + _MARGIN,
        f"Similarity against depth of {', '.join(one.method['name'] for one in results)}",
    )
    if title:
        page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE, bold=True))
    for i, one in enumerate(results):
        colour, dashes = _look(i)
        row, column = divmod(i, len(panels))
        left, below = _MARGIN + column * (_PANEL + _GAP), legend + row * _LINE
        mark = _MARKS[_DASHES.index(dashes)]
        verdict = {True: ", passes", False: ", fails", None: ""}[one.passes]
        text = f"{mark} {one.method['name']}: mean {np.mean(one.means()):.2f}{verdict}"
        page.text(left, below, text, **style.font(style.SMALL + 0.5, colour))
    for number, (name, heading) in enumerate(panels):
        left = _MARGIN + number * (_PANEL + _GAP)
        page.text(left, top - 0.22, heading, **style.font(style.BODY, bold=True))
        axes = page.axes(left + _LABELS, top, _PANEL - _LABELS, _HEIGHT)
        _draw(axes, results, name)
    if path is not None:
        save_figure(page.figure, path)
    return page.figure


def _look(number: int) -> tuple[str, Any]:
    """Colour and dashes of a line."""
    count = len(style.LINES)
    return style.LINES[number % count], _DASHES[number // count % len(_DASHES)]


def _draw(axes: Axes, results: Sequence[Any], name: str) -> None:
    """One line a method, from the model itself to its last step."""
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
    names = ["as trained", *map(_short, first.steps)]
    shown = np.unique(np.linspace(0, len(names) - 1, min(len(names), _MOST + 1)).astype(int))
    axes.set_xticks(shown, [names[k] for k in shown], rotation=35, ha="right")
    axes.set_xlim(-0.15, len(names) - 0.85)
    axes.set_ylim(min(0.0, *(float(np.nanmin(r.means(name))) for r in results)) - 0.05, 1.05)
    axes.grid(axis="y", color=style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    frame(axes, sides=("left", "bottom"))
    small_ticks(axes)


def _short(name: str) -> str:
    return name if len(name) <= _LONG else f"\N{HORIZONTAL ELLIPSIS}{name[2 - _LONG :]}"
