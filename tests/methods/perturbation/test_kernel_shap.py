"""KernelSHAP against Shapley's own sum, and the coalitions that it looks at."""

import itertools
import math

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import EXACT_ON_PHOTOGRAPHS, Case
from tests.methods.games import game, nonlinear, shapley
from tfxai.arithmetic import HOST
from tfxai.core.sampling.coalitions import kernel_coalitions, kernel_draws, shapley_map
from tfxai.errors import InvalidInputError
from tfxai.methods import KernelSHAP
from tfxai.methods.perturbation import kernel_shap

CASES = (
    Case(
        method=KernelSHAP,
        linear=lambda s: s.w * (s.x - s.b),
        others={
            "tolerance": 10.0,
            "mask": np.arange(30).reshape(6, 5) // 4,
            "samples": 300,
            "baseline": 0.5,
            "seed": 1,
        },
        options={"samples": 250},
        photographs={"samples": 32},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
)


RNG = np.random.default_rng(5)


@pytest.mark.parametrize("count", [2, 3, 8, 10])
def test_all_coalitions_give_the_exact_shapley_values(count):
    model = nonlinear(count, seed=count)
    x, baseline = RNG.normal(size=(2, count)), RNG.normal(size=count)
    a = KernelSHAP(baseline=baseline)(model, x, target=0)
    for i in range(2):
        expected = shapley(game(model, x[i], baseline))
        np.testing.assert_allclose(a.values[i], expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(a.details["features"], a.values)


@pytest.mark.slow
def test_all_coalitions_of_twelve_features_give_the_exact_shapley_values():
    model, x = nonlinear(12, seed=1), RNG.normal(size=(1, 12))
    a = KernelSHAP(samples=2**12 - 2)(model, x, target=0)
    np.testing.assert_allclose(a.values[0], shapley(game(model, x[0], 0.0)), rtol=1e-8, atol=1e-10)


def test_groups_of_any_integers_share_their_value_equally():
    model, x = nonlinear(12, seed=3), RNG.normal(size=(2, 12))
    mask = np.array([7, -3, 0, 0, 8, -3, 7, 7, 2**40, -3, 0, 8])
    a = KernelSHAP(mask=mask, baseline=0.5)(model, x, target=0)
    for i in range(2):
        expected = shapley(game(model, x[i], 0.5, mask))  # in the order -3, 0, 7, 8, 2**40
        np.testing.assert_allclose(a.details["features"][i], expected, rtol=1e-8, atol=1e-10)
        for feature, value in zip((-3, 0, 7, 8, 2**40), expected, strict=True):
            share = value / (mask == feature).sum()
            np.testing.assert_allclose(a.values[i][mask == feature], share, rtol=1e-8)


@pytest.mark.parametrize("samples", [24, 25, 60, 700])
def test_linear_model_is_exact_from_the_fewest_samples_on(samples):
    weights, x = RNG.normal(size=(12, 1)), RNG.normal(size=(1, 12))
    a = KernelSHAP(samples=samples, baseline=0.3)(builders.linear(weights, 2.0), x)
    np.testing.assert_allclose(a.values[0], weights[:, 0] * (x[0] - 0.3), rtol=1e-10)


@pytest.mark.parametrize("samples", [24, 100, 1500])
def test_values_of_drawn_coalitions_add_up_exactly(samples):
    model, x = nonlinear(12, seed=4), RNG.normal(size=(3, 12))
    a = KernelSHAP(samples=samples)(model, x, target=0)
    np.testing.assert_allclose(a.values.sum(axis=1), a.score - a.baseline_score, rtol=1e-10)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


@pytest.mark.slow
def test_error_falls_with_samples():
    model, x = nonlinear(12, seed=6), RNG.normal(size=(8, 12))
    exact = KernelSHAP(samples=2**12)(model, x, target=0).values
    errors = [
        np.sqrt(
            np.mean(
                [
                    np.square(KernelSHAP(samples=n, seed=s)(model, x, target=0).values - exact)
                    for s in range(3)
                ]
            )
        )
        for n in (30, 120, 480, 1920)
    ]
    # a Monte Carlo error would halve each time; the size of a value is about 1
    assert all(after < 0.7 * before for before, after in itertools.pairwise(errors))
    assert errors[-1] < 0.05 * np.abs(exact).mean()


@pytest.mark.parametrize(
    ("count", "samples"), [(12, 24), (12, 301), (12, 4000), (50, 1000), (7, 90)]
)
def test_coalitions_are_different_and_come_with_their_complements(count, samples):
    z, weights = kernel_coalitions(count, samples, seed=0)
    rows = {tuple(row): weight for row, weight in zip(z.tolist(), weights, strict=True)}
    assert len(rows) == len(z) <= samples
    for row, weight in rows.items():
        assert rows[tuple(not one for one in row)] == pytest.approx(weight, rel=1e-12)
        assert weight > 0
    sizes = z.sum(axis=1)
    assert (sizes == 1).sum() == (sizes == count - 1).sum() == count
    assert set(sizes) <= set(range(1, count))
    assert len(z) > 0.9 * min(samples, 2**count - 2) - 2


def test_all_coalitions_are_taken_where_the_samples_reach():
    z, weights = kernel_coalitions(6, 2**6 - 2, seed=0)
    assert len(z) == 2**6 - 2
    for row, weight in zip(z, weights, strict=True):
        size = int(row.sum())
        kernel = 5 / (math.comb(6, size) * size * (6 - size))  # Theorem 2
        assert weight == pytest.approx(kernel, rel=1e-12)


def test_sizes_are_enumerated_from_outside_and_the_others_weigh_as_the_kernel_says():
    count, samples = 30, 6000
    z, weights = kernel_coalitions(count, samples, seed=2)
    sizes = z.sum(axis=1)
    mass = {s: (count - 1) / (s * (count - s)) for s in range(1, count)}
    whole = [s for s in mass if (sizes == s).sum() == math.comb(count, s)]
    assert whole == [1, 2, 28, 29]
    for s in whole:
        assert weights[sizes == s].sum() == pytest.approx(mass[s], rel=1e-12)
    drawn = sum(mass[s] for s in mass if s not in whole)
    assert weights.sum() == pytest.approx(sum(mass.values()), rel=1e-12)
    pairs = (samples - 2 * (30 + 435)) / 2
    for s in range(3, count - 2):
        share = mass[s] / drawn
        # a binomial share: 5 standard errors, 24 sizes (pairs are drawn: half the number)
        found = weights[sizes == s].sum() / drawn
        assert abs(found - share) < 5 * math.sqrt(share / pairs)
    assert all((z[sizes == 9].mean(axis=0) > 0.15) & (z[sizes == 9].mean(axis=0) < 0.45))


def test_pair_that_is_drawn_again_counts_again():
    # 12 of the 20 coalitions of three of six features beside the 12 of one and five
    z, weights = kernel_coalitions(6, 40, seed=1)
    drawn = weights[(z.sum(axis=1) > 1) & (z.sum(axis=1) < 5)]
    unit = drawn.min()
    np.testing.assert_allclose(drawn / unit, np.round(drawn / unit))
    assert drawn.max() > 1.5 * unit


def test_seed_draws_other_coalitions_and_the_same_seed_the_same():
    first, again, other = (kernel_coalitions(20, 300, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or (first != other).any()


@pytest.mark.parametrize("samples", [16, 60, 254])
def test_map_solves_the_regression_with_its_constraint(samples):
    z, weights = kernel_coalitions(8, samples, seed=3)
    scores = RNG.normal(size=len(z) + 2)
    empty, full = scores[-2:]
    # Lagrange: 2 Z'W Z phi + lambda 1 = 2 Z'W (v - v0), 1 phi = v1 - v0
    system = np.ones((9, 9))
    system[:8, :8] = 2 * z.T @ np.diag(weights) @ z
    system[8, 8] = 0
    right = [*(2 * z.T @ np.diag(weights) @ (scores[:-2] - empty)), full - empty]
    expected = np.linalg.solve(system, right)[:8]
    np.testing.assert_allclose(scores @ shapley_map(z, weights), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("seed", [0, 1])
def test_standard_errors_are_those_of_regressions_without_each_pair(seed):
    design = KernelSHAP(samples=60, seed=seed).design((8,))
    z, weights, times = kernel_draws(8, 60, seed)
    pairs, total, start = len(times), times.sum(), len(z) - 2 * len(times)
    assert pairs > 10
    assert times.max() > 1
    scores = RNG.normal(size=(2, len(z) + 2))
    draws = []
    for p in range(pairs):
        pair = [start + p, start + pairs + p]
        kept = np.delete(np.arange(len(z)), pair)
        without = scores[:, [*kept, -2, -1]] @ shapley_map(z[kept], weights[kept])
        rest = scores[:, pair] - scores[:, -2:-1] - without @ z[pair].T
        draws.append(rest @ (design.solve[pair] / weights[pair, None]))
    share = times / total
    mean = np.einsum("p,pbm->bm", share, draws)
    variance = np.einsum("p,pbm->bm", share, (draws - mean) ** 2) / (total - 1)
    expected = weights[start:].sum() / 2 * np.sqrt(variance)
    found = design.standard_error(scores, scores @ design.solve, HOST)
    np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_values_of_every_output_come_with_those_of_the_target():
    model, x = nonlinear(9, seed=7, outputs=3), RNG.normal(size=(3, 9))
    method = KernelSHAP(samples=100)
    a = method(model, x, target=[2, 0, 1])
    assert a.details["outputs"].shape == (3, 9, 3)
    for target in range(3):
        alone = method(model, x, target=target)
        np.testing.assert_allclose(a.details["outputs"][..., target], alone.values, rtol=1e-9)
        np.testing.assert_allclose(a.details["outputs"], alone.details["outputs"], rtol=1e-9)
    for i, target in enumerate([2, 0, 1]):
        np.testing.assert_allclose(a.values[i], a.details["outputs"][i, :, target], rtol=1e-9)


def test_values_of_outputs_are_left_out_where_they_are_too_many_or_none(monkeypatch):
    model, x = builders.linear(RNG.normal(size=(4, 3)), 0.1, "tanh"), RNG.normal(size=(3, 4))
    a = KernelSHAP()(model, x, score=tfxai.Neuron("dense", 2))
    assert "outputs" not in a.details
    b = KernelSHAP()(model, x, target=2)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-9)
    monkeypatch.setattr(kernel_shap, "_MOST_OUTPUTS", 11)
    c = KernelSHAP(samples=15)(model, x, target=2)
    assert "outputs" not in c.details
    np.testing.assert_allclose(c.values, b.values, rtol=1e-9)


def test_several_baselines_are_averaged():
    model, x, several = nonlinear(8, seed=2), RNG.normal(size=(2, 8)), RNG.normal(size=(3, 8))
    a = KernelSHAP(baseline=tfxai.baselines.Samples(several), samples=40)(model, x)
    each = [KernelSHAP(baseline=one, samples=40)(model, x).values for one in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)


def test_several_inputs_are_explained_element_by_element():
    a, b = (
        keras.Input((3,), name="a", dtype="float64"),
        keras.Input((2,), name="b", dtype="float64"),
    )
    model = keras.Model({"a": a, "b": b}, a[:, :1] * b[:, :1] + 5.0 * b[:, 1:])
    given = {"a": np.full((2, 3), 2.0), "b": np.full((2, 2), 3.0)}
    found = KernelSHAP()(model, given)
    np.testing.assert_allclose(found.values["a"], [[3, 0, 0]] * 2, atol=1e-12)
    np.testing.assert_allclose(found.values["b"], [[3, 15]] * 2, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 13}, r"13 samples are too few for 7 features, whose values 14 coalitions"),
        ({"samples": 0}, r"samples=0 was expected to be an integer of at least 1"),
        ({"mask": np.zeros(7, int)}, r"There is one feature, to which all of the score's"),
        ({"mask": np.zeros(6, int)}, r"mask has shape \(6,\), and an input has \(7,\)"),
        ({"mask": np.full(7, 0.5)}, r"mask of shape \(7,\) was expected to hold integers"),
        ({"mask": "superpixels"}, r"mask='superpixels' was expected to be finite numbers"),
        ({"mask": tfxai.Slic()}, r"parts images .* and an input of shape \(7,\) is explained"),
        ({"seed": -1}, r"seed=-1 was expected"),
    ],
)
def test_what_cannot_be_answered_is_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        KernelSHAP(**options)(nonlinear(7, seed=0), np.ones((1, 7)))


def test_two_and_three_features_need_no_more_than_all_their_coalitions():
    for count, samples in ((2, 2), (3, 6)):
        model, x = nonlinear(count, seed=0), RNG.normal(size=(1, count))
        a = KernelSHAP(samples=samples)(model, x)
        np.testing.assert_allclose(a.values[0], shapley(game(model, x[0], 0.0)), rtol=1e-9)
        with pytest.raises(InvalidInputError, match=f"whose values {samples} coalitions"):
            KernelSHAP(samples=samples - 1)(model, x)
