"""Differences, their intervals and Holm's correction."""

from __future__ import annotations

import numpy as np
import pytest

from tfxai.errors import InvalidInputError
from tfxai.metrics import Difference, Measurement
from tfxai.metrics.statistics import corrected, holm, paired

RNG = np.random.default_rng(6)


def of(values, better=True, name="m"):
    return Measurement(np.asarray(values, float), {"name": name}, {"name": "n"}, better)


def test_a_pair_is_compared_example_by_example():
    base = RNG.normal(0, 100, 40)  # examples differ far more than methods do
    better = of(base + 1 + RNG.normal(0, 0.5, 40)).better_than(of(base))
    assert better.is_better
    assert 0.7 < better.low < 1 < better.high < 1.3
    worse = of(base - 1, better=True).better_than(of(base))
    assert worse.is_worse
    assert worse.mean == pytest.approx(-1)
    assert of(base - 1, better=False).better_than(of(base, better=False)).is_better


def test_the_chance_is_that_of_all_signs():
    gains = np.array([3.0, 1.0, 2.0, -0.5, 1.5])
    signs = np.array(np.meshgrid(*[[-1, 1]] * 5)).reshape(5, -1).T
    means = (signs * gains).mean(axis=1)
    expected = (np.abs(means) >= gains.mean() - 1e-12).mean()
    found = paired(gains, np.zeros(5), higher_is_better=True)
    assert found.p == pytest.approx(expected)


def test_examples_without_a_value_on_either_side_do_not_count():
    a, b = np.array([1.0, np.nan, 3.0, 4.0]), np.array([0.0, 0.0, np.nan, 3.0])
    found = paired(a, b, higher_is_better=True)
    assert (found.mean, found.count) == (1.0, 2)
    nothing = paired(np.full(3, np.nan), b[:3], higher_is_better=True)
    assert (nothing.count, nothing.p) == (0, 1.0)
    equal = paired(b[:2], b[:2], higher_is_better=True)
    assert (equal.mean, equal.p, equal.is_better) == (0.0, 1.0, False)


def test_holm_by_hand():
    ps = [0.01, 0.04, 0.03, 0.005]
    found = corrected([Difference(1.0, 0.5, 1.5, p, 9, p) for p in ps])
    np.testing.assert_allclose([one.adjusted for one in found], [0.03, 0.06, 0.06, 0.02])
    assert [one.is_better for one in found] == [True, False, False, True]
    assert holm([]) == []


def test_random_pairs_have_few_false_winners():
    winners = 0
    for seed in range(200):
        a, b = np.random.default_rng(seed).normal(size=(2, 25))
        winners += paired(a, b, higher_is_better=True, seed=seed).is_better
    assert winners <= 10  # 5 expected; more than 10 in 1 of 100 choices of seeds


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(InvalidInputError, match="same metric"):
        of([1, 2]).better_than(of([1, 2], name="other"))
    with pytest.raises(InvalidInputError, match="as many examples"):
        of([1, 2]).better_than(of([1, 2, 3]))
    with pytest.raises(InvalidInputError, match="none is better"):
        of([1, 2], better=None).better_than(of([1, 2], better=None))
