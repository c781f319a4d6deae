"""A model that was changed in place is another one: its answers are its own."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers

from tests.builders import images
from tfxai.methods import FeatureAblation, IntegratedGradients, Saliency
from tfxai.subject import Subject

X = np.array([[0.7, -0.4, 1.5]], np.float32)
FACTOR = 2.0


class Settings:
    def __init__(self):
        self.power, self.inner = 1.0, {"gain": 1.0}


def same(x):
    return x


class Own(layers.Layer):
    """A layer with attributes of every kind."""

    gain = 1.0

    def __init__(self):
        super().__init__()
        self.scale = 1.0
        self.is_squared = False
        self.weights_of_mine = np.ones(3, np.float32)
        self.settings = Settings()
        self.terms = [1.0, 0.0]
        self.function = same

    def call(self, x):
        x = self.function(x) * self.scale * self.weights_of_mine * type(self).gain
        x = x * self.settings.power * self.settings.inner["gain"] * sum(self.terms)
        return keras.ops.square(x) if self.is_squared else x


def closed_over():
    factor = {"value": 1.0}
    return factor, lambda x: x * factor["value"]


def built(layer):
    model = keras.Sequential([keras.Input((3,)), layer, layers.Dense(1, name="last")])
    model.layers[-1].set_weights([np.array([[1.0], [2.0], [3.0]]), np.zeros(1)])
    return model


def check(model, expected_scale):
    """Values and predictions are those of the model as it is now."""
    a = IntegratedGradients(steps=200)(model, X)
    np.testing.assert_allclose(a.score, np.asarray(model(X))[:, 0], rtol=1e-5)
    np.testing.assert_allclose(a.values.sum(), a.score[0], rtol=1e-2, atol=1e-5)
    np.testing.assert_allclose(Subject(model).predict(X), np.asarray(model(X)), rtol=1e-6)
    np.testing.assert_allclose(FeatureAblation(baseline=0.0)(model, X).score, a.score, rtol=1e-6)
    assert a.score[0] == pytest.approx(expected_scale, rel=1e-5)


PLAIN = float(X[0] @ [1, 2, 3])
CHANGES = {
    "number": (lambda own: setattr(own, "scale", 2.0), 2 * PLAIN),
    "truth": (lambda own: setattr(own, "is_squared", True), float(X[0] ** 2 @ [1, 2, 3])),
    "array": (lambda own: own.weights_of_mine.__setitem__(slice(None), 3.0), 3 * PLAIN),
    "object": (lambda own: setattr(own.settings, "power", 4.0), 4 * PLAIN),
    "object in an object": (lambda own: own.settings.inner.update(gain=5.0), 5 * PLAIN),
    "list": (lambda own: own.terms.__setitem__(1, 5.0), 6 * PLAIN),
    "function": (lambda own: setattr(own, "function", keras.ops.negative), -PLAIN),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_attribute_is_seen(name):
    change, expected = CHANGES[name]
    own = Own()
    model = built(own)
    check(model, PLAIN)
    change(own)
    check(model, expected)


def test_a_changed_attribute_of_the_class_is_seen(monkeypatch):
    model = built(Own())
    check(model, PLAIN)
    monkeypatch.setattr(Own, "gain", 7.0)
    check(model, 7 * PLAIN)


def test_an_exchanged_activation_is_seen():
    model = built(layers.Dense(3, use_bias=False))
    model.layers[0].set_weights([np.eye(3)])
    check(model, PLAIN)
    model.layers[0].activation = keras.activations.tanh
    check(model, float(np.tanh(X[0]) @ [1, 2, 3]))
    model.layers[-1].activation = keras.activations.sigmoid
    assert Saliency()(model, X).score_name == "logit"


def test_an_activation_with_an_inside_takes_the_place_of_one_without():
    model = built(layers.Dense(3, use_bias=False))
    model.layers[0].set_weights([np.eye(3)])
    check(model, PLAIN)
    factor, function = closed_over()
    model.layers[0].activation = function
    check(model, factor["value"] * PLAIN)
    factor["value"] = 7.0
    check(model, 7 * PLAIN)
    model.layers[0].activation = keras.activations.linear
    check(model, PLAIN)


@pytest.mark.parametrize("between", [None, "other"])
def test_a_number_at_the_address_of_the_one_before_is_seen(between):
    slope = layers.LeakyReLU(negative_slope=0.25)
    model = built(slope)
    for number in (0.25, 0.5, 0.75, 0.125):
        slope.negative_slope = between  # the old number is gone, and its place is free
        slope.negative_slope = float(str(number))
        found = Saliency(absolute=False)(model, -X).values
        expected = np.where(X > 0, number, 1) * [1, 2, 3]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "make", [float, "a{}".format, lambda n: (n, n)], ids=["number", "text", "tuple"]
)
def test_every_plain_value_is_told_from_the_one_before_by_what_it_is(make):
    from tfxai.core.model.state import state

    model = built(layers.Dense(3))
    seen = []
    for number in range(1000, 1020):
        model.layers[0].size = None
        model.layers[0].size = make(number)
        seen.append(state(model))
    assert all(a != b for a, b in itertools.pairwise(seen))


def test_a_lambda_sees_what_it_closes_over_and_its_globals():
    factor, function = closed_over()
    model = built(layers.Lambda(function))
    check(model, PLAIN)
    factor["value"] = 3.0
    check(model, 3 * PLAIN)
    of_globals = built(layers.Lambda(lambda x: x * FACTOR))
    check(of_globals, 2 * PLAIN)
    globals()["FACTOR"] = 5.0
    check(of_globals, 5 * PLAIN)
    globals()["FACTOR"] = 2.0


def test_a_call_that_is_put_in_the_place_of_another_is_seen(monkeypatch):
    model = built(Own())
    check(model, PLAIN)
    monkeypatch.setattr(Own, "call", lambda self, x: -2.0 * x)
    check(model, -2 * PLAIN)


def test_an_attribute_of_a_subclassed_model_is_seen():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense, self.temperature = layers.Dense(1, use_bias=False), 1.0

        def call(self, x):
            return self.dense(x) / self.temperature

    model = Net()
    model(X)
    model.dense.set_weights([np.array([[1.0], [2.0], [3.0]])])
    check(model, PLAIN)
    model.temperature = 0.5
    check(model, 2 * PLAIN)


def test_what_a_call_writes_itself_makes_no_other_model():
    class Watching(layers.Layer):
        calls = 0

        def __init__(self):
            super().__init__()
            self.count, self.last, self.log, self.gain = 0, None, [], 1.0

        def call(self, x):
            self.count += 1
            self.last = x
            self.log.append(self.count)
            Watching.calls += 1
            return x * self.gain

    layer = Watching()
    model = built(layer)
    check(model, PLAIN)
    check(model, PLAIN)
    count = layer.count
    IntegratedGradients(steps=200)(model, X)
    FeatureAblation(baseline=0.0)(model, X)
    assert layer.count == count
    model(X)  # a call of the user's
    IntegratedGradients(steps=200)(model, X)
    assert layer.count == count + 1
    layer.gain = 3.0  # which no call writes
    check(model, 3 * PLAIN)


def test_training_and_new_weights_trace_nothing_again():
    from tfxai.core.model.state import state

    model = built(layers.Dense(3, activation="relu"))
    model.compile("sgd", "mse")
    before = state(model)
    model.fit(np.repeat(X, 8, 0), np.ones((8, 1)), verbose=0)
    model.predict(X, verbose=0)
    model(X, training=True)
    Saliency()(model, X)
    assert state(model) == before
    parts = [layers.Conv2D(2, 2), layers.BatchNormalization(), layers.Dropout(0.5)]
    cnn = keras.Sequential([keras.Input((6, 5, 2)), *parts, layers.Flatten(), layers.Dense(2)])
    before = state(cnn)
    cnn(images(2), training=True)
    Saliency()(cnn, images(2), 0)
    assert state(cnn) == before
