"""Deletion: how the score falls while the most relevant parts are hidden."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.core.options import option
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.fills import FILL, hiding
from tfxai.metrics.perturbed import Curve, PerExample
from tfxai.metrics.relevance import BY, features, ranks, relevance, steps_of
from tfxai.metrics.token_curves import token_curve


@dataclasses.dataclass(frozen=True, kw_only=True)
class CurveMetric(Metric):
    """What metrics of a curve have in common.

    Args:
        steps: Number of steps in which all is hidden, at least 1.
        fill: What shows where something is hidden, as a method's `baseline`, or
            `"road"`: made of what shows, `LinearImputation`. None is zeros.
        by: What is hidden at once: `"pixels"`, squares of a width, or `Slic(segments)`.
        least_first: Whether the least relevant parts go first.
        normalise: Whether the curve is scaled so that the input has 1 and the fill 0.
    """

    takes_texts: ClassVar[bool] = True
    steps: int = option(20, at_least=1)
    fill: Any = option(None, kind=FILL)
    by: Any = option("pixels", kind=BY)
    least_first: bool = option(False)
    normalise: bool = option(False)

    def _is_higher_better(self) -> bool | None:
        better = self.higher_is_better
        return better if better is None else better != self.least_first

    def _curve(self, asked: Asked, *, inserts: bool = False, least_first: bool = False) -> Array:
        """(B, steps + 1): the scores, from all shown to all hidden, or the other way round."""
        curve = perturbation_curve(
            asked,
            steps=self.steps,
            fill=self.fill,
            by=self.by,
            inserts=inserts,
            least_first=least_first,
        )
        if self.normalise:
            ends = curve[:, [-1, 0]] if inserts else curve[:, [0, -1]]
            whole = ends[:, :1] - ends[:, 1:]
            with np.errstate(divide="ignore", invalid="ignore"):
                curve = np.where(whole != 0, (curve - ends[:, 1:]) / whole, np.nan)
        return curve


def perturbation_curve(
    asked: Asked,
    *,
    steps: int,
    fill: Any,
    by: Any,
    inserts: bool = False,
    least_first: bool = False,
) -> Array:
    """(B, steps + 1): the scores while parts are hidden, or shown, one after the other."""
    one = asked.attribution
    if one.text is not None:
        order = {"inserts": inserts, "least_first": least_first}
        return token_curve(asked, steps=steps, fill=fill, by=by, **order)
    rank, counts = ranks(relevance(one), features(one, by), least_first=least_first)
    turn = PerExample(steps_of(rank, counts, steps))
    found = asked.scores(Curve(turn=turn, steps=steps, inserts=inserts, **hiding(fill)))
    return np.asarray(found.values, np.float64)


def area(curve: Array) -> Array:
    """(B,): the mean height of a curve by trapezoids, (B, K + 1) on equal steps."""
    return np.asarray((curve[:, 1:] + curve[:, :-1]).mean(axis=1) / 2)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Deletion(CurveMetric):
    """The area below the score while the most relevant parts are hidden first. Low is good.

    Args:
        steps: Number of steps in which all is hidden, at least 1.
        fill: What shows where something is hidden, as a method's `baseline`, or
            `"road"`: made of what shows, `LinearImputation`. None is zeros. It
            decides more than the method does: compare several.
        by: What is hidden at once: `"pixels"`, squares of a width, or `Slic(segments)`.
        least_first: Whether the least relevant parts go first; then high is good.
        normalise: Whether the curve is scaled so that the input has 1 and the fill 0.

    Returns:
        `Measurement` in units of the score, with `curve`, (B, steps + 1), in its details.

    Reference:
        Petsiuk, Das, Saenko, "RISE", BMVC 2018, section 4.1. arXiv:1806.07421. Departure: any
        fill, and parts larger than a pixel.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> x = np.array([[1.0, 1.0]], "float32")
        >>> Deletion(steps=2)(model, x, tfxai.GradientInput()).values
        array([0.25])
    """

    name: ClassVar[str] = "deletion"
    higher_is_better: ClassVar[bool | None] = False

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        curve = self._curve(asked, least_first=self.least_first)
        return area(curve), {"curve": curve}
