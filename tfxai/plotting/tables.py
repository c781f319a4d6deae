"""Rows for tables: one bar for each feature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, small_ticks
from tfxai.plotting.labels import number, shortened
from tfxai.plotting.measure import cut
from tfxai.plotting.rows import Row, draw_hidden, draw_signs

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

MOST = 20
_BAR = 0.2  # inches for each feature
_NAMES = 2.2
_BARS = 4.3
_ABOVE = 0.28  # where a legend is
_BELOW = 0.45


class TableRow(Row):
    """The features of one example, the most important first, at most 20 of them."""

    def __init__(self, one: Attribution, feature_names: Sequence[str] | None) -> None:
        values = np.asarray(one.values, np.float64)[0]
        names = _names(one, len(values), feature_names)
        order = np.argsort(-np.abs(values), kind="stable")[:MOST]
        self.values = values[order]
        self.names = [names[i] for i in order]
        self.hidden = len(values) - len(order)
        self.signed = one.is_signed
        self.above = _ABOVE if self.signed or self.hidden else 0.0
        self.fit(np.inf, 1.0)

    def fit(self, room: float, share: float) -> None:
        """Narrows the bars and the names alike."""
        self.names_width = _NAMES * min(1.0, room / (_NAMES + _BARS))
        self.bars_width = _BARS * min(1.0, room / (_NAMES + _BARS))
        self.height = self.above + _BAR * len(self.values) + _BELOW
        self.width = self.names_width + self.bars_width

    def draw(self, page: Page, left: float, top: float) -> None:
        """Draws the bars with the features' names on their left."""
        bars = left + self.names_width
        axes = page.axes(bars, top + self.above, self.bars_width, _BAR * len(self.values))
        places = np.arange(len(self.values))
        axes.barh(places, self.values, height=0.68, color=self._colours())
        axes.axvline(0, color=style.MUTED, linewidth=0.8)
        axes.set_ylim(len(self.values) - 0.5, -0.5)
        axes.set_xlim(*self._limits())
        axes.set_yticks(places, labels=self._fitting_names())
        frame(axes, sides=("bottom",))
        small_ticks(axes)
        axes.tick_params(axis="y", length=0)
        for label in axes.get_yticklabels():
            label.set(**style.font(style.SMALL))
        for place, value in zip(places, self.values, strict=True):
            axes.annotate(
                number(value),
                (value, place),
                xytext=(3 if value >= 0 else -3, 0),
                textcoords="offset points",
                ha="left" if value >= 0 else "right",
                va="center_baseline",
                **style.font(style.SMALL - 0.5, style.MUTED),
            )
        axes.set_xlabel("attribution", labelpad=3, **style.font(style.SMALL, style.MUTED))
        if self.signed:
            draw_signs(page, bars, top)
        draw_hidden(page, left + self.width, top, len(self.values), self.hidden, "features")

    def _fitting_names(self) -> list[str]:
        return [cut(name, self.names_width - 0.08, style.SMALL) for name in self.names]

    def _colours(self) -> list[str]:
        if not self.signed:
            return [style.ACCENT] * len(self.values)
        return [style.SUPPORTS if value >= 0 else style.SPEAKS_AGAINST for value in self.values]

    def _limits(self) -> tuple[float, float]:
        """Room for the number at the end of each bar."""
        low, high = min(self.values.min(), 0.0), max(self.values.max(), 0.0)
        room = 0.17 * _BARS / self.bars_width * ((high - low) or 1.0)
        return (low - room if low < 0 else 0.0), high + room


def _names(one: Attribution, count: int, given: Sequence[str] | None) -> list[str]:
    """Each feature's name, with its value where the features are the inputs."""
    if given is not None and len(given) != count:
        raise InvalidInputError(
            f"feature_names holds {len(given)} names, and there are {count} features. "
            "Pass one name for each."
        )
    is_input = one.at is None and np.asarray(one.inputs).shape[1:] == (count,)
    kind = "feature" if is_input else "position" if one.is_map else "unit"
    names = [f"{kind} {i}" for i in range(count)] if given is None else list(given)
    if not is_input:
        return [shortened(name, 34) for name in names]
    inputs = np.asarray(one.inputs, np.float64)[0]
    return [
        f"{shortened(name, 26)} = {number(value)}"
        for name, value in zip(names, inputs, strict=True)
    ]
