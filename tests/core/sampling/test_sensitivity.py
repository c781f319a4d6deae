"""Estimators of sensitivity analysis on functions whose indices are known."""

import numpy as np
import pytest

from tfxai.core.designs.cells import Cells
from tfxai.core.sampling.sensitivity import HSICMasks, SobolPoints
from tfxai.errors import InvalidInputError


def indices(function, count, samples, seed=0):
    """Total-order indices of a function of (n, M) uniform numbers, and their standard errors.

    The errors are those of independent draws; a quasi-random sequence has smaller ones.
    """
    design = SobolPoints.of(count, samples, seed)
    masks = [design.a]
    for i in range(count):
        mixed = design.a.copy()
        mixed[:, i] = design.b[:, i]
        masks.append(mixed)
    scores = np.stack([function(one) for one in masks])[None]
    effects, variance = design.total_order(scores)
    squares = (scores[0, 1:] - scores[0, 0]) ** 2 / 2
    of_effects = squares.std(axis=1) / np.sqrt(samples) / variance[0]
    fourth = ((scores[0, 0] - scores[0, 0].mean()) ** 2).std() / np.sqrt(samples)
    found = effects[0] / variance[0]
    return found, of_effects + found * fourth / variance[0]


def assert_within_errors(found, expected, errors):
    # a normal number is 5 standard errors off once in 1.7 million
    assert (np.abs(found - expected) <= 5 * errors + 1e-12).all(), (found, expected, errors)
    np.testing.assert_allclose(found, expected, atol=0.02)  # and the errors are small


@pytest.mark.parametrize("seed", range(3))
def test_total_order_of_ishigami(seed):
    a, b = 7.0, 0.1

    def ishigami(u):
        x, y, z = (np.pi * (2 * u - 1)).T
        return np.sin(x) + a * np.sin(y) ** 2 + b * z**4 * np.sin(x)

    first = (1 + b * np.pi**4 / 5) ** 2 / 2
    second = a**2 / 8
    together = 8 * b**2 * np.pi**8 / 225  # of the first and the third
    expected = np.array([first + together, second, together]) / (first + second + together)
    found, errors = indices(ishigami, 3, 2**14, seed)
    assert_within_errors(found, expected, errors)


@pytest.mark.parametrize("seed", range(3))
def test_total_order_of_a_product(seed):
    # g = prod_i (|4 u_i - 2| + a_i) / (1 + a_i), whose factors have mean 1 and variance V_i
    a = np.array([0.0, 1.0, 4.5, 9.0])
    parts = 1 / 3 / (1 + a) ** 2
    whole = np.prod(1 + parts)
    expected = parts * whole / (1 + parts) / (whole - 1)

    def product(u):
        return np.prod((np.abs(4 * u - 2) + a) / (1 + a), axis=1)

    found, errors = indices(product, 4, 2**14, seed)
    assert_within_errors(found, expected, errors)


def test_total_order_of_a_sum_is_the_share_of_each_square():
    weights = np.array([1.0, -2.0, 0.0, 3.0])
    found, errors = indices(lambda u: u @ weights, 4, 2**12)
    assert_within_errors(found, weights**2 / (weights**2).sum(), errors)
    assert found[2] == 0.0


def test_a_sequence_of_too_few_dimensions_is_refused():
    with pytest.raises(InvalidInputError, match="20000 cells are too many for a Sobol sequence"):
        SobolPoints.of(20_000, 2, 0)


def gaussian(scores):
    square = (scores[:, None] - scores) ** 2
    return np.exp(-square / (2 * scores.var()))


def slow_hsic(masks, kernel):
    n = len(masks)
    h = np.eye(n) - 1 / n
    agree = [(z[:, None] == z).astype(float) for z in masks.T]
    return np.array([np.trace(k @ h @ kernel @ h) for k in agree]) / (n - 1) ** 2


def test_dependence_equals_the_definition_with_all_matrices():
    design = HSICMasks.of(5, 40, seed=3)
    scores = np.random.default_rng(1).normal(size=40) + design.masks[:, 2]
    kernel = gaussian(scores)
    expected = slow_hsic(design.masks, kernel)
    np.testing.assert_allclose(design.dependence(kernel), expected, rtol=1e-12)


def test_order_of_masks_changes_nothing_and_order_of_cells_goes_with_the_cells():
    design = HSICMasks.of(6, 50, seed=0)
    scores = design.masks @ np.arange(6.0)
    found = design.dependence(gaussian(scores))
    rows = np.random.default_rng(2).permutation(50)
    again = HSICMasks(design.masks[rows]).dependence(gaussian(scores[rows]))
    np.testing.assert_allclose(again, found, rtol=1e-12)
    turned = HSICMasks(design.masks[:, ::-1]).dependence(gaussian(scores))
    np.testing.assert_allclose(turned, found[::-1], rtol=1e-12)


def test_dependence_of_the_score_that_a_cell_is():
    # the kernel takes two values, 1 and exp(-1 / (2 v)) with v = p (1 - p) the variance of z
    design = HSICMasks.of(1, 60, seed=0)
    z = design.masks[:, 0]
    p, n = z.mean(), len(z)
    other = np.exp(-1 / (2 * p * (1 - p)))
    # H L H = 2 (1 - other) (H z)(H z)', and (H z)'(H z) = n p (1 - p)
    expected = 4 * (1 - other) / 2 * 2 * (n * p * (1 - p)) ** 2 / (n - 1) ** 2
    np.testing.assert_allclose(design.dependence(gaussian(z)), [expected], rtol=1e-12)


def test_a_cell_without_influence_has_the_bias_of_the_estimator():
    # given the scores, E[tr(K H L H)] is tr(H L H) / 2 where the cell is drawn independently
    n, draws = 50, 4000
    scores = np.random.default_rng(5).normal(size=n)
    kernel, h = gaussian(scores), np.eye(n) - 1 / n
    expected = np.trace(h @ kernel @ h) / 2 / (n - 1) ** 2
    found = HSICMasks.of(draws, n, seed=1).dependence(kernel)  # as many independent cells
    error = found.std() / np.sqrt(draws)
    assert abs(found.mean() - expected) < 5 * error  # fails once in 1.7 million seeds
    assert found.mean() < 1.5 / n


def test_cells_part_the_positions_evenly_and_in_order():
    grid = Cells.over((5, 6, 1), (2, 3), is_lenient=False)
    assert grid.number == 6
    np.testing.assert_array_equal(grid.places[0], [0, 0, 1, 1, 2, 2])
    np.testing.assert_array_equal(grid.places[:, 0], [0, 0, 0, 3, 3])


def test_an_axis_has_no_more_cells_than_positions():
    grid = Cells.over((4, 2), 11, is_lenient=False)
    np.testing.assert_array_equal(grid.places, [0, 1, 2, 3])
