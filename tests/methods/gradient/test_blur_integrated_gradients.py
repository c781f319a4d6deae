"""Blur Integrated Gradients: the path, its derivative, and values by SciPy and by hand."""

import keras
import numpy as np
import pytest
from scipy import ndimage

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.baselines import Blur
from tfxai.core.sampling.quadrature import quadrature
from tfxai.errors import InvalidInputError
from tfxai.methods import BlurIntegratedGradients, IntegratedGradients, by_name
from tfxai.methods.base import AttributionMethod


def on_linear(s):
    """What the blur takes away, weighed; the positions are all axes but the first and the last."""
    axes = tuple(range(1, s.x.ndim - 1))
    return s.w * (s.x - ndimage.gaussian_filter(s.x, 8.0, axes=axes, mode="nearest"))


CASES = (
    Case(
        method=BlurIntegratedGradients,
        linear=on_linear,
        linear_options={"max_sigma": 8.0, "steps": 200},
        refuses=dict.fromkeys(("tables", "two inputs"), "blurs one input")
        | {"tokens": "by the inputs"},
        others={"max_sigma": 1.0, "steps": 3, "rule": "riemann_left"},
        gap={"cifar10_cnn": 0.15},  # 50 steps; 200 leave 2 %
    ),
)


RNG = np.random.default_rng(4)


@pytest.fixture
def blurring(monkeypatch):
    """What f.blurred makes of x where each example has a sigma of its own."""
    monkeypatch.setattr(by_name, "METHODS", dict(by_name.METHODS))

    def blurred(x, sigma, largest):
        class Blurring(AttributionMethod):
            name = "blurring"

            def _attribute(self, f, x):
                import tensorflow as tf

                point, slope = f.blurred(x, tf.constant(sigma, x.dtype), largest)
                return point, {"slope": slope}

        shape = x.shape[1:]
        inputs = keras.Input(shape, dtype="float64")
        model = keras.Model(inputs, keras.ops.sum(inputs, range(1, len(shape) + 1))[:, None])
        a = Blurring()(model, x)
        return a.values, a.details["slope"]

    return blurred


@pytest.mark.parametrize("shape", [(9, 2), (6, 7, 3), (4, 5, 3, 1)])
@pytest.mark.parametrize("sigma", [0.4, 1.7, 30.0])
def test_blur_is_scipys_and_that_of_the_baseline(blurring, shape, sigma):
    x = RNG.normal(size=(2, *shape))
    found, _ = blurring(x, [sigma, sigma], sigma)
    axes = tuple(range(1, x.ndim - 1))
    expected = ndimage.gaussian_filter(x, sigma, axes=axes, mode="nearest")
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(expected, Blur(sigma=sigma).make(x, None))


def test_each_row_has_a_width_of_its_own_and_zero_changes_nothing(blurring):
    x = RNG.normal(size=(3, 8, 6, 2))
    found, slope = blurring(x, [0.0, 1.2, 3.0], 3.0)
    np.testing.assert_array_equal(found[0], x[0])
    np.testing.assert_array_equal(slope[0], np.zeros_like(x[0]))
    wide = ndimage.gaussian_filter(x[1], 1.2, axes=(0, 1), mode="nearest", radius=12)
    np.testing.assert_allclose(found[1], wide, rtol=1e-12, atol=1e-13)


def test_derivative_is_that_of_central_differences(blurring):
    x, h = RNG.normal(size=(2, 7, 5, 2)), 1e-5
    sigma = np.array([0.8, 2.5])
    _, slope = blurring(x, sigma, 4.0)
    (up, _), (down, _) = (blurring(x, sigma + sign * h, 4.0) for sign in (1, -1))
    np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


