"""Types, sizes and shapes of inputs: the same answers, on each, as where they are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tfxai.methods import IntegratedGradients, Saliency, SmoothGrad

SIGNED = Saliency(absolute=False)


def test_uint8_images_without_a_card_are_the_same_numbers_as_floats():
    model = builders.functional()
    pixels = np.random.default_rng(0).integers(0, 256, (2, *builders.IMAGE)).astype(np.uint8)
    for method in (SIGNED, IntegratedGradients(steps=3), SmoothGrad(samples=3)):
        a, b = method(model, pixels, 0), method(model, pixels.astype(np.float32), 0)
        np.testing.assert_array_equal(a.values, b.values)
        assert a.values.dtype == np.float32


def test_float16_input_is_computed_in_the_models_type():
    model, x = builders.functional(), builders.images().astype(np.float16)
    for method in (SIGNED, IntegratedGradients(steps=3)):
        a, b = method(model, x, 0), method(model, x.astype(np.float32), 0)
        np.testing.assert_array_equal(a.values, b.values)


def test_mixed_precision_comes_near_float32_and_adds_up():
    with_half = builders.functional(dtype=keras.DTypePolicy("mixed_float16"))
    whole = builders.functional()
    whole.set_weights(with_half.get_weights())
    x = builders.images()
    for method in (SIGNED, IntegratedGradients(steps=9), SmoothGrad(samples=9)):
        a, b = method(with_half, x, 0), method(whole, x, 0)
        assert a.values.dtype == np.float32
        size = np.abs(b.values).max()
        # half precision has 11 bits: 0.05 % a product, a few hundred of them
        np.testing.assert_allclose(a.values, b.values, atol=0.02 * size)


@pytest.mark.parametrize("batch", [1, 2, 4096])
def test_batches_of_any_size_are_exact(batch):
    x = np.random.default_rng(batch).normal(size=(batch, 2))
    a = IntegratedGradients(steps=2)(builders.product(), x)
    np.testing.assert_allclose(a.values, np.repeat(x.prod(1)[:, None] / 2, 2, 1), atol=1e-14)
    assert len(a) == batch


@pytest.mark.slow
@pytest.mark.parametrize("side", [8, 33, 224, 1024])
def test_images_of_any_size_are_exact(side):
    # f = sum of squares of a 1x1 convolution: IG is half the gradient times x
    x = keras.Input((side, side, 1))
    h = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones", name="conv")(x)
    model = keras.Model(x, keras.ops.mean(h**2, axis=(1, 2)))
    image = np.random.default_rng(0).normal(size=(1, side, side, 1)).astype(np.float32)
    a = IntegratedGradients(steps=3)(model, image)
    np.testing.assert_allclose(a.values, image**2 / side**2, rtol=1e-4)
    smooth = SmoothGrad(samples=2)(model, image)
    assert smooth.values.shape == image.shape
    cam = tfxai.GradCAM(layer="conv")(model, image)
    assert cam.heatmap(size=(side, side)).shape == (1, side, side)


def test_series_of_a_recurrent_network_equal_their_finite_differences():
    x = keras.Input((6, 2), dtype="float64")
    model = keras.Model(x, layers.Dense(2, dtype="float64")(layers.GRU(3, dtype="float64")(x)))
    series = np.random.default_rng(0).normal(size=(2, 6, 2))
    a = SIGNED(model, series, 1)
    step = 1e-6
    for t, c in ((0, 0), (3, 1), (5, 0)):
        ahead, behind = series.copy(), series.copy()
        ahead[:, t, c] += step
        behind[:, t, c] -= step
        slope = (model(ahead).numpy() - model(behind).numpy())[:, 1] / (2 * step)
        np.testing.assert_allclose(a.values[:, t, c], slope, rtol=1e-6, atol=1e-9)
    ig = IntegratedGradients(steps=20)(model, series, 1)
    np.testing.assert_allclose(ig.completeness_gap, 0, atol=1e-10)


def test_one_sigmoid_unit_explains_either_class():
    weights = np.array([[2.0], [-1.0]])
    model = builders.linear(weights, activation="sigmoid")
    x = np.array([[0.5, 3.0]])
    for target, sign in ((0, -1), (1, 1)):
        for method in (SIGNED, IntegratedGradients(steps=1), SmoothGrad(samples=2)):
            a = method(model, x, target)
            expected = sign * weights.T * (x if method.completes else 1)
            np.testing.assert_allclose(a.values, expected, rtol=1e-12)
            np.testing.assert_allclose(a.score, sign * (x @ weights)[:, 0], rtol=1e-12)
