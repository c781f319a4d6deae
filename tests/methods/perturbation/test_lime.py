"""LIME against its definition draw by draw, and on models that are linear."""

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.games import game, nonlinear
from tfxai.arithmetic import HOST
from tfxai.core.designs.lime import random_coalitions
from tfxai.errors import InvalidInputError
from tfxai.methods import LIME

CASES = (
    Case(
        method=LIME,
        linear=lambda s: s.w * (s.x - s.b),
        linear_options={"alpha": 0.0, "samples": 400},
        others={
            "tolerance": 10.0,
            "mask": np.arange(30).reshape(6, 5) // 4,
            "samples": 300,
            "kernel_width": 0.5,
            "alpha": 0.1,
            "baseline": 0.5,
            "seed": 1,
        },
        options={"samples": 200},
        photographs={"samples": 32},
    ),
)


RNG = np.random.default_rng(6)


def slow(v, count, samples, width, alpha, seed):
    """Coefficients, intercept and weighted R^2 from every draw, those that come twice too."""
    draws = np.random.default_rng(seed).random((samples, count)) < 0.5
    draws[0] = True
    weights, scores = [], []
    for z in draws:
        norm = np.linalg.norm(z) * np.linalg.norm(np.ones(count))
        cosine = (z @ np.ones(count)) / norm if z.any() else 0.0
        weights.append(np.exp(-((1 - cosine) ** 2) / width**2))
        scores.append(v[tuple(z.tolist())])
    root, scores = np.sqrt(weights), np.array(scores)
    # sum_k w_k (v_k - b - z_k beta)^2 + alpha |beta|^2 as one sum of squares
    design = np.concatenate([np.ones((samples, 1)), draws], axis=1)
    penalty = np.sqrt(alpha) * np.eye(count + 1)[1:]
    left = np.concatenate([root[:, None] * design, penalty])
    right = np.concatenate([root * scores, np.zeros(count)])
    solved = np.linalg.lstsq(left, right, rcond=None)[0]
    mean = np.average(scores, weights=weights)
    rest = np.average((scores - design @ solved) ** 2, weights=weights)
    return solved[1:], solved[0], 1 - rest / np.average((scores - mean) ** 2, weights=weights)