def test_values_of_a_linear_model_are_what_the_blur_takes_away():
    # the gradient w is the same all along the way: w (x - blurred x)
    w = RNG.normal(size=(6, 5, 2))
    x = RNG.normal(size=(3, 6, 5, 2))
    inputs = keras.Input((6, 5, 2), dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs * w, (1, 2, 3))[:, None])
    a = BlurIntegratedGradients(max_sigma=2.0, steps=200)(model, x)
    blurred = ndimage.gaussian_filter(x, 2.0, axes=(1, 2), mode="nearest")
    np.testing.assert_allclose(a.values, w * (x - blurred), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(a.baseline_score, (w * blurred).sum((1, 2, 3)), rtol=1e-10)
    assert np.abs(a.completeness_gap).max() < 1e-7


@pytest.mark.parametrize("rule", ["gauss_legendre", "riemann_middle", "riemann_trapezoid"])
def test_values_equal_the_integral_written_slowly(rule):
    network, top, steps = SlowNetwork(8), 2.5, 7
    x = RNG.normal(size=(2, *network.shape))
    a = BlurIntegratedGradients(max_sigma=top, steps=steps, rule=rule)(
        network.keras_model(), x, target=1
    )
    radius = int(4 * top + 0.5)

    def at(one, sigma):
        if sigma <= 0:
            return one
        return ndimage.gaussian_filter(
            one, sigma, axes=(0, 1), mode="nearest", radius=(radius, radius)
        )

    for one, found in zip(x, a.values, strict=True):
        expected = np.zeros_like(one)
        for alpha, weight in zip(*quadrature(rule, steps), strict=True):
            sigma, h = top * (1 - alpha) ** 2, 1e-6
            slope = (at(one, sigma + h) - at(one, max(sigma - h, 0))) / (h + min(h, sigma))
            gradient = network.gradients(at(one, sigma), 1)[0]
            expected += weight * gradient * slope * -2 * top * (1 - alpha)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-8)


def test_gap_vanishes_as_steps_grow_on_a_smooth_model():
    inputs = keras.Input((6, 5, 2), dtype="float64")
    model = keras.Model(inputs, keras.ops.tanh(keras.ops.mean(inputs**3, (1, 2, 3)))[:, None])
    x = RNG.normal(size=(2, 6, 5, 2))
    gaps = [
        np.abs(BlurIntegratedGradients(steps=n)(model, x).completeness_gap).max()
        for n in (8, 32, 128)
    ]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-6


def test_series_are_blurred_along_time_and_channels_first_like_channels_last():
    network = builders.images(2, (9, 3), seed=5).astype(np.float64)
    inputs = keras.Input((9, 3), dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs[:, 3] ** 2, -1, keepdims=True))
    a = BlurIntegratedGradients(max_sigma=1.5, steps=100)(model, network)
    blurred = ndimage.gaussian_filter(network, 1.5, axes=(1,), mode="nearest")
    np.testing.assert_allclose(a.baseline_score, (blurred[:, 3] ** 2).sum(-1), rtol=1e-10)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-5)
    assert np.abs(a.values[:, [0, 1, 2, 4, 5, 6, 7, 8]]).max() == 0


def test_default_width_is_half_of_the_longest_axis():
    a = BlurIntegratedGradients(steps=2)(builders.functional(), builders.images(1))
    assert a.method["options"]["max_sigma"] == 3.0  # 6 x 5 pixels


def test_what_has_no_positions_is_refused():
    with pytest.raises(InvalidInputError, match="along its axes of positions"):
        BlurIntegratedGradients()(builders.product(), [[3.0, 4.0]])
    b, a, n = np.ones((1, 2)), np.ones((1, 2, 2)), np.ones((1, 1), int)
    with pytest.raises(InvalidInputError, match="blurs one input"):
        BlurIntegratedGradients()(builders.two_inputs("list"), [b, a, n])
    for bad in (0, -1.0, True, "wide", 1e6):
        with pytest.raises(InvalidInputError, match="max_sigma"):
            BlurIntegratedGradients(max_sigma=bad)


def test_it_is_not_integrated_gradients_against_the_blurred_input():
    model, x = builders.functional(), builders.images(2)
    a = BlurIntegratedGradients(max_sigma=2.0)(model, x, target=1)
    b = IntegratedGradients(baseline=Blur(sigma=2.0))(model, x, target=1)
    np.testing.assert_allclose(a.baseline_score, b.baseline_score, rtol=1e-6)
    assert np.abs(a.values - b.values).max() > 0.01 * np.abs(b.values).max()
