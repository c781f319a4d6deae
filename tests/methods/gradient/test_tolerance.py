"""Integrated Gradients refined until the gap is small: nested nodes, each example on its own."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai.errors import InvalidInputError
from tfxai.methods import IntegratedGradients

X = np.array([[2.0], [0.5]])


def kink():
    """f(x) = ReLU(x - 1/2): from 0 to x its gradient is 1 on the last part of the path."""
    import keras

    return builders.formula(lambda x: keras.ops.relu(x - 0.5), size=1)


def test_refined_values_are_those_of_the_trapezoid_with_as_many_steps():
    model, x = builders.functional(dtype="float64"), 3 * builders.images().astype(np.float64)
    a = IntegratedGradients(tolerance=0.03)(model, x, target=0)
    assert len(set(a.details["steps"])) > 1  # or one number of steps would do for all
    for i, steps in enumerate(a.details["steps"]):
        fixed = IntegratedGradients(rule="riemann_trapezoid", steps=int(steps))
        b = fixed(model, x[i : i + 1], target=0)
        np.testing.assert_allclose(a.values[i], b.values[0], rtol=1e-9, atol=1e-12)


def test_steps_are_doubled_until_the_gap_is_small_enough_and_no_further():
    # x^3 from 0 to 2 with n intervals: the trapezoid is off by 8 / (2 n^2)
    cube = builders.formula(lambda x: x**3, size=1)
    for tolerance, intervals in ((0.1, 8), (1 / 128, 8), (1 / 129, 16), (1e-3, 32), (1e-5, 256)):
        a = IntegratedGradients(tolerance=tolerance)(cube, [[2.0]])
        np.testing.assert_array_equal(a.details["steps"], [intervals + 1])
        np.testing.assert_allclose(a.completeness_gap, [8 / (2 * intervals**2)], rtol=1e-9)


def test_most_steps_are_kept_to_and_the_gap_is_told():
    a = IntegratedGradients(tolerance=1e-12, max_steps=100)(kink(), X[:1])
    np.testing.assert_array_equal(a.details["steps"], [65])
    # a step function: the trapezoid misses at most half an interval of the path
    assert 0 < abs(a.completeness_gap[0]) <= 2.0 / 64


def test_difference_of_zero_ends_at_the_rounding_of_the_scores():
    a = IntegratedGradients(tolerance=0.01)(builders.product(), [[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_array_equal(a.details["steps"], [9, 9])
    np.testing.assert_allclose(a.values, [[0, 0], [6, 6]], atol=1e-12)


def test_fixed_steps_are_told_too():
    a = IntegratedGradients(steps=7)(builders.product(), np.ones((3, 2)))
    np.testing.assert_array_equal(a.details["steps"], [7, 7, 7])
    samples = tfxai.baselines.Samples(np.zeros((4, 2)))
    a = IntegratedGradients(steps=7, baseline=samples)(builders.product(), np.ones((3, 2)))
    np.testing.assert_array_equal(a.details["steps"], [28, 28, 28])
    assert a[1].details["steps"].shape == (1,)


def counting_cube():
    """f(x) = x^3, and the number of rows of each of its runs."""
    import keras
    import tensorflow as tf

    noted = []

    class Noting(keras.layers.Layer):
        def call(self, x):
            seen = tf.numpy_function(lambda n: noted.append(int(n)), [tf.shape(x)[0]], [])
            with tf.control_dependencies([seen]):
                return tf.identity(x)

    x = keras.Input((1,), dtype="float64")
    return keras.Model(x, Noting(dtype="float64")(x) ** 3), noted


def test_examples_that_are_done_run_no_more():
    # off by 1 / (2 n^2) of the score: x = 2 needs 64 intervals, x = 0 is done after the first 8
    model, noted = counting_cube()
    a = IntegratedGradients(tolerance=1e-3 / 4)(model, [[0.0], [2.0]], chunk_size=4)
    np.testing.assert_array_equal(a.details["steps"], [9, 65])
    assert sum(noted) == 9 + 65  # every node of every example once, those at x and x' included
    assert max(noted) == 4


def test_bad_tolerances_are_refused():
    for options, sentence in (
        ({"tolerance": 0}, "tolerance=0 was expected to be a number above 0"),
        ({"tolerance": float("nan")}, "tolerance=nan was expected"),
        ({"tolerance": True}, "tolerance=True was expected"),
        ({"max_steps": 8}, "max_steps=8 was expected to be an integer of at least 9"),
        (
            {"tolerance": 0.1, "baseline": tfxai.baselines.Samples(np.zeros((2, 1)))},
            "refines one path an example, and Samples makes several",
        ),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            IntegratedGradients(**options)
