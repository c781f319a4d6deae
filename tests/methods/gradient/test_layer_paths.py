"""Conductance and internal influence: closed forms, definitions, and what they add up to."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.core.sampling.quadrature import RULES, quadrature
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnsupportedModelError
from tfxai.methods import Conductance, IntegratedGradients, InternalInfluence

CASES = (
    Case(
        method=Conductance,
        adds_up_on_relus=False,
        linear=lambda s: s.w * (s.x - s.b),
        others={"layer": "conv2", "steps": 3, "rule": "riemann_left", "baseline": 0.5},
        options={"layer": "conv1"},
    ),
    Case(
        method=InternalInfluence,
        linear=lambda s: s.w * s.ones,
        others={"layer": "conv2", "steps": 3, "rule": "riemann_left", "baseline": 0.5},
        options={"layer": "conv1"},
    ),
)


X = np.array([[1.0, 2.0], [-0.5, 3.0]])


def product_of_hidden():
    """h = x W, f = h0 h1 + 3 h2."""
    x = keras.Input((2,), dtype="float64")
    hidden = layers.Dense(3, use_bias=False, name="hidden", dtype="float64")
    h = hidden(x)
    model = keras.Model(x, h[:, :1] * h[:, 1:2] + 3 * h[:, 2:])
    weights = np.array([[1.0, 2.0, 0.5], [-1.0, 1.0, 1.0]])
    hidden.set_weights([weights])
    return model, weights


def test_conductance_of_a_product_of_units_splits_evenly():
    model, weights = product_of_hidden()
    h = X @ weights
    a = Conductance(layer="hidden", steps=2)(model, X)
    expected = np.stack([h[:, 0] * h[:, 1] / 2, h[:, 0] * h[:, 1] / 2, 3 * h[:, 2]], axis=1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)
    assert a.at == "hidden"


def test_influence_of_a_product_of_units_is_the_mean_of_the_other():
    model, weights = product_of_hidden()
    h = X @ weights
    a = InternalInfluence(layer="hidden", steps=2)(model, X)
    expected = np.stack([h[:, 1] / 2, h[:, 0] / 2, np.full(2, 3.0)], axis=1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-12)
    assert a.completeness_gap is None


def slow_parts(network, x, x0, target, rule, steps):
    """Conductance (Eq. 2) and influence at the second ReLU, point by point."""
    nodes, weights = quadrature(rule, steps)
    conductance = influence = 0.0
    step = 1e-6
    for alpha, weight in zip(nodes, weights, strict=True):
        point = x0 + alpha * (x - x0)
        _, _, gradient = network.gradients(point, target)
        ahead, behind = (
            np.maximum(network.forward(point + s * step * (x - x0))[1], 0) for s in (1, -1)
        )
        influence = influence + weight * gradient
        conductance = conductance + weight * gradient * (ahead - behind) / (2 * step)
    return conductance, influence


@pytest.mark.parametrize("rule", ["gauss_legendre", "riemann_trapezoid"])
def test_definitions_on_a_convolutional_network(rule):
    network = SlowNetwork(3)
    model = network.keras_model("softmax")
    x = np.random.default_rng(8).normal(size=(2, *network.shape))
    options = {"layer": "second", "steps": 5, "rule": rule, "baseline": 0.1}
    conductance, influence = (
        cls(**options)(model, x, target=1).values for cls in (Conductance, InternalInfluence)
    )
    for i, one in enumerate(x):
        expected = slow_parts(network, one, np.full_like(one, 0.1), 1, rule, 5)
        # central differences of a piecewise linear function: exact but for their rounding
        np.testing.assert_allclose(conductance[i], expected[0], atol=1e-7)
        np.testing.assert_allclose(influence[i], expected[1], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("layer", ["conv1", "conv2", "flat"])
def test_conductance_adds_up_to_what_integrated_gradients_adds_up_to(layer, rule):
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    options = {"steps": 4, "rule": rule, "baseline": 0.5}
    ig = IntegratedGradients(**options)(model, x, target=1)
    a = Conductance(layer=layer, **options)(model, x, target=1)
    np.testing.assert_allclose(a.completeness_gap, ig.completeness_gap, rtol=1e-9, atol=1e-12)
    total = a.values.reshape(3, -1).sum(axis=1)
    np.testing.assert_allclose(total, ig.values.reshape(3, -1).sum(axis=1), rtol=1e-10)


def test_set_of_baselines_averages():
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    background = builders.images(2, seed=3).astype(np.float64)
    for cls in (Conductance, InternalInfluence):
        each = [
            cls(layer="conv1", baseline=one, steps=3)(model, x, 0).values for one in background
        ]
        samples = tfxai.baselines.Samples(background)
        a = cls(layer="conv1", baseline=samples, steps=3)(model, x, 0)
        np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-9, atol=1e-13)


def test_nested_and_subclassed_models():
    x = builders.images(2)
    model = builders.nested()
    flat = builders.same_weights(builders.functional, model)
    subclassed = builders.same_weights(builders.subclassed, model)
    for cls in (Conductance, InternalInfluence):
        expected = cls(layer="conv1")(flat, x, 0).values
        a = cls(layer="backbone/conv1")(model, x, 0)
        np.testing.assert_allclose(a.values, expected, rtol=1e-4, atol=1e-6)
        b = cls(layer="conv1")(subclassed, x, 0)
        np.testing.assert_allclose(b.values, expected, rtol=1e-4, atol=1e-6)


def test_layers_that_cannot_be_used_are_refused():
    x = keras.Input((2,))
    aside = layers.Dense(2, name="aside")(x)
    main = layers.Dense(1, name="main")(x)
    model = keras.Model(x, main + 0 * keras.ops.sum(keras.ops.stop_gradient(aside)))
    for cls in (Conductance, InternalInfluence):
        with pytest.raises(LayerNotFoundError, match=r"no layer 'man'. Did you mean 'main'"):
            cls(layer="man")(model, X)
        with pytest.raises(UnsupportedModelError, match="does not depend on layer 'aside'"):
            cls(layer="aside")(model, X)
        with pytest.raises(InvalidInputError, match="layer=3 was expected to be the path"):
            cls(layer=3)
        with pytest.raises(LayerNotFoundError, match=r"no layer 'man'. Did you mean 'main'"):
            cls(layer="main")(model, X, at="man")
