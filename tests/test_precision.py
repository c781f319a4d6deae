"""A model in bfloat16 beside itself in float32."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from tfxai.precision import _compared


@pytest.fixture(scope="module")
def model():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(inputs)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.Sequential(
        [keras.layers.Dense(5, name="inner"), keras.layers.ReLU()], name="nested"
    )(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="logits")(x))


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).random((2, 8, 8, 3), np.float32)


def linear(units=1):
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    last = keras.layers.Dense(units, use_bias=False, kernel_initializer="ones")
    model = keras.Model(inputs, last(hidden(inputs)))
    model.layers[1].set_weights([np.array([[1 + 2.0**-12], [1.0], [3.0], [-2.0]], np.float32)])
    return model


def test_layers_compute_in_bfloat16_and_those_of_the_outputs_do_not(model, images):
    copy = tfxai.in_bfloat16(model, images, "saliency").subject.model
    assert copy.get_layer("conv").compute_dtype == "bfloat16"
    assert copy.get_layer("nested").get_layer("inner").compute_dtype == "bfloat16"
    assert copy.get_layer("logits").compute_dtype == "float32"
    assert {variable.dtype for variable in copy.trainable_variables} == {"float32"}
    assert {layer.compute_dtype for layer in model._flatten_layers()} == {"float32"}
    for one, other in zip(model.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_error_is_that_of_rounding_a_weight():
    """Of 1 + 2^-12 bfloat16 keeps 1; the other weights it has exactly."""
    tried = tfxai.in_bfloat16(linear(), np.ones((1, 4), np.float32), "saliency")
    np.testing.assert_allclose(tried.error, 2.0**-12 / 3, rtol=1e-3)
    found = tfxai.Saliency()(tried.subject, np.ones((1, 4), np.float32))
    np.testing.assert_array_equal(found.values, [[1, 1, 3, 2]])


def test_what_is_compared_is_what_both_give(model, images):
    tried = tfxai.in_bfloat16(model, images, tfxai.SmoothGrad(samples=4, seed=1))
    target = np.argmax(model(images), axis=1)
    exact, rough = (
        tfxai.SmoothGrad(samples=4, seed=1)(one, images, target).values.reshape(2, -1)
        for one in (model, tried.subject)
    )
    apart = np.abs(exact - rough).max(axis=1) / np.abs(exact).max(axis=1)
    np.testing.assert_allclose(tried.error, apart, rtol=1e-5)
    assert 0 < apart.max() < 0.1
    expected = [np.corrcoef(one, other)[0, 1] for one, other in zip(exact, rough, strict=True)]
    np.testing.assert_allclose(tried.correlation, expected, rtol=1e-5)
    assert tried.time_ratio > 0
    assert f"{apart.max():.1%}" in repr(tried)


def test_a_score_of_no_output_is_compared_as_well():
    tried = tfxai.in_bfloat16(linear(), np.ones((1, 4), np.float32))
    assert tried.error.shape == (1,)


def test_the_question_is_that_of_the_call(model, images):
    contrast = tfxai.Contrast(0, 2)
    tried = tfxai.in_bfloat16(model, images, "saliency", score=contrast, at="conv")
    exact, rough = (
        tfxai.Saliency()(one, images, score=contrast, at="conv").values.reshape(2, -1)
        for one in (model, tried.subject)
    )
    apart = np.abs(exact - rough).max(axis=1) / np.abs(exact).max(axis=1)
    np.testing.assert_allclose(tried.error, apart, rtol=1e-5)


def test_maps_of_nothing_have_an_error_of_zero_or_none_at_all():
    exact = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 2.0]])
    rough = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 2.5]])
    error, correlation = _compared(exact, rough)
    np.testing.assert_array_equal(error, [0, np.inf, 0.25])
    np.testing.assert_array_equal(np.isnan(correlation), [True, True, False])


def test_several_inputs_and_cards_are_kept():
    left, right = keras.Input((3,), name="left"), keras.Input((2,), name="right")
    both = keras.layers.Concatenate()([left, right])
    hidden = keras.layers.Dense(4, activation="gelu")(both)
    model = keras.Model([left, right], keras.layers.Dense(2)(hidden))
    card = tfxai.Card(name="two", classes=("no", "yes"))
    random = np.random.default_rng(0)
    inputs = {
        "left": random.random((3, 3), np.float32),
        "right": random.random((3, 2), np.float32),
    }
    tried = tfxai.in_bfloat16(tfxai.Subject(model, card), inputs, target="yes")
    assert tried.error.shape == (3,)
    assert tried.subject.card is card


def test_what_cannot_be_tried_is_refused(model, images):
    with pytest.raises(UnknownNameError, match="salience"):
        tfxai.in_bfloat16(model, images, "salience")
    with pytest.raises(UnsupportedModelError, match="A function came"):
        tfxai.in_bfloat16(lambda x: tf.reduce_sum(x, 1), images)
    half = tfxai.in_bfloat16(model, images, "saliency").subject
    with pytest.raises(UnsupportedModelError, match="in mixed_bfloat16 already"):
        tfxai.in_bfloat16(half, images)


def test_texts_are_refused():
    reader = tfxai.load("sst2_transformer")
    with pytest.raises(InvalidInputError, match="texts"):
        tfxai.in_bfloat16(reader, ["a fine film"])
