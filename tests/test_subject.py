import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tfxai.class_outputs import class_outputs
from tfxai.core import program
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError
from tfxai.methods import Saliency

CARD = tfxai.Card(name="m", classes=("Cat", "Dog", "Frog"), preprocessing=Preprocessing("tf"))


def photographs(count=2):
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def subject():
    x = keras.Input((4, 4, 3))
    model = keras.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    return tfxai.Subject(model, CARD)


def test_pixels_are_preprocessed_and_other_numbers_are_not(subject):
    pixels = photographs()
    x = pixels / 127.5 - 1
    for given in (pixels, tf.constant(pixels), list(pixels)):
        np.testing.assert_allclose(subject.prepare(given), x, atol=1e-6)
    floats = x.astype(np.float32)
    assert subject.prepare(floats) is floats
    slightly_outside = floats * 2.9  # an attack, noise: preprocessed all the same
    assert subject.prepare(slightly_outside) is slightly_outside
    assert subject.prepare([[1, 2]]) == [[1, 2]]
    assert tfxai.Subject(subject.model).prepare(pixels) is pixels
    a, b = Saliency()(subject, pixels), Saliency()(subject.model, x)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-5)
    np.testing.assert_allclose(a.inputs, x, atol=1e-6)
    assert a.class_names == CARD.classes
    assert a.preprocessing == CARD.preprocessing


def test_pixels_that_arrive_as_floats_are_refused(subject):
    for given in (photographs().astype(np.float32), photographs().astype(np.int64)):
        with pytest.raises(
            InvalidInputError, match=r"from 0 to 25\d, and preprocessed pixels from -1 to 1. Pass"
        ):
            Saliency()(subject, given)


def scaling(layer, name):
    """A classifier behind a layer that scales pixels, with a card that does so too."""
    x = keras.Input((4, 4, 3))
    h = x if layer is None else layer(x)
    model = keras.Model(x, layers.Dense(3, activation="softmax")(layers.Flatten()(h)))
    return tfxai.Subject(model, dataclasses.replace(CARD, preprocessing=Preprocessing(name)))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: layers.Rescaling(1 / 255), "unit"),
        (lambda: layers.Rescaling(1 / 255), "torch"),
        (lambda: layers.Rescaling(1 / 127.5, offset=-1), "unit"),
        (lambda: layers.Rescaling(1 / 127.5, offset=-1), "tf"),
        (lambda: layers.Normalization(mean=127.0, variance=64.0**2), "unit"),
    ],
)
def test_pixels_that_are_scaled_twice_are_told(make, name):
    said = f"The preprocessing '{name}' gives pixels a range .* Take the preprocessing 'none'"
    pixels = photographs()
    with pytest.warns(tfxai.TfxaiWarning, match=said):
        Saliency()(scaling(make(), name), pixels)
    own = scaling(make(), name)
    for use in (
        lambda: own.predict(pixels),
        lambda: class_outputs(scaling(own.model.layers[1], name), pixels),
        lambda: tfxai.debug(scaling(own.model.layers[1], name), pixels, [0, 1]),
    ):
        with pytest.warns(tfxai.TfxaiWarning, match=said):
            use()
    own.predict(pixels)  # it was said once


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: layers.Rescaling(1 / 255), "none"),
        (lambda: layers.Rescaling(1 / 255), "caffe"),
        (lambda: layers.Normalization(mean=0.5, variance=0.25**2), "unit"),
        (lambda: layers.Normalization(mean=0.0, variance=0.5**2), "tf"),
        (lambda: None, "unit"),
        (lambda: layers.BatchNormalization(), "unit"),
        (lambda: layers.Rescaling(2.0, offset=-1), "unit"),
    ],
)
def test_pixels_that_are_scaled_once_are_not(make, name):
    subject = scaling(make(), name)
    subject.predict(photographs())
    Saliency()(subject, photographs())


def test_card_that_names_other_classes_than_the_model_has_is_refused(subject):
    for names in (("Cat", "Dog"), ("a", "b", "c", "d")):
        wrong = tfxai.Subject(subject.model, dataclasses.replace(CARD, classes=names))
        with pytest.raises(
            InvalidInputError, match=f"names {len(names)} classes, and the model has 3"
        ):
            Saliency()(wrong, photographs())


