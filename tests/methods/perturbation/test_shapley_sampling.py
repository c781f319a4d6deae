"""Shapley sampling order by order in loops, and against Shapley's own sum."""

import itertools

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import EXACT_ON_PHOTOGRAPHS, Case
from tests.methods.games import game, nonlinear, shapley
from tfxai.core.sampling.coalitions import orders_of
from tfxai.errors import InvalidInputError
from tfxai.methods import ShapleySampling

CASES = (
    Case(
        method=ShapleySampling,
        linear=lambda s: s.w * (s.x - s.b),
        others={
            "tolerance": 10.0,
            "mask": np.arange(30).reshape(6, 5) // 4,
            "samples": 8,
            "baseline": 0.5,
            "seed": 1,
        },
        options={"samples": 4},
        beside={"tolerance": {"samples": 40}},
        photographs={"samples": 4},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
)


RNG = np.random.default_rng(8)


def joined(v, orders):
    """What each feature adds as it joins, order by order, (S, M)."""
    added = np.zeros(orders.shape)
    for number, order in enumerate(orders):
        coalition = [False] * len(order)
        for feature in order:
            before = v[tuple(coalition)]
            coalition[feature] = True
            added[number, feature] = v[tuple(coalition)] - before
    return added


def error_of(added):
    """The standard error of the mean over independent pairs of rows."""
    pairs = (added[::2] + added[1::2]) / 2
    return pairs.std(axis=0, ddof=1) / np.sqrt(len(pairs))


@pytest.mark.parametrize(("count", "samples"), [(8, 12), (10, 4), (12, 30)])
def test_equals_the_loop_over_orders(count, samples):
    model = nonlinear(count, seed=count)
    x, baseline = RNG.normal(size=(2, count)), RNG.normal(size=count)
    a = ShapleySampling(samples=samples, baseline=baseline, seed=3)(model, x, target=0)
    orders, _ = orders_of(count, samples, 3)
    for i in range(2):
        added = joined(game(model, x[i], baseline), orders)
        np.testing.assert_allclose(a.values[i], added.mean(axis=0), rtol=1e-9, atol=1e-11)
        found = a.details["standard_error"][i]
        np.testing.assert_allclose(found, error_of(added), rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_all_orders_of_few_features_are_exact(count):
    model, x = nonlinear(count, seed=count), RNG.normal(size=(2, count))
    a = ShapleySampling()(model, x, target=0)
    for i in range(2):
        np.testing.assert_allclose(a.values[i], shapley(game(model, x[i], 0.0)), rtol=1e-10)
    np.testing.assert_array_equal(a.details["standard_error"], 0)
    orders, is_all = orders_of(count, 24, 0)
    assert is_all
    assert sorted(map(tuple, orders)) == sorted(itertools.permutations(range(count)))


@pytest.mark.parametrize("count", [8, 12])
def test_values_lie_within_four_standard_errors_of_the_exact_ones(count):
    model, x = nonlinear(count, seed=count), RNG.normal(size=(1, count))
    a = ShapleySampling(samples=200)(model, x, target=0)
    exact = shapley(game(model, x[0], 0.0))
    error = a.details["standard_error"][0]
    # of 100 pairs: one of 12 values beyond 4 standard errors once in 700 seeds
    assert (np.abs(a.values[0] - exact) <= 4 * error).all()
    assert (error > 0).all()
    assert error.max() < 0.2 * np.abs(exact).max()


def test_standard_error_is_the_spread_of_the_values_over_seeds():
    model, x = nonlinear(6, seed=1), RNG.normal(size=6)
    v = game(model, x, 0.0)
    exact = shapley(v)
    runs = [joined(v, orders_of(6, 40, seed)[0]) for seed in range(300)]
    off = np.array([added.mean(axis=0) - exact for added in runs])
    told = np.sqrt(np.mean([error_of(added) ** 2 for added in runs], axis=0))
    # of 300 seeds a standard deviation is known to 4 %
    np.testing.assert_allclose(np.sqrt(np.mean(off**2, axis=0)), told, rtol=0.2)


def test_every_order_comes_with_its_reverse_and_fits_the_seed():
    orders, is_all = orders_of(9, 10, 4)
    assert not is_all
    assert (np.sort(orders, axis=1) == np.arange(9)).all()
    np.testing.assert_array_equal(orders[1::2], orders[::2, ::-1])
    np.testing.assert_array_equal(orders, orders_of(9, 10, 4)[0])
    assert (orders != orders_of(9, 10, 5)[0]).any()


def test_each_order_adds_up_so_the_values_do():
    model, x = nonlinear(12, seed=4), RNG.normal(size=(3, 12))
    mask = np.array([7, -3, 0, 0, 8, -3, 7, 7, 2**40, -3, 0, 8])
    for options in ({}, {"mask": mask}):
        a = ShapleySampling(samples=4, baseline=0.5, **options)(model, x, target=0)
        np.testing.assert_allclose(a.values.sum(axis=1), a.score - a.baseline_score, rtol=1e-10)
        np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


def test_groups_of_any_integers_share_value_and_error_equally():
    model, x = nonlinear(10, seed=3), RNG.normal(size=(2, 10))
    mask = np.array([7, -3, 0, 0, 8, 9, 7, 7, 2**40, -3])
    a = ShapleySampling(mask=mask, samples=6, seed=2)(model, x, target=0)
    names = (-3, 0, 7, 8, 9, 2**40)
    for i in range(2):
        added = joined(game(model, x[i], 0.0, mask), orders_of(6, 6, 2)[0])
        np.testing.assert_allclose(a.details["features"][i], added.mean(axis=0), rtol=1e-9)
        for number, name in enumerate(names):
            size = (mask == name).sum()
            for found, whole in (
                (a.values[i], added.mean(axis=0)),
                (a.details["standard_error"][i], error_of(added)),
            ):
                np.testing.assert_allclose(found[mask == name], whole[number] / size, rtol=1e-8)


def test_linear_model_is_exact_and_sure_of_it():
    weights, x = RNG.normal(size=(12, 1)), RNG.normal(size=(1, 12))
    a = ShapleySampling(samples=4, baseline=0.3)(builders.linear(weights, 2.0), x)
    np.testing.assert_allclose(a.values[0], weights[:, 0] * (x[0] - 0.3), rtol=1e-10)
    np.testing.assert_allclose(a.details["standard_error"], 0, atol=1e-14)


def test_several_baselines_are_averaged():
    model, x, several = nonlinear(8, seed=2), RNG.normal(size=(2, 8)), RNG.normal(size=(3, 8))
    a = ShapleySampling(baseline=tfxai.baselines.Samples(several), samples=6)(model, x)
    each = [ShapleySampling(baseline=one, samples=6)(model, x).values for one in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 5}, r"samples=5 was expected to be even and at least 4"),
        ({"samples": 2}, r"samples=2 was expected to be an integer of at least 4"),
        ({"samples": True}, r"samples=True was expected to be an integer"),
        ({"mask": np.zeros(7, int)}, r"There is one feature, to which all of the score's"),
        ({"mask": np.zeros(6, int)}, r"mask has shape \(6,\), and an input has \(7,\)"),
        ({"mask": tfxai.Slic()}, r"parts images .* and an input of shape \(7,\) is explained"),
    ],
)
def test_what_cannot_be_answered_is_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        ShapleySampling(**options)(nonlinear(7, seed=0), np.ones((1, 7)))
