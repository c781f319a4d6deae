"""Explanations that are not finite are refused, and the layer is named."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tfxai.errors import NotFiniteError, UnsupportedModelError
from tfxai.methods import IntegratedGradients, Saliency


class Root(layers.Layer):
    """sqrt(|x|): 0 at 0, where its slope is infinite."""

    def call(self, x):
        return keras.ops.sqrt(keras.ops.abs(x))


class Inverse(layers.Layer):
    def call(self, x):
        return 1 / x


def chain(*parts):
    x = keras.Input((3,))
    return keras.Model(x, builders.chain(x, parts))


def identity(name):
    return layers.Dense(3, kernel_initializer="identity", name=name)


X = np.array([[1.0, 2.0, 3.0], [1.0, 0.0, 2.0]])


def test_layer_whose_output_is_not_finite_is_named():
    model = chain(identity("first"), Inverse(name="inverse"), identity("last"))
    with pytest.raises(
        NotFiniteError, match=r"for example 1. Layer 'inverse' returns NaN or infinity"
    ) as got:
        Saliency()(model, X, 0)
    assert got.value.example == 1
    assert isinstance(got.value, UnsupportedModelError)


def test_layers_between_which_the_gradient_is_lost_are_named():
    model = chain(identity("first"), Root(name="root"), identity("last"))
    with pytest.raises(
        NotFiniteError, match=r"no longer finite between layer 'root' and layer 'first'"
    ):
        Saliency()(model, X, 1)
    with pytest.raises(
        NotFiniteError, match=r"no longer finite between layer 'root' and the input"
    ):
        Saliency()(chain(Root(name="root"), identity("last")), X, 1)


def test_gradient_lost_on_the_way_to_the_input_says_so():
    model = chain(Root(name="root"), identity("last"))
    method = IntegratedGradients(rule="riemann_left")  # its first point is the baseline
    with pytest.raises(NotFiniteError, match=r"for example 0\. It happens away from the input"):
        method(model, X[:1], 1)


def test_finite_values_are_not_touched():
    model = chain(identity("first"), Inverse(name="inverse"), identity("last"))
    a = Saliency()(model, X[:1], 1)
    np.testing.assert_allclose(a.values, [[0, 1 / 4, 0]], rtol=1e-6)


def test_many_models_that_are_not_finite_draw_no_warning_of_tensorflow(caplog):
    for _ in range(10):
        with pytest.raises(NotFiniteError):
            Saliency()(chain(Root(name="root"), identity("last")), X, 1)
    assert caplog.text == ""
