"""Rows for series: the input over time, and under it what each moment adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import channels_last, input_axes, value_axes
from tfxai.errors import InvalidInputError
from tfxai.heatmaps import resize
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, small_ticks
from tfxai.plotting.labels import shortened
from tfxai.plotting.measure import cut, text_width
from tfxai.plotting.rows import Row, sign_texts
from tfxai.plotting.signs import signs_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = len(style.LINES)
_WIDTH = 6.6
_LABELS = 0.55
_PANEL = 1.05
_GAP = 0.16
_BELOW = 0.4
_LEGEND = 0.17  # of each line
_NAME = 1.4  # inches of a channel's name at least; more where there is room
_PLAIN = (-3, 5)  # powers of ten between which numbers are short without one
_SCALED = "The input of each channel runs from its own least to its greatest value."
_APART = 10  # times the range of another channel: one axis would show it as a flat line


class SeriesRow(Row):
    """Lines of one example: its inputs above, their attributions below, at most six channels.

    Values of a layer have no inputs above them, nor has a map over something else.

    Attributes:
        has_inputs: Whether the inputs are drawn above the values.
    """

    def __init__(self, one: Attribution, names: Sequence[str] | None = None) -> None:
        word = input_axes(one)
        inputs = _of_steps(one.inputs, word) if len(spatial(word)) == 1 else None
        values = _of_steps(one.values, value_axes(one) or "TC")
        if one.is_map and inputs is not None:
            values = resize(values[:, 0], (len(inputs),))[:, None]
        elif inputs is not None and (one.at is not None or inputs.shape != values.shape):
            inputs = None
        self._all, self._inputs = values, inputs
        self._is_map = one.is_map
        self.is_of_input = self._inputs is not None or one.at is None
        self.has_inputs = self._inputs is not None
        self._all_names = _names(names, inputs if one.is_map else values)
        self.signed, self.words = one.is_signed, signs_of(one)
        strengths = np.abs(values).sum(axis=0)
        self._shares: Array = strengths / (strengths.sum() or 1.0)
        self._beside: tuple[SeriesRow, ...] = (self,)
        self._take(self._shares)
        self.fit(np.inf, 1.0)

    def _take(self, shares: Array) -> None:
        """Draws the channels with the largest shares of the attribution; of a map the first."""
        self.channels = np.sort(np.argsort(-shares, kind="stable")[:MOST])
        self.values = self._all[:, self.channels]
        self.hidden = self._all.shape[1] - len(self.channels)
        is_over = self._is_map and self._inputs is not None
        self._name(np.arange(len(self._all_names))[:MOST] if is_over else self.channels)

    def _name(self, channels: Array) -> None:
        """Draws the inputs of those channels, and names them."""
        self.inputs = None if self._inputs is None else self._inputs[:, channels]
        self.names = [self._all_names[i] for i in channels] if self._all_names else []
        self.is_scaled = self.inputs is not None and _are_apart(self.inputs)
        self.legend = _SCALED if self.is_scaled else ""

    def is_beside(self, other: SeriesRow) -> bool:
        """Whether both are of the same series, so that their lines can be compared."""
        if self._inputs is None or other._inputs is None:
            return self._inputs is other._inputs and self._all.shape == other._all.shape
        return np.array_equal(self._inputs, other._inputs)

    @staticmethod
    def align(rows: Sequence[SeriesRow]) -> None:
        """Draws the same channels in all rows of one series, and the inputs in the first alone."""
        by_channel = [row for row in rows if not row._is_map]
        for row in by_channel:
            row._take(np.sum([one._shares for one in by_channel], axis=0))
        for number, row in enumerate(rows):
            if row._is_map and row._inputs is not None and by_channel:
                row._name(by_channel[0].channels)
            row.has_inputs = row._inputs is not None and number == 0

    @staticmethod
    def share_axis(rows: Sequence[SeriesRow]) -> None:
        """Draws the values of all of them on one axis."""
        for row in rows if len(rows) > 1 else ():
            row._beside = tuple(rows)
            row.legend = f"{row.legend} Charts of one example share a scale.".strip()

    def fit(self, room: float, share: float) -> None:
        """Panels of that width under each other, below a legend of one or more lines."""
        self.panel_width = max(min(_WIDTH, room - _LABELS), 1.5)
        self.panel = share * _PANEL
        self.panels = 2 if self.has_inputs else 1
        self.legend_lines = self._legend_lines()
        self.above = _LEGEND * max(len(self.legend_lines), 1) + 0.05
        self.height = self.above + self.panels * self.panel + (self.panels - 1) * _GAP + _BELOW
        self.width = _LABELS + self.panel_width

    def _legend_lines(self) -> list[list[tuple[float, str, str]]]:
        """Lines of (offset in inches, text, colour): channels, signs, and what is left out."""
        entries = []
        if len(self.names) > 1 and (self.has_inputs or not self._is_map):
            entries += [
                (cut(f"\N{EM DASH} {name}", max(self.panel_width / 2, _NAME), style.SMALL), line)
                for name, line in zip(self.names, style.LINES, strict=False)
            ]
        if len(self.channels) == 1 and self.signed:
            entries += sign_texts(self.words)
        if self.hidden:
            shown = len(self.channels)
            text = f"the strongest {shown} of {shown + self.hidden} channels"
            entries.append((text, style.MUTED))
        lines: list[list[tuple[float, str, str]]] = []
        right = np.inf
        for text, colour in entries:
            width = text_width(text, style.SMALL)
            if right + width > self.panel_width:
                lines.append([])
                right = 0.0
            lines[-1].append((right, text, colour))
            right += width + 0.16
        return lines

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the panels, with a legend above them."""
        left += _LABELS
        for number, line in enumerate(self.legend_lines):
            for offset, text, colour in line:
                font = style.font(style.SMALL, colour)
                page.text(left + offset, top + number * _LEGEND, text, **font)
        top += self.above
        if self.inputs is not None and self.has_inputs:
            axes = page.axes(left, top, self.panel_width, self.panel)
            self._draw_inputs(axes, self.inputs)
            axes.tick_params(labelbottom=False)
            top += self.panel + _GAP
        below = page.axes(left, top, self.panel_width, self.panel)
        self.draw_values(below)
        self._name_steps(below)

    def _draw_inputs(self, axes: Axes, inputs: Array) -> None:
        if not self.is_scaled:
            self._lines(axes, inputs, "input")
            return
        low, wide = inputs.min(axis=0), np.ptp(inputs, axis=0)
        shown = np.where(wide > 0, (inputs - low) / np.where(wide > 0, wide, 1.0), 0.5)
        self._lines(axes, shown, "input, scaled")
        axes.set_yticks([])

    def draw_alone(self, axes: Axes) -> None:
        """Draws the attribution's lines on axes of the user's, with a legend of the channels."""
        self.draw_values(axes)
        self._name_steps(axes)
        if self.values.shape[1] > 1:
            for line, name in zip(axes.lines, self.names, strict=False):
                line.set_label(shortened(name, 24))
            family = {"family": list(style.families()), "size": style.SMALL}
            axes.legend(prop=family, frameon=False)

    def _name_steps(self, axes: Axes) -> None:
        steps = "time step" if self.is_of_input else "step of the layer"
        axes.set_xlabel(steps, labelpad=2, **style.font(style.SMALL, style.MUTED))

    def draw_values(self, axes: Axes) -> None:
        """Draws the attribution's lines."""
        self._lines(axes, self.values, "attribution")
        axes.axhline(0, color=style.MUTED, linewidth=0.8, zorder=1)
        if len(self.channels) == 1:
            self._fill(axes, self.values[:, 0])
        if len(self._beside) > 1:
            ends = [end for row in self._beside for end in (row.values.min(), row.values.max(), 0)]
            room = 0.05 * (max(ends) - min(ends)) or 1.0
            axes.set_ylim(min(ends) - room, max(ends) + room)

    def _lines(self, axes: Axes, lines: Array, name: str) -> None:
        for column in range(lines.shape[1]):
            colour = style.INK if lines.shape[1] == 1 else style.LINES[column]
            axes.plot(lines[:, column], color=colour, linewidth=1.1)
        axes.set_xlim(0, max(len(lines) - 1, 1))
        axes.set_ylabel(name, labelpad=4, **style.font(style.SMALL, style.MUTED))
        frame(axes, sides=("left", "bottom"))
        small_ticks(axes)
        axes.ticklabel_format(axis="y", scilimits=_PLAIN)
        axes.yaxis.get_offset_text().set(**style.font(style.SMALL, style.MUTED))

    def _fill(self, axes: Axes, line: Array) -> None:
        steps = np.arange(len(line))
        above = style.SUPPORTS if self.signed else style.ACCENT
        for side, colour in ((line >= 0, above), (line <= 0, style.SPEAKS_AGAINST)):
            axes.fill_between(
                steps, line, 0, where=side, color=colour, alpha=0.35, linewidth=0, interpolate=True
            )


def _names(given: Sequence[str] | None, of: Array | None) -> list[str]:
    """The names of all channels of the array."""
    count = 0 if of is None else of.shape[1]
    if given is not None and len(given) != count:
        raise InvalidInputError(
            f"feature_names holds {len(given)} names, and there are {count} channels. "
            "Pass one name for each."
        )
    return [f"channel {i}" for i in range(count)] if given is None else list(map(str, given))


def _are_apart(inputs: Array) -> bool:
    """Whether some channels would be flat lines on the axis of others."""
    ranges = np.ptp(inputs, axis=0)
    ranges = ranges[ranges > 0]
    return len(ranges) > 1 and bool(ranges.max() > _APART * ranges.min())


def _of_steps(array: Any, word: str) -> Array:
    """(T, C) float64 of the only example of a series of those axes."""
    return np.asarray(channels_last(np.asarray(array), word)[0], np.float64)
