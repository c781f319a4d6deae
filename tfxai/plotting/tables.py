"""Rows for tables: one bar for each feature."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tfxai.arrays import Array
from tfxai.axes import parts
from tfxai.feature_groups import Feature, Groups, OneHot
from tfxai.plotting import style
from tfxai.plotting.feature_axes import row_label
from tfxai.plotting.figures import Page, frame, small_ticks
from tfxai.plotting.labels import number
from tfxai.plotting.measure import cut, cut_inside, text_width
from tfxai.plotting.rows import Row, draw_hidden, draw_signs, hidden_text, signs_width
from tfxai.plotting.signs import signs_of
from tfxai.table_features import features_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 20
_BAR = 0.2  # inches for each feature
_NAMES = 2.2
_BARS = 4.3
_ABOVE = 0.28  # where a legend is
_BELOW = 0.45
_LINE = 0.17  # of a legend
_APART = 0.16
_TICK = 0.55  # inches from one number of the axis to the next, at least
_ROUNDS = 12
_BESIDE = 3.0  # points from a bar to its number
_LEAST_OF_NAME = 0.4  # of the room for a name and its input


class TableRow(Row):
    """The features of one example, the most important first, at most 20 of them."""

    def __init__(
        self,
        one: Attribution,
        feature_names: Sequence[str] | None,
        groups: Groups | None = None,
    ) -> None:
        features = _features(one, feature_names, groups)
        self.legend = groups.note if isinstance(groups, OneHot) else ""
        self._all = np.array([float(feature.values[0]) for feature in features])
        self._names = [row_label(feature, 0) for feature in features]
        self.signed, self.words = one.is_signed, signs_of(one)
        self._beside: tuple[TableRow, ...] = ()
        self._take(np.abs(self._all))
        self.fit(np.inf, 1.0)

    def _take(self, strengths: Array) -> None:
        """Draws the features of the largest strengths, in that order."""
        order = np.argsort(-strengths, kind="stable")[:MOST]
        self.values = self._all[order]
        self.labels = [self._names[i] for i in order]
        self.hidden = len(self._all) - len(order)

    @staticmethod
    def align(rows: Sequence[TableRow]) -> None:
        """Draws the same features in the same order in all of them, on one scale."""
        if len({len(row._all) for row in rows}) != 1 or len(rows) < 2:
            return
        strongest = np.max([np.abs(row._all) for row in rows], axis=0)
        for row in rows:
            row._beside = tuple(rows)
            row._take(strongest)
            row.legend = f"{row.legend} Charts of one example share a scale.".strip()

    def fit(self, room: float, share: float) -> None:
        """Narrows the bars and the names alike."""
        self.names_width = _NAMES * min(1.0, room / (_NAMES + _BARS))
        self.bars_width = _BARS * min(1.0, room / (_NAMES + _BARS))
        self.above = _ABOVE if self.signed or self.hidden else 0.0
        if self.signed and self.hidden and self._is_crowded():
            self.above += _LINE
        self.height = self.above + _BAR * len(self.values) + _BELOW
        self.width = self.names_width + self.bars_width

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the bars with the features' names on their left."""
        bars = left + self.names_width
        axes = page.axes(bars, top + self.above, self.bars_width, _BAR * len(self.values))
        self._draw_bars(axes, _fitting(self.labels, self.names_width - 0.08))
        if self.signed:
            draw_signs(page, bars, top + self.above - _ABOVE, self.words)
        draw_hidden(page, left + self.width, top, len(self.values), self.hidden, "features")

    def draw_alone(self, axes: Axes) -> None:
        """Draws the bars on axes of the user's, with names as long as in a figure of its own."""
        self._draw_bars(axes, _fitting(self.labels, _NAMES))

    def _draw_bars(self, axes: Axes, names: Sequence[str]) -> None:
        places = np.arange(len(self.values))
        axes.barh(places, self.values, height=0.68, color=self._colours())
        axes.axvline(0, color=style.MUTED, linewidth=0.8)
        axes.set_ylim(len(self.values) - 0.5, -0.5)
        axes.set_xlim(*self._limits())
        axes.set_yticks(places, labels=names)
        ticks = max(2, int(self.bars_width / _TICK))
        axes.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
        frame(axes, sides=("bottom",))
        small_ticks(axes)
        axes.tick_params(axis="y", length=0)
        for label in axes.get_yticklabels():
            label.set(**style.font(style.SMALL))
        for place, value in zip(places, self.values, strict=True):
            axes.annotate(
                number(value),
                (value, place),
                xytext=(_BESIDE if value >= 0 else -_BESIDE, 0),
                textcoords="offset points",
                ha="left" if value >= 0 else "right",
                va="center_baseline",
                **style.font(style.SMALL - 0.5, style.MUTED),
            )
        axes.set_xlabel("attribution", labelpad=3, **style.font(style.SMALL, style.MUTED))

    def _is_crowded(self) -> bool:
        """Whether the meaning of the colours and what is left out need a line each."""
        words = hidden_text(len(self.values), self.hidden, "features")
        beside = signs_width(self.words) + _APART
        return beside + text_width(words, style.SMALL) > self.bars_width

    def _colours(self) -> list[str]:
        if not self.signed:
            return [style.ACCENT] * len(self.values)
        return [style.SUPPORTS if value >= 0 else style.SPEAKS_AGAINST for value in self.values]

    def _limits(self) -> tuple[float, float]:
        """Room for the number at the end of each bar, of all charts that share the scale."""
        values = np.concatenate([row.values for row in self._beside or (self,)])
        low, high = min(values.min(), 0.0), max(values.max(), 0.0)
        room = 0.17 * _BARS / self.bars_width * ((high - low) or 1.0)
        left, right = (low - room if low < 0 else 0.0), high + room
        size = style.SMALL - 0.5
        shares = [
            (text_width(number(v), size) + 2 * _BESIDE / 72) / self.bars_width for v in values
        ]
        for _ in range(_ROUNDS):  # room for a number widens the axis, in which it is a share
            wide = right - left
            ends = [v + (w if v >= 0 else -w) * wide for v, w in zip(values, shares, strict=True)]
            left, right = min(left, *ends), max(right, *ends)
        return left, right


