"""Gradient times input by hand, and the identity that holds without biases."""

import numpy as np

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.methods import GradientInput

CASES = (
    Case(
        method=GradientInput,
        linear=lambda s: s.w * s.x,
    ),
)


def test_cube_gives_three_times_its_value():
    x = np.array([[2.0], [-0.5]])
    a = GradientInput()(builders.formula(lambda x: x**3, size=1), x)
    np.testing.assert_allclose(a.values, 3 * x**3, rtol=1e-14)


def test_values_add_up_to_the_score_without_biases():
    network = SlowNetwork(1)
    network.biases = [0 * bias for bias in network.biases]
    network.offsets *= 0
    x = np.random.default_rng(0).normal(size=(3, *network.shape))
    a = GradientInput()(network.keras_model(), x, target=2)
    np.testing.assert_allclose(a.values.sum(axis=(1, 2, 3)), network.outputs(x)[:, 2], rtol=1e-11)
    gradient = network.gradients(x[0], 2)[0]
    np.testing.assert_allclose(a.values[0], x[0] * gradient, rtol=1e-10, atol=1e-12)
