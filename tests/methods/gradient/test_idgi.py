"""IDGI by hand, the paper's algorithm in NumPy, and completeness where the gradient is zero."""

import keras
import numpy as np
import pytest

from tests import builders
from tests.contract.case import EXACT_ON_PHOTOGRAPHS, Case
from tests.methods.slow_network import SlowNetwork
from tfxai.baselines import Samples
from tfxai.errors import InvalidInputError
from tfxai.methods import IDGI


def on_linear(s):
    """The score's whole difference, by the squares of the weights of all inputs."""
    inputs = (s, *s.beside)
    difference = sum(one.effects.reshape(len(s.x), -1).sum(axis=1) for one in inputs)
    squares = sum((one.w**2).sum() for one in inputs)
    return difference.reshape(-1, *[1] * s.w.ndim) * s.w**2 / squares


CASES = (
    Case(
        method=IDGI,
        linear=on_linear,
        others={"steps": 3, "baseline": 0.5},
        gap=EXACT_ON_PHOTOGRAPHS,
    ),
)


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_product_by_hand(steps):
    # g = alpha (x1, x0) and f = alpha^2 x0 x1; at 0 the gradient is zero and x^2 shares the step
    a = IDGI(steps=steps)(builders.product(), [[3.0, 4.0], [-2.0, 1.0]])
    first = 1 / steps**2
    for values, x in zip(a.values, np.array([[3.0, 4.0], [-2.0, 1.0]]), strict=True):
        by_way, by_gradient = x**2 / (x**2).sum(), x[::-1] ** 2 / (x**2).sum()
        expected = x.prod() * (first * by_way + (1 - first) * by_gradient)
        np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-13)


@pytest.mark.parametrize("steps", [1, 4])
def test_equals_the_papers_algorithm_in_numpy(steps):
    network = SlowNetwork(5)
    rng = np.random.default_rng(6)
    x, x0 = rng.normal(size=(2, 2, *network.shape))
    targets = [0, 2]
    a = IDGI(steps=steps, baseline=x0)(network.keras_model(), x, target=targets)
    for b, target in enumerate(targets):
        points = [x0[b] + j / steps * (x[b] - x0[b]) for j in range(steps + 1)]
        scores = [network.outputs(point[None])[0, target] for point in points]
        expected = np.zeros(network.shape)
        for j in range(steps):
            g = network.gradients(points[j], target)[0]
            expected += (scores[j + 1] - scores[j]) * g**2 / (g**2).sum()
        np.testing.assert_allclose(a.values[b], expected, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a.values[b].sum(), scores[-1] - scores[0], rtol=1e-11)


def test_a_flat_start_adds_up_and_goes_to_what_moves():
    # the ReLU is shut at both points where a gradient is taken; the last step opens it
    model = builders.formula(lambda x: keras.ops.relu(x[:, :1] + x[:, 1:2] - 5.0), size=3)
    a = IDGI(steps=2, baseline=[0.0, 0.0, 7.0])(model, [[6.0, 3.0, 7.0]])
    np.testing.assert_allclose(a.values, [[4.0 * 36 / 45, 4.0 * 9 / 45, 0.0]], rtol=1e-13)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-14)


def test_x_that_is_its_own_baseline_gets_zeros():
    model = builders.formula(lambda x: keras.ops.square(x[:, :1]) + 0.0 * x[:, 1:])
    a = IDGI(baseline=[[0.0, 1.0]])(model, [[0.0, 1.0]])
    np.testing.assert_array_equal(a.values, [[0.0, 0.0]])


@pytest.mark.parametrize("scale", [1e-22, 1e-30])
def test_squares_of_small_gradients_in_float32_do_not_vanish(scale):
    model = builders.formula(lambda x: (x[:, :1] + 2.0 * x[:, 1:]) * scale, dtype="float32")
    a = IDGI(steps=3)(model, np.array([[3.0, 1.0]], np.float32))
    np.testing.assert_allclose(a.values / scale, [[1.0, 4.0]], rtol=1e-5)


def test_several_baselines_are_averaged():
    model, x = builders.product(), [[3.0, 4.0]]
    starts = np.array([[1.0, 0.5], [-2.0, 2.0], [0.0, 1.0]])
    together = IDGI(steps=4, baseline=Samples(starts))(model, x)
    each = [IDGI(steps=4, baseline=start)(model, x).values for start in starts]
    np.testing.assert_allclose(together.values, np.mean(each, axis=0), rtol=1e-12)


def test_too_few_steps_are_refused():
    with pytest.raises(InvalidInputError, match=r"steps=0 .* at least 1"):
        IDGI(steps=0)
