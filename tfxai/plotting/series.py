"""Rows for series: the input over time, and under it what each moment adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import channels_last, input_axes, value_axes
from tfxai.heatmaps import resize
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, small_ticks
from tfxai.plotting.rows import Row, draw_hidden, draw_signs

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = len(style.LINES)
_WIDTH = 6.6
_LABELS = 0.55
_PANEL = 1.05
_GAP = 0.16
_BELOW = 0.4


class SeriesRow(Row):
    """Lines of one example: its inputs above, their attributions below, at most six channels.

    Values of a layer have no inputs above them, nor has a map over something else.
    """

    def __init__(self, one: Attribution) -> None:
        word = input_axes(one)
        inputs = _of_steps(one.inputs, word) if len(spatial(word)) == 1 else None
        values = _of_steps(one.values, value_axes(one) or "TC")
        if one.is_map and inputs is not None:
            values = resize(values[:, 0], (len(inputs),))[:, None]
        order = np.argsort(-np.abs(values).sum(axis=0), kind="stable")[:MOST]
        self.channels = np.sort(order)
        self.values = values[:, self.channels]
        self.inputs = None
        self.named = self.channels
        if inputs is not None and one.is_map:
            self.inputs = inputs[:, :MOST]
            self.named = np.arange(self.inputs.shape[1])
        elif inputs is not None and one.at is None and inputs.shape == values.shape:
            self.inputs = inputs[:, self.channels]
        self.is_of_input = self.inputs is not None or one.at is None
        self.hidden = values.shape[1] - len(self.channels)
        self.panels = 1 if self.inputs is None else 2
        self.signed = one.is_signed
        self.height = 0.22 + self.panels * _PANEL + (self.panels - 1) * _GAP + _BELOW
        self.width = _LABELS + _WIDTH

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels, with a legend above them."""
        left += _LABELS
        self._draw_legend(page, left, top)
        top += 0.22
        if self.inputs is not None:
            above = page.axes(left, top, _WIDTH, _PANEL)
            self._lines(above, self.inputs, "input")
            above.tick_params(labelbottom=False)
            top += _PANEL + _GAP
        below = page.axes(left, top, _WIDTH, _PANEL)
        self._lines(below, self.values, "attribution")
        below.axhline(0, color=style.MUTED, linewidth=0.8, zorder=1)
        if len(self.channels) == 1:
            self._fill(below, self.values[:, 0])
        steps = "time step" if self.is_of_input else "step of the layer"
        below.set_xlabel(steps, labelpad=2, **style.font(style.SMALL, style.MUTED))

    def _lines(self, axes: Axes, lines: Array, name: str) -> None:
        for column in range(lines.shape[1]):
            colour = style.INK if lines.shape[1] == 1 else style.LINES[column]
            axes.plot(lines[:, column], color=colour, linewidth=1.1)
        axes.set_xlim(0, max(len(lines) - 1, 1))
        axes.set_ylabel(name, labelpad=4, **style.font(style.SMALL, style.MUTED))
        frame(axes, sides=("left", "bottom"))
        small_ticks(axes)

    def _fill(self, axes: Axes, line: Array) -> None:
        steps = np.arange(len(line))
        above = style.SUPPORTS if self.signed else style.ACCENT
        for side, colour in ((line >= 0, above), (line <= 0, style.SPEAKS_AGAINST)):
            axes.fill_between(
                steps, line, 0, where=side, color=colour, alpha=0.35, linewidth=0, interpolate=True
            )

    def _draw_legend(self, page: Page, left: float, top: float) -> None:
        if len(self.channels) == 1 and self.signed:
            draw_signs(page, left, top)
        elif len(self.named) > 1:
            for column, channel in enumerate(self.named):
                text = f"\N{EM DASH} channel {channel}"
                properties = style.font(style.SMALL, style.LINES[column])
                page.text(left + 0.85 * column, top, text, **properties)
        draw_hidden(page, left + _WIDTH, top, len(self.channels), self.hidden, "channels")


def _of_steps(array: Any, word: str) -> Array:
    """(T, C) float64 of the only example of a series of those axes."""
    return np.asarray(channels_last(np.asarray(array), word)[0], np.float64)