def test_one_unit_stands_for_the_second_class_whatever_is_explained():
    x = keras.Input((2,))
    model = keras.Model(x, layers.Dense(1, activation="sigmoid")(x))
    subject = tfxai.Subject(model, tfxai.Card(name="pet", classes=("Cat", "Dog")))
    ones = np.ones((1, 2), np.float32)
    assert Saliency()(subject, ones, "Dog", score="output").target_names == ["Dog"]
    assert Saliency()(subject, ones, "Dog").target_names == ["Dog"]
    assert Saliency()(subject, ones, "Cat").target_names == ["Cat"]
    with pytest.raises(UnknownNameError, match=r"no class 'Cat'. Known: Dog"):
        Saliency()(subject, ones, "Cat", score="output")


def test_subject_can_be_a_key(subject):
    assert {subject: 1}[subject] == 1


def test_class_names_lead_to_targets(subject):
    a = Saliency()(subject, photographs(), target=["frog", "Cat"])
    np.testing.assert_array_equal(a.target, [2, 0])
    assert a.target_names == ["Frog", "Cat"]


def test_prediction_is_the_models_in_batches(subject, monkeypatch):
    pixels = photographs(600)
    expected = subject.model.predict(pixels / 127.5 - 1, verbose=0)
    np.testing.assert_allclose(subject.predict(pixels), expected, rtol=1e-4, atol=1e-6)
    sizes, forward = [], program.forward

    def watched(model, layout):
        run = forward(model, layout)
        return lambda leaves: sizes.append(len(leaves[0])) or run(leaves)

    monkeypatch.setattr("tfxai.subject.forward", watched)
    subject.predict(pixels)
    assert sizes == [256, 256, 88]


def test_prediction_of_a_model_with_several_outputs_is_refused():
    x = keras.Input((3,))
    model = keras.Model(x, [layers.Dense(2)(x), layers.Dense(2)(x)])
    with pytest.raises(UnsupportedModelError, match="has 2 outputs"):
        tfxai.Subject(model).predict(np.ones((4, 3)))


def test_prediction_of_bad_input_is_refused(subject):
    with pytest.raises(InvalidInputError, match="NaN or infinite"):
        subject.predict(np.full((1, 4, 4, 3), np.nan))
    with pytest.raises(InvalidInputError, match="batch is empty"):
        subject.predict(photographs(0))


def test_prediction_changes_nothing_in_the_model():
    class Counting(layers.Layer):
        def build(self, shape):
            self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.count.assign_add(1.0)
            return x + self.count

    regularised = layers.Dense(2, activity_regularizer="l2")
    model = keras.Sequential([keras.Input((3,)), Counting(), layers.Dropout(0.5), regularised])
    x = np.ones((1, 3), np.float32)
    subject = tfxai.Subject(model)
    before = [variable.numpy() for variable in model.variables]
    losses = [float(loss) for loss in model.losses]
    first, second = subject.predict(x), subject.predict(x)
    np.testing.assert_array_equal(first, second)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)
    assert [float(loss) for loss in model.losses] == losses


def test_stateful_model_is_refused():
    x = keras.Input(batch_shape=(1, 3, 2))
    model = keras.Model(x, layers.LSTM(2, stateful=True, name="memory")(x))
    with pytest.raises(UnsupportedModelError, match=r"Layer 'memory' is stateful.*stateful=False"):
        tfxai.Subject(model)


def test_what_is_no_model_is_refused():
    with pytest.raises(
        UnsupportedModelError, match=r"Got a int where a keras\.Model was expected"
    ):
        tfxai.Subject(3)
    with pytest.raises(UnsupportedModelError, match=r"tfxai\.load\('models/cnn\.keras'\)"):
        tfxai.Subject("models/cnn.keras")
    model = builders.functional()
    assert tfxai.Subject.of(model).model is model
    subject = tfxai.Subject(model, CARD)
    assert tfxai.Subject.of(subject) is subject
    assert tfxai.Subject(model).classes is None
    assert tfxai.Subject(model, tfxai.Card(name="m")).classes is None


def test_class_outputs_of_lists_of_rows_and_of_several_inputs():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
    x = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    one = keras.Model(a, keras.layers.Dense(2, activation="softmax")(a))
    expected = np.asarray(one(x))
    for given in (x, list(x)):  # a list of three rows is a batch of one input
        found = class_outputs(tfxai.Subject(one), given)
        np.testing.assert_allclose(found.values, expected, rtol=1e-6)
        assert found.are_probabilities
    joined = keras.layers.Concatenate()([a, b])
    two = keras.Model([a, b], keras.layers.Dense(2, activation="softmax")(joined))
    expected = np.asarray(two([x, 2 * x]))
    for given in ({"a": x, "b": 2 * x}, [x, 2 * x]):
        found = class_outputs(tfxai.Subject(two), given)
        np.testing.assert_allclose(found.values, expected, rtol=1e-6)
