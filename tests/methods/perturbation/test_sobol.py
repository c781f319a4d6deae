"""Sobol: run by run in loops, and indices known by hand."""

import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.core.sampling.sensitivity import SobolPoints
from tfxai.errors import InvalidInputError
from tfxai.methods import Sobol


def on_linear(s):
    """Jansen's estimate from its points, where a cell is a position."""
    sides = s.effects.shape[1:]
    design = SobolPoints.of(int(np.prod(sides)), 4, 0)
    a, b = (one if s.blends else one >= 0.5 for one in (design.a, design.b))
    variance = s.scores(a.reshape(-1, *sides)).var(axis=1, ddof=1)
    moved = np.square(a * 1.0 - b).sum(axis=0).reshape(sides)  # over the points
    return s.effects**2 * moved / (2 * len(a)) / variance.reshape(-1, *[1] * len(sides))


CASES = (
    Case(
        method=Sobol,
        linear=on_linear,
        blends=True,
        others={"cells": 3, "samples": 8, "baseline": 0.5, "seed": 1},
        options={"samples": 4},
        photographs={"samples": 2, "cells": 4},
    ),
)


X = np.random.default_rng(12).normal(size=(3, 5, 6, 2))


def test_equals_the_definition_run_by_run():
    network, samples = SlowNetwork(11), 8
    baseline = np.random.default_rng(1).normal(size=(5, 6, 2))
    method = Sobol(samples=samples, cells=(2, 3), baseline=baseline, seed=3)
    a = method(network.keras_model(), X, target=2)
    design = SobolPoints.of(6, samples, 3)

    def score(x, mask):
        shown = np.zeros((5, 6, 1))
        for i, j in np.ndindex(5, 6):
            shown[i, j] = mask[3 * (i * 2 // 5) + j * 3 // 6]
        return network.forward(shown * x + (1 - shown) * baseline)[2][2]

    for x, found, variance in zip(X, a.values, a.details["variance"], strict=True):
        of_a = np.array([score(x, mask) for mask in design.a])
        np.testing.assert_allclose(variance, of_a.var(ddof=1), rtol=1e-9)
        for i, j in np.ndindex(5, 6):
            cell = 3 * (i * 2 // 5) + j * 3 // 6
            total = 0.0
            for n in range(samples):
                mixed = design.a[n].copy()
                mixed[cell] = design.b[n, cell]
                total += (of_a[n] - score(x, mixed)) ** 2
            expected = total / (2 * samples) / of_a.var(ddof=1)
            np.testing.assert_allclose(found[i, j], expected, rtol=1e-9)


def test_a_linear_model_has_the_shares_of_squares():
    # standard errors of independent draws are below 0.03; quasi-random ones, far below
    model = builders.linear([[1.0], [-2.0], [0.0]])
    a = Sobol(samples=4096)(model, np.array([[1.0, 1.0, 5.0], [2.0, 2.0, 1.0]]))
    np.testing.assert_allclose(a.values, [[0.2, 0.8, 0.0]] * 2, atol=0.02)
    np.testing.assert_allclose(a.details["variance"], [5 / 12, 20 / 12], rtol=0.02)
    np.testing.assert_array_equal(a.values[:, 2], [0.0, 0.0])


def test_a_product_has_interactions():
    # f = u v, uniform: V = 7 / 144, and E[Var(f | v)] = 1 / 36 of each factor
    a = Sobol(samples=4096)(builders.product(), np.ones((1, 2)))
    np.testing.assert_allclose(a.values, [[4 / 7, 4 / 7]], atol=0.02)


def test_scale_and_offset_of_the_score_change_nothing():
    x, w = np.array([[1.0, 2.0, -1.0]]), np.array([[1.0], [-2.0], [0.5]])
    a = Sobol(samples=16)(builders.linear(w), x)
    b = Sobol(samples=16)(builders.linear(-3 * w, bias=5.0), x)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10)


def test_scores_of_several_baselines_are_averaged():
    # the mean score of a linear model is the score beside the mean baseline
    model, x = builders.linear([[1.0], [3.0]]), np.array([[1.0, 2.0]])
    several = np.array([[0.0, 4.0], [0.5, -1.0], [2.0, 0.0]])
    a = Sobol(samples=16, baseline=tfxai.baselines.Samples(several))(model, x)
    b = Sobol(samples=16, baseline=several.mean(axis=0))(model, x)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 1}, "samples=1 was expected to be an integer of at least 2"),
        ({"samples": 48}, "samples=48 was expected to be a power of two"),
        ({"cells": 0}, "cells=0 was expected to be an integer of at least 1"),
        ({"cells": []}, r"cells=\[\] was expected"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        Sobol(**options)


def test_cells_for_another_number_of_axes_are_refused():
    with pytest.raises(
        InvalidInputError, match=r"cells=\(2,\) has 1 numbers, and the input has 2"
    ):
        Sobol(cells=(2,))(builders.functional(), builders.images())
