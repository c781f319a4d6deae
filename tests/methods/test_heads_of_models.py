"""Probabilities, logits and class names of models that end in more than a Dense layer."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tfxai.errors import UnsupportedModelError
from tfxai.methods import FeatureAblation, Saliency

X = np.array([[0.4, -1.2], [1.0, 2.0]])
W = np.array([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]])
signed = Saliency(absolute=False)


def dense(activation, weights=W):
    layer = layers.Dense(weights.shape[1], activation=activation, dtype="float64")
    layer.build((None, 2))
    layer.set_weights([weights, np.zeros(weights.shape[1])])
    return layer


class HandWritten(keras.Model):
    """A softmax over (B, 3) in TensorFlow operations of its own."""

    def __init__(self):
        super().__init__(dtype="float64")
        self.last = dense(None)
        self(X)

    def call(self, x):
        e = tf.exp(self.last(x))
        return e / tf.reduce_sum(e, axis=-1, keepdims=True)


def of_series(x):
    """TimeDistributed classifiers of two steps, (B, 2, 3)."""
    steps = keras.ops.stack([x, 2 * x], axis=1)
    return layers.TimeDistributed(dense("softmax"), dtype="float64")(steps)


MODELS = {
    "clip": lambda x: keras.ops.clip(dense("sigmoid", W[:, :1])(x), 1e-7, 1 - 1e-7),
    "average": lambda x: layers.Average(dtype="float64")([dense("softmax")(x)] * 2),
    "average of two": lambda x: layers.Average(dtype="float64")(
        [dense("softmax")(x), dense("softmax", 2 * W)(x)]
    ),
    "stack": lambda x: (lambda p: keras.ops.stack([1 - p[:, 0], p[:, 0]], axis=1))(
        dense("sigmoid", W[:, :1])(x)
    ),
    "concatenation": lambda x: (lambda p: keras.ops.concatenate([p, 1 - p], axis=1))(
        dense("sigmoid", W[:, :1])(x)
    ),
    "slice": lambda x: dense("softmax")(x)[:, :2],
    "one of them": lambda x: dense("softmax")(x)[:, 1:2],
    "permute": lambda x: layers.Permute((2, 1), dtype="float64")(of_series(x)),
    "time distributed": of_series,
    "another axis": lambda x: layers.Softmax(axis=1, dtype="float64")(
        keras.ops.stack([x, 3 * x, -x], axis=1)
    ),
    "multiplied": lambda x: layers.Multiply(dtype="float64")(
        [dense("sigmoid")(x), dense("softmax")(x)]
    ),
    "subclassed": None,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_probability_is_what_the_model_returns(name):
    model = HandWritten() if MODELS[name] is None else builders.formula(MODELS[name])
    returned = np.asarray(model(X))
    shape = returned.shape[1:]
    place = (0, 1) if len(shape) == 2 else 0
    wanted = returned[(slice(None), *np.atleast_1d(place))]
    if shape == (1,):
        place = 1
    for method in (signed, FeatureAblation()):
        a = method(model, X, place, score="probability")
        np.testing.assert_allclose(a.score, wanted, rtol=1e-12)
        np.testing.assert_allclose(a.probability, wanted, rtol=1e-12)
        assert a.score_name == "probability"
    # the default of a black box is that probability, too
    np.testing.assert_allclose(FeatureAblation()(model, X, place).score, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", ["average of two", "multiplied"])
def test_where_there_are_no_logits_the_output_is_explained_and_it_is_said(name):
    model = builders.formula(MODELS[name])
    with pytest.warns(tfxai.TfxaiWarning, match="and no one softmax or .* the output itself was"):
        a = signed(model, X, 1)
    assert a.score_name == "output"
    np.testing.assert_allclose(a.score, np.asarray(model(X))[:, 1], rtol=1e-12)
    with pytest.raises(UnsupportedModelError, match="Pass score='probability'"):
        signed(model, X, 1, score="logit")


@pytest.mark.parametrize("name", ["clip", "slice", "time distributed", "subclassed", "permute"])
def test_logits_are_those_before_the_activation(name):
    model = HandWritten() if MODELS[name] is None else builders.formula(MODELS[name])
    place = (0, 1) if name in ("time distributed", "permute") else 1
    a = signed(model, X, place)
    column = W[:, 0] if name == "clip" else W[:, 1]
    if name == "permute":
        column = 2 * W[:, 0]  # of the second step
    np.testing.assert_allclose(a.values, [column, column], rtol=1e-12)
    assert a.score_name == "logit"


BY_HAND = {
    "an axis added": lambda e: e / tf.expand_dims(tf.reduce_sum(e, -1), -1),
    "an index": lambda e: e / tf.reduce_sum(e, -1)[:, None],
    "a guard": lambda e: e / (tf.reduce_sum(e, -1, keepdims=True) + 1e-7),
    "a guard and an axis": lambda e: e / tf.maximum(tf.reduce_sum(e, -1), 1e-7)[:, None],
    "a reciprocal": lambda e: e * tf.math.reciprocal(tf.reduce_sum(e, -1, keepdims=True)),
}


def by_hand(norm, base=None):
    class Head(layers.Layer):
        def call(self, z):
            return norm(tf.exp(z) if base is None else tf.pow(tf.cast(base, z.dtype), z))

    return lambda x: Head(dtype="float64")(dense(None)(x))


@pytest.mark.parametrize("base", [None, 2.0, 0.5])
@pytest.mark.parametrize("way", BY_HAND)
def test_a_softmax_by_hand_has_logits_and_probabilities(way, base):
    model = builders.formula(by_hand(BY_HAND[way], base))
    scale = 1.0 if base is None else np.log(base)
    a = signed(model, X, 1, score="logit")
    np.testing.assert_allclose(a.values, [scale * W[:, 1]] * 2, rtol=1e-12)
    np.testing.assert_allclose(a.score, scale * (X @ W)[:, 1], rtol=1e-12)
    for one in (FeatureAblation()(model, X, 1), signed(model, X, 1, score="probability")):
        assert one.score_name == "probability"
        np.testing.assert_allclose(one.score, np.asarray(model(X))[:, 1], rtol=1e-12)


@pytest.mark.parametrize(
    "norm",
    [
        lambda e: e / tf.reduce_sum(e, -1)[:, None] ** 2,
        lambda e: e / (tf.reduce_sum(e, -1, keepdims=True) - 0.5),
        lambda e: e / tf.reduce_sum(e[:, :2], -1, keepdims=True),
    ],
    ids=["squared", "less than the sum", "some of them"],
)
def test_what_is_no_softmax_is_not_taken_for_one(norm):
    model = builders.formula(by_hand(norm))
    for kind in ("logit", "probability"):
        with pytest.raises(UnsupportedModelError, match=r"ends in a division \(RealDiv\)"):
            signed(model, X, 1, score=kind)
    assert signed(model, X, 1).score_name == "output"


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_probability_of_a_linear_layer_says_that_logits_were_taken_for_granted(outputs):
    model = builders.linear(W[:, :outputs])
    with pytest.warns(tfxai.TfxaiWarning, match="Pass score='output' for a regression"):
        a = signed(model, X, 0, score="probability")
    z = X @ W[:, :outputs]
    p = 1 / (1 + np.exp(z)) if outputs == 1 else np.exp(z) / np.exp(z).sum(1, keepdims=True)
    np.testing.assert_allclose(a.score, p[:, 0], rtol=1e-12)
    card = tfxai.Card(name="m", classes=("a", "b", "c")[: outputs + (outputs == 1)])
    assert signed(tfxai.Subject(model, card), X, 0, score="probability").notes == ()


def test_a_model_that_ends_in_an_activation_of_no_probabilities_refuses_them():
    model = builders.formula(dense("relu"))
    assert signed(model, X, 1).score_name == "output"
    for kind in ("probability", "logit"):
        with pytest.raises(UnsupportedModelError, match="ends in a ReLU"):
            signed(model, X, 1, score=kind)


@pytest.mark.parametrize("shape", [(3, 2), (4,), (2, 2, 2)])
def test_one_sigmoid_channel_over_positions_has_the_probability_that_the_model_returns(shape):
    x = keras.Input((*shape, 1), dtype="float64")
    scale = layers.Dense(1, activation="sigmoid", dtype="float64")
    model = keras.Model(x, scale(x))
    scale.set_weights([np.full((1, 1), 2.0), np.full(1, -0.5)])
    pixels = np.linspace(-1, 1, int(np.prod(shape))).reshape(1, *shape, 1)
    at = tuple(n - 1 for n in shape)
    for kind in ("logit", "probability", "output"):
        a = signed(model, pixels, [(*at, 0)], score=kind)
        p = np.asarray(model(pixels))[(0, *at, 0)]
        slope = 2.0 if kind == "logit" else 2.0 * p * (1 - p)
        assert a.values[(0, *at, 0)] == pytest.approx(slope)
        assert np.count_nonzero(a.values) == 1
        assert a.probability[0] == pytest.approx(p)
    with pytest.raises(tfxai.errors.InvalidInputError, match="target=1 is outside"):
        signed(model, pixels, [(*at, 1)])


@pytest.mark.parametrize("ending", ["unit", "flat"])
def test_one_class_name_of_one_unit_is_that_of_class_1(ending):
    unit = dense("sigmoid", W[:, :1])
    end = unit if ending == "unit" else lambda x: keras.ops.squeeze(unit(x), -1)
    subject = tfxai.Subject(builders.formula(end), tfxai.Card(name="m", classes=("malignant",)))
    named, second = signed(subject, X, "malignant"), signed(subject, X, 1)
    np.testing.assert_allclose(named.values, [W[:, 0]] * 2)
    np.testing.assert_array_equal(named.values, second.values)
    assert named.target_names == ["malignant"] * 2
    assert signed(subject, X, 0).target_names == ["not malignant"] * 2
    assert signed(subject, X, "not malignant").score == pytest.approx(-named.score)
    assert signed(subject, X, score="output").target_names == ["malignant"] * 2
    assert subject.classes == ("not malignant", "malignant")


def test_one_name_of_a_regressor_is_that_of_its_output():
    subject = tfxai.Subject(builders.linear(W[:, :1]), tfxai.Card(name="m", classes=("price",)))
    assert signed(subject, X).target_names == ["price"] * 2
