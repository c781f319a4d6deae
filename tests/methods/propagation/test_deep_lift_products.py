"""DeepLIFT through products, softmaxes and normalisations: by hand, in NumPy, and what adds up."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from tests import builders
from tfxai.methods import DeepLIFT, DeepSHAP, IntegratedGradients

SHAPE = (4, 6)
X, BASE = np.random.default_rng(0).normal(size=(2, 3, *SHAPE))


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)


def assert_complete(a, tolerance):
    """The gap is that part of the difference of the scores, or of all the values."""
    size = np.abs(a.values).reshape(len(a.values), -1).sum(axis=1)
    assert (np.abs(a.completeness_gap) <= tolerance * size).all()
    assert size.max() > 0


def test_a_product_is_shared_by_the_mean_of_the_other_factor():
    a = DeepLIFT(baseline=[1.0, 2.0])(builders.product(), [[3.0, 10.0]])
    np.testing.assert_allclose(a.values, [[2 * 12 / 2, 8 * 4 / 2]], rtol=1e-12)
    assert a.completeness_gap == 0


def test_products_and_squares_of_sums_are_as_integrated_gradients():
    # along a line, a product of two linear functions has a derivative that is linear
    model = builders.formula(
        lambda x: (x[:, :1] - 2.0 * x[:, 1:]) * (x[:, :1] + 3.0) + ops.square(x[:, :1] * 2.0 + 1.0)
    )
    x, base = [[0.7, -1.1]], [0.2, 0.4]
    expected = IntegratedGradients(steps=4, baseline=base)(model, x).values
    np.testing.assert_allclose(DeepLIFT(baseline=base)(model, x).values, expected, rtol=1e-10)


QUOTIENTS = {
    "divided": lambda a, b: a / b,
    "times the inverse": lambda a, b: a * tf.math.reciprocal(b),
    "without NaN": tf.math.divide_no_nan,
}


@pytest.mark.parametrize("kind", QUOTIENTS)
def test_a_quotient_is_a_product_with_the_inverse(kind):
    model = builders.formula(lambda x: layers.Lambda(
        lambda x: QUOTIENTS[kind](x[:, :1], x[:, 1:]), dtype="float64")(x))  # fmt: skip
    a = DeepLIFT(baseline=[1.0, 4.0])(model, [[6.0, 2.0]])
    by_hand = [5 * (1 / 2 + 1 / 4) / 2, (1 / 2 - 1 / 4) * (6 + 1) / 2]
    np.testing.assert_allclose(a.values, [by_hand], rtol=1e-12)
    np.testing.assert_allclose(sum(by_hand), 6 / 2 - 1 / 4)


def test_a_quotient_without_nan_is_complete_at_zero():
    model = builders.formula(lambda x: layers.Lambda(
        lambda x: tf.math.divide_no_nan(x[:, :1], x[:, 1:]), dtype="float64")(x))  # fmt: skip
    a = DeepLIFT(baseline=[1.0, 0.0])(model, [[6.0, 2.0], [6.0, 0.0]])
    np.testing.assert_allclose(a.values.sum(axis=1), [3.0, 0.0], rtol=1e-12)
    assert np.isfinite(a.values).all()


def softmax(u):
    e = np.exp(u - u.max())
    return e / e.sum()


def test_a_softmax_in_numpy():
    model = builders.formula(lambda x: ops.softmax(x), 4)
    u, u0 = np.random.default_rng(2).normal(size=(2, 4)) * 2
    for i in range(4):
        y, y0 = softmax(u), softmax(u0)
        k = (y - y0) / (np.log(y) - np.log(y0))
        multipliers = k[i] * (np.eye(4)[i] - k / k.sum())
        a = DeepLIFT(baseline=u0)(model, u[None], target=i, score="output")
        np.testing.assert_allclose(a.values[0], multipliers * (u - u0), rtol=1e-10)
        np.testing.assert_allclose(a.values.sum(), y[i] - y0[i], rtol=1e-10)


def test_a_softmax_does_not_see_what_all_have_in_common():
    model = builders.formula(lambda x: ops.softmax(x), 3)
    a = DeepLIFT(baseline=5.0)(model, [[8.0, 8.0, 8.0]], target=0, score="output")
    np.testing.assert_allclose(a.values.sum(), 0, atol=1e-15)
    same = DeepLIFT(baseline=2.0)(model, [[2.0, 2.0, 2.0]], target=0, score="output")
    np.testing.assert_array_equal(same.values, 0)


@pytest.mark.parametrize("far", [30.0, 1000.0, 1e9])
def test_a_softmax_from_one_end_to_the_other_stays_exact(far):
    x = keras.Input((3,))
    model = keras.Model(x, layers.Softmax()(x))
    a = DeepLIFT(baseline=[far, 0.0, 0.0])(model, [[0.0, far, 0.0]], target=1, score="output")
    assert np.isfinite(a.values).all()
    np.testing.assert_allclose(a.values.sum(), 1, rtol=1e-5)


def test_layer_normalisation_of_two_elements_by_hand():
    # (x0, x1) -> d / sqrt(d^2 + e) with d half of their difference: odd in it
    model = builders.formula(
        lambda x: layers.LayerNormalization(epsilon=1e-6, dtype="float64")(x)[:, :1]
    )
    a = DeepLIFT(baseline=[1.0, 3.0])(model, [[5.0, 2.0]])
    np.testing.assert_allclose(a.values.sum(), 2, rtol=1e-5)
    turned = DeepLIFT(baseline=[3.0, 1.0])(model, [[2.0, 5.0]])
    np.testing.assert_allclose(turned.values, -a.values[:, ::-1], rtol=1e-9)


def network(layer, shape=SHAPE):
    x = keras.Input(shape)
    return keras.Model(x, layers.Dense(2)(layers.Flatten()(layer(x))))


class Gated(layers.Layer):
    """Squeeze-and-excitation over the steps of a series."""

    def build(self, shape):
        self.dense = layers.Dense(shape[-1], "sigmoid")
        self.dense.build((shape[0], shape[-1]))

    def call(self, x):
        return x * self.dense(ops.mean(x, axis=1))[:, None]


def softmax_by_hand(x):
    e = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return e / ops.sum(e, axis=-1, keepdims=True)


def attention(x):
    return layers.MultiHeadAttention(2, 3)(x, x, use_causal_mask=True)


KINDS = {
    "multi-head attention": lambda: attention,
    "grouped queries": lambda: lambda x: layers.GroupQueryAttention(3, 2, 1)(x, x),
    "additive attention": lambda: lambda x: layers.AdditiveAttention()([x, x]),
    "squeeze and excitation": Gated,
    "gate": lambda: lambda x: layers.Dense(6, "sigmoid")(x) * layers.Dense(6)(x),
    "softmax": layers.Softmax,
    "softmax by hand": lambda: layers.Lambda(softmax_by_hand),
    "layer normalisation": layers.LayerNormalization,
    "small layer normalisation": lambda: (
        lambda x: layers.LayerNormalization(epsilon=1e-12)(x * 0.02)
    ),
    "RMS normalisation": layers.RMSNormalization,
    "group normalisation": lambda: layers.GroupNormalization(3),
    "unit normalisation": layers.UnitNormalization,
    "stopped gradient": lambda: layers.Lambda(lambda x: x * tf.stop_gradient(tf.tanh(x))),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_values_add_up(kind):
    model, x, base = network(KINDS[kind]()), X.astype("float32"), BASE.astype("float32")
    a = DeepLIFT(baseline=base)(model, x, target=1)
    delta = np.abs(a.score - a.baseline_score)
    assert (np.abs(a.completeness_gap) <= 1e-4 * np.maximum(delta, 0.1)).all()
    for one in (a, DeepLIFT(baseline=0.01 * base)(model, x, target=1)):
        assert_complete(one, 1e-5)


def own_truths(x):
    near, far = tf.abs(x) < 1.0, tf.reduce_any(x > 1.5, axis=-1, keepdims=True)
    return tf.where(near | far, x, 0.1) + tf.cast(~(near & far), x.dtype)


def test_truths_that_depend_on_x_add_up():
    model = network(layers.Lambda(own_truths))
    x, base = X.astype("float32"), BASE.astype("float32")
    x[0, 2:], x[1, 1:], base[2, 3:] = 0, 0, 0
    for baseline in (None, base):
        a = DeepLIFT(baseline=baseline)(model, x, target=1)
        assert_complete(a, 1e-5)
        assert np.abs(a.score - a.baseline_score).min() > 1e-3
    a = DeepLIFT()(model, x, target=1)
    np.testing.assert_array_equal(a.values[1, 1:], 0)


@pytest.mark.parametrize("kind", ["multi-head attention", "layer normalisation"])
def test_deep_shap_is_the_mean_over_the_background(kind):
    model, x = network(KINDS[kind]()), X.astype("float32")
    background = BASE.astype("float32")
    a = DeepSHAP(background=background)(model, x, target=1)
    alone = [DeepLIFT(baseline=one)(model, x, target=1).values for one in background]
    np.testing.assert_allclose(a.values, np.mean(alone, axis=0), rtol=1e-4, atol=1e-6)
    assert_complete(a, 1e-5)


def test_small_steps_give_the_gradient():
    model, x = network(attention), X.astype("float32")
    a = DeepLIFT(baseline=x - 1e-3)(model, x, target=1)
    expected = IntegratedGradients(steps=4, baseline=x - 1e-3)(model, x, target=1).values
    np.testing.assert_allclose(a.values, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.slow
@pytest.mark.parametrize("make", ["MobileNetV3Small", "EfficientNetV2B0"])
def test_networks_with_gates_add_up(make):
    build = getattr(keras.applications, make)
    model = build(weights=None, input_shape=(32, 32, 3), classes=4, include_preprocessing=False)
    rng = np.random.default_rng(0)
    x, base = rng.normal(size=(2, 1, 32, 32, 3)).astype("float32")
    a = DeepLIFT(baseline=base)(model, x, target=1)
    assert_complete(a, 1e-5)
    np.testing.assert_allclose(
        a.values.sum(), a.score[0] - a.baseline_score[0], rtol=1e-4, atol=1e-7
    )


def test_a_backbone_of_kerashub_adds_up():
    hub = pytest.importorskip("keras_hub")
    backbone = hub.models.BertBackbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16,
        max_sequence_length=6,
    )  # fmt: skip
    inputs = backbone.input
    model = keras.Model(inputs, layers.Dense(2)(backbone(inputs)["pooled_output"]))
    ids = np.array([[2, 7, 4, 9, 3, 0]])
    given = {
        "token_ids": ids,
        "segment_ids": np.zeros_like(ids),
        "padding_mask": (ids > 0).astype("int32"),
    }
    a = DeepLIFT()(model, given, target=1)
    assert_complete(a, 1e-4)
    np.testing.assert_array_equal(a.values[0, 5], 0)
