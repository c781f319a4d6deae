"""The parts of the score that rest on position embeddings and biases, by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.text.languages import language
from tfxai import explain_generation
from tfxai.methods import LRP, LibraGrad
from tfxai.rules import Composite, Epsilon

EXACTLY = LRP(rule=Composite(dense=Epsilon(epsilon=0.0), convolution=Epsilon(epsilon=0.0)))
RNG = np.random.default_rng(3)
PLACES = RNG.normal(size=(4, 3))


class Places(layers.Layer):
    """Adds, or takes away, a vector for each position."""

    def __init__(self, sign, form):
        super().__init__(dtype="float64")
        self._sign, self._form = sign, form

    def call(self, x):
        places = keras.ops.convert_to_tensor(PLACES, "float64")
        if self._form == "for all":
            places = places[None]
        elif self._form == "repeated":
            places = keras.ops.broadcast_to(places, keras.ops.shape(x))
        return x + places if self._sign > 0 else x - places


def model(sign=1, form="plain", between=()):
    """Linear in x: positions are added, and a dense layer behind has a bias."""
    inputs = keras.Input((4, 3), dtype="float64")
    h = Places(sign, form)(inputs)
    for layer in between:
        h = layer(h)
    out = layers.Dense(2, dtype="float64", bias_initializer="normal", name="out")
    return keras.Model(inputs, out(layers.Flatten(dtype="float64")(h)))


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(1)


@pytest.mark.parametrize("method", [LibraGrad(), EXACTLY], ids=lambda one: one.name)
@pytest.mark.parametrize("form", ["plain", "for all", "repeated"])
@pytest.mark.parametrize("sign", [1, -1])
def test_shares_of_a_linear_model(method, form, sign):
    net, x = model(sign, form), RNG.normal(size=(3, 4, 3))
    a = method(net, x, target=1)
    kernel, bias = (one.numpy() for one in net.get_layer("out").weights)
    positions = sign * PLACES.ravel() @ kernel[:, 1]
    np.testing.assert_allclose(a.values.reshape(3, -1), x.reshape(3, -1) * kernel[:, 1], rtol=1e-9)
    np.testing.assert_allclose(a.details["positions"], np.full(3, positions), rtol=1e-9)
    np.testing.assert_allclose(a.details["constants"], positions + bias[1], rtol=1e-9)


def test_shares_behind_a_relu_are_those_of_each_example():
    relu = layers.ReLU(dtype="float64")
    net, x = model(between=[relu]), RNG.normal(size=(3, 4, 3))
    a = LibraGrad()(net, x, target=0)
    kernel, bias = (one.numpy() for one in net.get_layer("out").weights)
    passes = ((x + PLACES) > 0).reshape(3, -1)
    positions = (passes * PLACES.ravel()) @ kernel[:, 0]
    np.testing.assert_allclose(a.details["positions"], positions, rtol=1e-9)
    np.testing.assert_allclose(a.details["constants"], positions + bias[0], rtol=1e-9)
    assert np.ptp(positions) > 1e-3
    b = EXACTLY(net, x, target=0)
    np.testing.assert_allclose(b.details["positions"], positions, rtol=1e-7)


@pytest.mark.parametrize("method", [LibraGrad(), LRP()], ids=lambda one: one.name)
def test_values_and_constants_are_the_whole_score(method):
    inputs = keras.Input((6, 6, 2))
    h = layers.Conv2D(4, 3, activation="relu", bias_initializer="normal")(inputs)
    net = keras.Model(inputs, layers.Dense(3, bias_initializer="normal")(layers.Flatten()(h)))
    a = method(net, RNG.normal(size=(2, 6, 6, 2)).astype(np.float32), target=2)
    total = a.values.sum(axis=(1, 2, 3)) + a.details["constants"]
    np.testing.assert_allclose(total, a.score, atol=1e-5)
    assert "positions" not in a.details


def test_biases_of_heads_and_of_channels_first_are_none_of_positions():
    x = keras.Input((5, 8))
    look = layers.MultiHeadAttention(2, 4, bias_initializer="normal")
    net = keras.Model(x, layers.Dense(2)(keras.ops.mean(look(x, x), axis=1)))
    assert "positions" not in LibraGrad()(net, RNG.normal(size=(1, 5, 8)).astype("f4")).details
    image = keras.Input((3, 4, 4))
    shift = RNG.normal(size=(1, 3, 1, 1)).astype("f4")
    flat = layers.Flatten()(image + shift)
    net = keras.Model(image, layers.Dense(2)(flat))
    a = LibraGrad()(net, RNG.normal(size=(1, 3, 4, 4)).astype("f4"))
    assert "positions" not in a.details
    assert abs(a.details["constants"][0]) > 1e-3


def test_position_embeddings_of_gpt2_are_told_from_its_biases():
    model = language("gpt2")
    backbone = model.backbone
    table = next(one for one in backbone.layers if "position" in one.name).position_embeddings
    kept = table.numpy()
    asked = {"method": "libra_grad", "score": "logit"}
    g = explain_generation(model, "The France is", " Paris and", **asked)
    details = g.attribution.details
    whole = g.values.sum(axis=0) + g.output_values + details["constants"]
    np.testing.assert_allclose(whole, g.attribution.score, atol=1e-5)
    assert np.abs(details["positions"]).min() > 1e-3
    table.assign(np.zeros_like(kept))
    none = explain_generation(model, "The France is", " Paris and", **asked)
    table.assign(kept)
    np.testing.assert_allclose(none.attribution.details["positions"], 0, atol=1e-7)
