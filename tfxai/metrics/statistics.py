"""How certain a mean and a difference are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from tfxai.arrays import Array

_RESAMPLES = 2000
_FLIPS = 9999


@dataclasses.dataclass(frozen=True)
class Difference:
    """By how much one method is better than another, example by example.

    Args:
        mean: Mean difference in units of the metric, above 0 where the first is the better one.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
        p: Chance of a mean at least as far from 0 where signs of differences are a coin's, in
            (0, 1].
        count: Examples of which both have a value.
        adjusted: The same chance after Holm's correction over methods; `p` without one.
    """

    mean: float
    low: float
    high: float
    p: float
    count: int
    adjusted: float

    @property
    def is_better(self) -> bool:
        """Whether the first is better, at 5 % after the correction."""
        return self.mean > 0 and self.adjusted <= 0.05

    @property
    def is_worse(self) -> bool:
        """Whether the first is worse, at 5 % after the correction."""
        return self.mean < 0 and self.adjusted <= 0.05


def interval(values: Array, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Bootstrap interval of the mean by percentiles; NaN for fewer than two values.

    Args:
        values: (n,) finite.
        confidence: Chance in (0, 1) that such an interval holds the mean.
        seed: Seed of the resampling.
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    found = stats.bootstrap(
        (values,),
        np.mean,
        confidence_level=confidence,
        method="percentile",
        n_resamples=_RESAMPLES,
        vectorized=True,
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def paired(a: Array, b: Array, *, higher_is_better: bool, seed: int = 0) -> Difference:
    """By how much a is better than b, on the examples of which both have a value.

    The chance is that of a permutation test by signs: exact for few examples, drawn for many.

    Args:
        a: (n,) values of one method.
        b: (n,) values of the other for the same examples.
        higher_is_better: Whether larger values are better.
        seed: Seed of the resampling.
    """
    gains = np.asarray(a - b if higher_is_better else b - a, np.float64)
    gains = gains[np.isfinite(gains)]
    if not len(gains):
        nothing = float("nan")
        return Difference(nothing, nothing, nothing, 1.0, 0, 1.0)
    p = 1.0
    if np.any(gains) and len(gains) > 1:
        p = float(
            stats.permutation_test(
                (gains,),
                lambda x, axis: np.mean(x, axis=axis),
                permutation_type="samples",
                n_resamples=_FLIPS,
                vectorized=True,
                random_state=np.random.default_rng(seed),
            ).pvalue
        )
    low, high = interval(gains, seed=seed)
    return Difference(float(gains.mean()), low, high, p, len(gains), p)


def holm(chances: Sequence[float]) -> list[float]:
    """Chances corrected for how many they are, in the same order.

    Reference:
        Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of
        Statistics 6(2), 1979.
    """
    order: Any = np.argsort(chances, kind="stable")
    adjusted, worst = [1.0] * len(chances), 0.0
    for i, place in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - i) * chances[place]))
        adjusted[place] = worst
    return adjusted


def corrected(differences: Sequence[Difference]) -> list[Difference]:
    """The same differences with chances corrected for how many they are, after Holm."""
    adjusted = holm([one.p for one in differences])
    pairs = zip(differences, adjusted, strict=True)
    return [dataclasses.replace(one, adjusted=p) for one, p in pairs]