@pytest.mark.parametrize(
    ("count", "samples", "width", "alpha"),
    [(8, 200, 0.25, 1.0), (12, 500, 0.5, 0.1), (10, 50, 0.15, 0.0), (3, 100, 0.25, 7.0)],
)
def test_equals_the_definition_draw_by_draw(count, samples, width, alpha):
    model = nonlinear(count, seed=count)
    x, baseline = RNG.normal(size=(2, count)), RNG.normal(size=count)
    options = {"samples": samples, "kernel_width": width, "alpha": alpha, "seed": 4}
    a = LIME(baseline=baseline, **options)(model, x, target=0)
    for i in range(2):
        v = game(model, x[i], baseline)
        expected, intercept, r_squared = slow(v, count, samples, width, alpha, seed=4)
        np.testing.assert_allclose(a.values[i], expected, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(a.details["intercept"][i], intercept, rtol=1e-8)
        np.testing.assert_allclose(a.details["r_squared"][i], r_squared, rtol=1e-8)


def test_groups_of_any_integers_have_one_coefficient_each():
    model, x = nonlinear(12, seed=3), RNG.normal(size=(2, 12))
    mask = np.array([7, -3, 0, 0, 8, -3, 7, 7, 2**40, -3, 0, 8])
    a = LIME(mask=mask, samples=200)(model, x, target=0)
    for i in range(2):
        expected, _, _ = slow(game(model, x[i], 0.0, mask), 5, 200, 0.25, 1.0, seed=0)
        np.testing.assert_allclose(a.details["features"][i], expected, rtol=1e-8)
        for feature, value in zip((-3, 0, 7, 8, 2**40), expected, strict=True):
            np.testing.assert_allclose(a.values[i][mask == feature], value, rtol=1e-8)


@pytest.mark.slow
def test_linear_model_is_recovered_as_the_penalty_vanishes():
    weights, x = RNG.normal(size=(12, 1)), RNG.normal(size=(2, 12))
    model, expected = builders.linear(weights, 2.0), weights[:, 0] * (x - 0.3)
    gaps = []
    for alpha in (1.0, 1e-2, 1e-4, 0.0):
        a = LIME(alpha=alpha, baseline=0.3, samples=300)(model, x)
        gaps.append(np.abs(a.values - expected).max())
    assert gaps[0] > 50 * gaps[1] > 50 * 50 * gaps[2]
    assert gaps[3] < 1e-12
    np.testing.assert_allclose(a.details["intercept"], a.baseline_score, rtol=1e-10)
    np.testing.assert_allclose(a.details["r_squared"], 1, rtol=1e-12)


def test_score_that_does_not_vary_is_explained_by_nothing():
    model = builders.formula(lambda x: 0.0 * x[:, :1] + 3.0)
    a = LIME()(model, np.ones((2, 2)))
    np.testing.assert_array_equal(a.values, 0)
    np.testing.assert_array_equal(a.details["r_squared"], 1)
    np.testing.assert_allclose(a.details["intercept"], 3)


def test_several_baselines_are_averaged():
    model, x, several = nonlinear(8, seed=2), RNG.normal(size=(2, 8)), RNG.normal(size=(3, 8))
    a = LIME(baseline=tfxai.baselines.Samples(several), samples=40)(model, x)
    each = [LIME(baseline=one, samples=40)(model, x).values for one in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 7}, r"7 samples came for 7 features, whose coefficients 8 or more determine"),
        (
            {"kernel_width": 0.001},
            r"determine the coefficients .* a wider kernel_width than 0.001",
        ),
        ({"kernel_width": 0}, r"kernel_width=0 was expected to be a number above 0"),
        ({"kernel_width": -1.0}, r"kernel_width=-1.0 was expected to be a number above 0"),
        ({"alpha": -1}, r"alpha=-1 was expected to be a number of at least 0"),
        ({"alpha": float("nan")}, r"alpha=nan was expected to be a number of at least 0"),
        ({"mask": np.zeros(7, int)}, r"There is one feature, to which all of the score's"),
        ({"mask": np.zeros(6, int)}, r"mask has shape \(6,\), and an input has \(7,\)"),
        ({"mask": tfxai.Slic()}, r"parts images .* and an input of shape \(7,\) is explained"),
    ],
)
def test_what_cannot_be_answered_is_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        LIME(**options)(nonlinear(7, seed=0), np.ones((1, 7)))


def test_standard_errors_are_those_of_regressions_without_each_copy():
    design = LIME(samples=80, alpha=0.7, kernel_width=0.6, seed=3).design((6,))
    z, times = random_coalitions(6, 80, 3)
    assert times.max() > 1
    weights = times * np.exp(-(((1 - np.sqrt(z.mean(axis=1))) / 0.6) ** 2))
    columns = np.concatenate([np.ones((len(z), 1)), z], axis=1)
    penalty = 0.7 * np.diag([0.0] + [1.0] * 6)  # none on the intercept

    def map_of(kept):
        of = columns[kept] * weights[kept, None]
        return np.linalg.solve(of.T @ columns[kept] + penalty, of.T)

    scores = np.random.default_rng(4).normal(size=(2, len(z)))
    every = np.arange(len(z))
    pull = map_of(every)[1:]  # of each copy in each coefficient
    square = np.zeros((2, 6))
    for i in every:
        kept = every[every != i]
        rest = scores[:, i] - scores[:, kept] @ map_of(kept).T @ columns[i]
        square += np.square(rest[:, None] * pull[:, i]) / times[i]
    found = design.standard_error(scores, HOST)
    np.testing.assert_allclose(found, np.sqrt(square), rtol=1e-7)
