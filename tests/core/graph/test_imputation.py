"""Linear imputation against a dense solve of its equations, and what it gives by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from tfxai.core.graph.imputation import imputed

RNG = np.random.default_rng(3)


def filled(x, hidden):
    return imputed(tf.constant(x), tf.constant(hidden)).numpy()


def slow(x, hidden):
    """One image, one equation for each hidden element, solved at once."""
    places = np.argwhere(hidden)
    number = {tuple(place): i for i, place in enumerate(places)}
    matrix, right = np.zeros((len(places), len(places))), np.zeros((len(places), x.shape[-1]))
    steps = [step for step in itertools.product((-1, 0, 1), repeat=hidden.ndim) if any(step)]
    for i, place in enumerate(places):
        near = [(tuple(place + step), 0.5 ** np.abs(step).sum()) for step in np.array(steps)]
        inside = (place + steps >= 0).all(axis=1) & (place + steps < hidden.shape).all(axis=1)
        near = [one for one, is_there in zip(near, inside, strict=True) if is_there]
        total = sum(w for _, w in near)
        matrix[i, i] = 1
        for other, weight in near:
            if other in number:
                matrix[i, number[other]] -= weight / total
            else:
                right[i] += weight / total * x[other]
    result = x.copy()
    result[hidden] = np.linalg.solve(matrix, right)
    return result


@pytest.mark.parametrize("shape", [(12, 9, 3), (30, 2), (5, 6, 4, 1)], ids=str)
def test_hidden_elements_are_those_of_a_dense_solve(shape):
    x = RNG.normal(size=(3, *shape)) + 100
    share = np.array([0.1, 0.5, 0.95]).reshape(3, *[1] * (len(shape) - 1))
    hidden = RNG.random((3, *shape[:-1])) < share
    found = filled(x, hidden)
    for one, where, result in zip(x, hidden, found, strict=True):
        np.testing.assert_allclose(result, slow(one, where), rtol=0, atol=1e-8)
        np.testing.assert_array_equal(result[~where], one[~where])


def test_a_hidden_pixel_is_a_sixth_of_its_sides_and_a_twelfth_of_its_corners():
    x = RNG.random((1, 3, 3, 1))
    hidden = np.zeros((1, 3, 3), bool)
    hidden[0, 1, 1] = True
    sides = x[0, [0, 1, 1, 2], [1, 0, 2, 1], 0].sum()
    corners = x[0, [0, 0, 2, 2], [0, 2, 0, 2], 0].sum()
    np.testing.assert_allclose(filled(x, hidden)[0, 1, 1, 0], sides / 6 + corners / 12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_constants_and_ramps_come_back(dtype):
    tolerance = 2e-4 if dtype == "float32" else 1e-8
    rows, columns = np.mgrid[:40, :50].astype(dtype)
    constant = np.full((1, 40, 50, 1), 7.25, dtype)
    hidden = RNG.random((1, 40, 50)) < 0.9
    np.testing.assert_array_equal(filled(constant, hidden), constant)
    np.testing.assert_allclose(filled(constant / 70, hidden), constant / 70, rtol=1e-6)
    ramp = (0.02 * rows - 0.01 * columns)[None, ..., None] + np.zeros(2, dtype)
    hidden[:, [0, -1]] = hidden[:, :, [0, -1]] = False  # at the border one side is missing
    hidden[:, 8:30, 9:40] = True
    np.testing.assert_allclose(filled(ramp, hidden), ramp, rtol=0, atol=tolerance)


def test_small_ranges_far_from_zero_keep_their_digits():
    x = (1000 + 0.01 * RNG.random((1, 12, 9, 3))).astype("float32")
    hidden = RNG.random((1, 12, 9)) < 0.5
    expected = slow(x[0].astype(float), hidden[0])
    np.testing.assert_allclose(filled(x, hidden)[0], expected, rtol=0, atol=5e-4)  # of 32 bits


def test_where_all_is_hidden_it_is_the_mean_of_the_channel():
    x = RNG.normal(size=(1, 6, 7, 2))
    found = filled(x, np.ones((1, 6, 7), bool))
    np.testing.assert_allclose(found, np.broadcast_to(x.mean(axis=(1, 2)), found.shape))
    nothing = filled(x, np.zeros((1, 6, 7), bool))
    np.testing.assert_array_equal(nothing, x)


def test_batch_mates_do_not_matter():
    x = RNG.normal(size=(3, 10, 10, 1)).astype("float32")
    hidden = RNG.random((3, 10, 10)) < np.array([0.1, 0.5, 0.98])[:, None, None]
    together = filled(x, hidden)
    for i in range(3):
        alone = filled(x[i : i + 1], hidden[i : i + 1])
        np.testing.assert_allclose(together[i], alone[0], rtol=0, atol=1e-5)


def test_pictures_of_many_sizes_draw_no_warning_of_tensorflow(caplog):
    for side in range(5, 15):
        filled(np.zeros((1, side, 5, 1), np.float32), np.ones((1, side, 5), bool))
    assert caplog.text == ""
