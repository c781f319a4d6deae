"""Rules through rounding, casts, truths and look-ups: right, or refused by name."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tests import builders
from tfxai.errors import UnsupportedModelError
from tfxai.methods import LRP, DeepLIFT, DeepSHAP, FeatureAblation, GuidedBackprop

X = np.array([[3.7, -1.2, 2.4]])
METHODS = {
    "deep_lift": DeepLIFT(),
    "deep_shap": DeepSHAP(background=np.zeros((2, 3))),
    "lrp": LRP(),
}


class Op(layers.Layer):
    """A function of TensorFlow as a layer."""

    def __init__(self, function):
        super().__init__(dtype="float64")
        self.function = function

    def call(self, x):
        return self.function(x)


def whole(x):
    return tf.cast(tf.cast(x, tf.int32), x.dtype)


TWO, MINUS_ONE = np.array(2.0), np.array(-1.0)
STEPS = {  # of one element each, so that all of its effect is its own
    "cast": (whole, np.trunc),
    "long cast": (lambda x: tf.cast(tf.cast(x * 2, tf.int64), x.dtype), lambda x: np.trunc(2 * x)),
    "arithmetic": (
        lambda x: tf.cast(tf.cast(x, tf.int32) * 3 + 1, x.dtype),
        lambda x: np.trunc(x) * 3 + 1,
    ),
    "round": (tf.round, np.round),
    "rint": (tf.math.rint, np.rint),
    "floor": (tf.floor, np.floor),
    "ceil": (tf.math.ceil, np.ceil),
    "sign": (tf.sign, np.sign),
    "remainder": (lambda x: tf.cast(tf.cast(x, tf.int32) % 2, x.dtype), lambda x: np.trunc(x) % 2),
    "truth": (lambda x: tf.cast(x > 1, x.dtype), lambda x: (x > 1) * 1.0),
    "choice": (lambda x: tf.where(x > 1, TWO, MINUS_ONE), lambda x: np.where(x > 1, 2.0, -1.0)),
    "quantised": (
        lambda x: tf.cast(
            tf.cast(tf.clip_by_value(tf.round(x * 10), -127, 127), tf.int8), x.dtype
        ),
        lambda x: np.clip(np.round(x * 10), -127, 127),
    ),
}
WEIGHTS = np.array([1.0, -2.0, 0.5])


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("method", ["deep_lift", "deep_shap"])
def test_each_element_has_the_effect_of_its_own_steps(method, name):
    step, expected = STEPS[name]
    model = builders.formula(
        lambda x: keras.ops.sum(Op(step)(x) * WEIGHTS, axis=1, keepdims=True) + x[:, :1], 3
    )
    a = METHODS[method](model, X)
    by_hand = WEIGHTS * (expected(X) - expected(0 * X)) + X * [1.0, 0.0, 0.0]
    np.testing.assert_allclose(a.values, by_hand, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)
    np.testing.assert_allclose(FeatureAblation(baseline=0.0)(model, X).values, by_hand, atol=1e-12)


@pytest.mark.parametrize("change", [0.0, 1e-12, 1e-3])
def test_a_jump_over_the_least_distance_is_seen(change):
    model = builders.formula(lambda x: Op(tf.floor)(x[:, :1]) + x[:, 1:2], 3)
    x = np.array([[1.0, 5.0, 0.0]])
    base = x.copy()
    base[0, 0] -= change
    a = DeepLIFT(baseline=base)(model, x)
    np.testing.assert_allclose(a.values, [[float(change > 0), 0, 0]], atol=1e-3)


def test_relevance_passes_rounding_as_it_passes_any_activation():
    model = builders.formula(lambda x: Op(whole)(builders_dense(x)), 3)
    plain = builders.formula(lambda x: keras.activations.tanh(builders_dense(x)), 3)
    score = float(np.trunc(X @ WEIGHTS)[0])
    expected = LRP()(plain, X).values / LRP()(plain, X).score * score
    np.testing.assert_allclose(LRP()(model, X).values, expected, rtol=1e-6)


def builders_dense(x):
    return keras.ops.sum(x * WEIGHTS, axis=1, keepdims=True)


def gathered(x):
    table = tf.constant([[1.0], [2.0], [4.0], [8.0]], x.dtype)
    return tf.gather(table, tf.cast(tf.abs(x[:, 0]), tf.int32)) + x[:, 1:2]


REFUSED = {
    "gather": (gathered, "Gather"),
    "one-hot": (
        lambda x: tf.one_hot(tf.cast(tf.abs(x[:, 0]), tf.int32), 4, dtype=x.dtype) + x[:, 1:2],
        "OneHot",
    ),
    "argmax": (
        lambda x: tf.cast(tf.argmax(x, axis=1), x.dtype)[:, None] + x[:, 1:2],
        "Cast",
    ),
    "product of whole numbers": (
        lambda x: (
            tf.cast(tf.matmul(tf.cast(x, tf.int32), tf.constant([[1], [2], [3]])), x.dtype)
            + x[:, :1]
        ),
        "Cast",
    ),
    "sum of whole numbers": (
        lambda x: tf.cast(tf.reduce_sum(tf.cast(x, tf.int32), 1, True), x.dtype) + x[:, :1],
        "Cast",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("method", METHODS)
def test_what_passes_through_whole_numbers_is_refused_by_name(method, name):
    function, operation = REFUSED[name]
    model = builders.formula(lambda x: Op(function)(x), 3)
    target = 0 if name == "one-hot" else None
    with pytest.raises(
        UnsupportedModelError, match=rf"{operation}.* in .*whole numbers|{operation}"
    ):
        METHODS[method](model, X, target)


def test_bucketing_is_refused():
    cut = layers.Discretization(bin_boundaries=[0.0, 1.0], output_mode="one_hot")
    x = keras.Input((3,))
    model = keras.Model(x, layers.Dense(1)(layers.Flatten()(cut(x))) + x[:, :1])
    for method in METHODS.values():
        with pytest.raises(UnsupportedModelError, match="cannot be followed back"):
            method(model, X)


@pytest.mark.filterwarnings(builders.KERAS_SAVES)
@pytest.mark.parametrize("mode", ["int8", "float8"])
def test_a_quantised_network_is_refused_by_name_and_not_put_on_one_element(mode):
    x = keras.Input((3,))
    parts = [layers.Dense(4, activation="relu"), layers.Dense(2)]
    model = keras.Model(x, parts[1](parts[0](x)))
    for layer in parts:
        layer.quantize(mode)
    for method in METHODS.values():
        with pytest.raises(UnsupportedModelError, match="followed back"):
            method(model, X, 0)


def test_a_gradient_still_takes_rounding_for_flat():
    model = builders.formula(lambda x: keras.ops.relu(Op(tf.round)(x[:, :1]) + x[:, 1:2]), 3)
    values = GuidedBackprop()(model, np.abs(X)).values
    np.testing.assert_allclose(values, [[0, 1, 0]])
