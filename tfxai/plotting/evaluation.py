"""Methods ranked by each metric and fill, with intervals and controls."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure, small_ticks
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width, wrapped

if TYPE_CHECKING:
    from tfxai.metrics.evaluation import Column, Evaluation

_WIDTH = 5.0  # inches
_MARGIN = 0.2
_ROW = 0.19
_LINE = 0.16
_HEADING = 0.24
_BELOW = 0.32  # ticks, and the gap to the next panel
_LONGEST = 0.45  # of the width, for the names of methods
_LEAST = 1.0  # width of what is drawn


def plot_evaluation(
    evaluation: Evaluation,
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws for each metric and fill the mean of every method with its 95 % interval.

    Args:
        evaluation: What `tfxai.evaluate` returned.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is 5.

    Returns:
        The figure, made without pyplot: a panel for each metric and fill, the best method on top,
        controls in grey. Panels of one metric share a scale.

    Raises:
        InvalidInputError: The figure does not fit the size.
        OutputError: The file cannot be written.
    """
    labels = (*evaluation.methods, *evaluation.controls)
    title = f"{len(evaluation.methods)} methods on {evaluation.count} examples"
    rows = _ROW * len(labels)
    notes: list[str] = []
    names = 0.0

    def lay_out(width: float, share: float) -> tuple[float, float]:
        nonlocal notes, names
        inner = width - 2 * _MARGIN
        widest = max(text_width(label, style.SMALL) for label in labels)
        names = min(widest, _LONGEST * inner) + 0.1
        said = " ".join(_notes(evaluation))
        notes = wrapped(said, inner, style.SMALL)
        height = 2 * _MARGIN + 0.3 + len(notes) * _LINE
        height += len(evaluation.columns) * (_HEADING + rows + _BELOW)
        return 2 * _MARGIN + names + _LEAST, height

    size = None if figsize is None else SIZE.read("figsize", figsize)
    page_size = fit(size, _WIDTH, lay_out)
    page = Page(page_size.width, page_size.height, title, page_size.zoom)
    page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE, bold=True))
    top = _MARGIN + 0.3
    panels: dict[str, list[Axes]] = {}
    for column in evaluation.columns:
        heading = cut(_heading(column), page.width - 2 * _MARGIN, style.BODY)
        page.text(_MARGIN, top, heading, **style.font(style.BODY, style.MUTED))
        left = _MARGIN + names
        axes = page.axes(left, top + _HEADING, page.width - left - _MARGIN, rows)
        _draw(axes, column, evaluation, names)
        panels.setdefault(column.metric, []).append(axes)
        top += _HEADING + rows + _BELOW
    for alike in panels.values():  # one metric, one scale
        ends = [end for axes in alike for end in axes.get_xlim()]
        for axes in alike:
            axes.set_xlim(min(ends), max(ends))
    for line in notes:
        page.text(_MARGIN, top, line, **style.font(style.SMALL, style.MUTED))
        top += _LINE
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _heading(column: Column) -> str:
    better = column.higher_is_better
    end = "" if better is None else f"; {'high' if better else 'low'} is good"
    return f"{column.title}{' (unfit)' if column.is_unfit else ''}{end}"


def _notes(evaluation: Evaluation) -> list[str]:
    """What the figure says in words below its panels."""
    return [
        "Dots are means, lines 95 % intervals, grey ones controls that know nothing of the model.",
        *(said for said in evaluation.warnings() if said.startswith("The ranking")),
    ]


def _draw(axes: Axes, column: Column, evaluation: Evaluation, names: float) -> None:
    order = column.ranking((*evaluation.methods, *evaluation.controls))
    for row, label in enumerate(order):
        one = column.measurements[label]
        colour = style.MUTED if label in evaluation.controls else style.LINES[0]
        low, high = one.interval(seed=evaluation.seed)
        if np.isfinite(low):
            axes.plot([low, high], [row, row], color=colour, linewidth=1.5)
        if one.count:
            axes.plot([one.mean], [row], "o", color=colour, markersize=4)
    axes.set_ylim(len(order) - 0.5, -0.5)
    texts = [cut(label, names - 0.08, style.SMALL) for label in order]
    axes.set_yticks(range(len(order)), texts)
    axes.grid(axis="x", color=style.FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.locator_params(axis="x", nbins=5)
    frame(axes, sides=("bottom",))
    small_ticks(axes)
    axes.tick_params(axis="y", length=0)
