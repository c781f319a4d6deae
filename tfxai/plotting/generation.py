"""What each token of a prompt adds to each token that follows, as a heatmap."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.plotting import style
from tfxai.plotting.colours import colour_map
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure
from tfxai.plotting.headings import Heading
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut, text_width

if TYPE_CHECKING:
    from tfxai.generation import Generation

_CELL = 0.26  # inches
_LEAST, _MOST = 2.2, 9.0  # of the heatmap's sides
_LABEL = 1.1
_MARGIN = 0.25
_NARROWEST, _USUAL = 1.0, 4.4  # of the heatmap, and of the page
_MOST_LABELS = 80


def plot_generation(
    one: Generation, *, path: str | os.PathLike[str] | None = None, figsize: Any = None
) -> Figure:
    """The values as a heatmap; see `Generation.plot`."""
    rows, columns = (
        [_shown(name) for name in names] for names in (one.input_tokens, one.column_names)
    )
    left = _MARGIN + _room(rows)
    height = min(max(_CELL * len(rows), _LEAST / 2), _MOST)
    natural = min(max(_CELL * len(columns), _LEAST), _MOST)
    title = f"{one.attribution.method['name']}: {one.attribution.score_name} of each output token"
    if one.is_whole:
        title = f"{one.attribution.method['name']}: {one.attribution.score_name} of the output"
    most = float(np.abs(one.values).max(initial=0.0))
    head = Heading(title, f"rows add to columns; red raises, blue lowers, darkest {most:.2g}")
    width, shrunk = natural, 1.0

    def lay_out(room: float, share: float) -> tuple[float, float]:
        nonlocal width, shrunk
        width, shrunk = min(natural, max(room - left - _MARGIN, _NARROWEST)), share
        above = head.fit(room)
        return left + width + _MARGIN, above + share * height + _room(columns) + _MARGIN

    size = None if figsize is None else SIZE.read("figsize", figsize)
    found = fit(size, max(left + natural + _MARGIN, _USUAL), lay_out)
    page = Page(found.width, found.height, title, found.zoom)
    axes = page.axes(left, head.draw(page), width, shrunk * height)
    axes.imshow(
        one.values,
        cmap=colour_map(None, True),
        vmin=-(most or 1),
        vmax=most or 1,
        aspect="auto",
        interpolation="nearest",
    )
    _label(axes.xaxis, columns, rotation=90)
    _label(axes.yaxis, rows)
    axes.tick_params(length=0)
    frame(axes)
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _shown(token: str) -> str:
    """A token for an axis: the marks of a space, and a line's end, as what they are."""
    for mark, sign in (("Ġ", "␣"), ("▁", "␣"), ("Ċ", "⏎"), ("\n", "⏎")):
        token = token.replace(mark, sign)
    return cut(token, _LABEL, style.SMALL)


def _room(labels: list[str]) -> float:
    """Inches that the longest label takes."""
    if len(labels) > _MOST_LABELS:
        return 0.1
    return 0.1 + max(text_width(label, style.SMALL) for label in labels)


def _label(axis: Any, labels: list[str], rotation: float = 0.0) -> None:
    """A label at each cell, none where there are too many to be read."""
    if len(labels) > _MOST_LABELS:
        axis.set_ticks([])
        return
    axis.set_ticks(range(len(labels)), labels, rotation=rotation, **style.font(style.SMALL))