def columns_together(one: Attribution) -> tuple[Attribution | None, dict[str, Attribution]]:
    """The inputs of one number as one table, and the others by name.

    A single one beside others is no table.
    """
    others = parts(one)
    if not isinstance(one.values, dict):
        return None, others
    columns = [name for name, array in one.values.items() if np.shape(array)[1:] in ((), (1,))]
    if len(columns) < min(2, len(one.values)) or not columns:
        return None, others
    together = dataclasses.replace(one, values={name: one.values[name] for name in columns})
    return together, {name: part for name, part in others.items() if name not in columns}


def _features(
    one: Attribution, names: Sequence[str] | None, groups: Groups | None
) -> list[Feature]:
    """The features of one example; positions of a map over a table are numbered."""
    if not one.is_map:
        return features_of(one, names, groups)
    positions = np.asarray(one.values, np.float64)
    found = features_of(dataclasses.replace(one, values=positions, is_map=False), names)
    if names is not None:
        return found
    return [dataclasses.replace(feature, name=f"position {i}") for i, feature in enumerate(found)]


def _fitting(labels: Sequence[tuple[str, str]], width: float) -> list[str]:
    """Each name with its input, in that many inches; names that would read alike are cut inside.

    An input that leaves too little room for the name is left out.
    """
    rooms, inputs = [], []
    for name, given in labels:
        room = width - text_width(given, style.SMALL)
        is_kept = room >= min(_LEAST_OF_NAME * width, text_width(name, style.SMALL))
        rooms.append(room if is_kept else width)
        inputs.append(given if is_kept else "")
    names = [cut(name, room, style.SMALL) for (name, _), room in zip(labels, rooms, strict=True)]
    for i, (name, _) in enumerate(labels):
        begins = names[i].removesuffix("…")
        if names[i] != name and any(
            other.startswith(begins) for j, (other, _) in enumerate(labels) if j != i
        ):
            names[i] = cut_inside(name, rooms[i], style.SMALL)
    return [name + given for name, given in zip(names, inputs, strict=True)]
