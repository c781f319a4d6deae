"""Methods that need scores only, on plain functions: the values of the model behind them."""

import gc
import threading
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests import builders
from tests.contract.cases import make
from tfxai import methods
from tfxai.core.question.scores import Contrast
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.methods import Occlusion

X = np.random.default_rng(3).normal(size=(3, *builders.IMAGE))
BLACK_BOX = sorted(name for name in methods.names() if methods.get(name).is_black_box)
OTHERS = sorted(set(methods.names(any_model=True)) - set(BLACK_BOX))


def test_all_that_perturb_the_input_take_functions():
    home = "tfxai.methods.perturbation."
    perturbing = [
        name for name in methods.names() if methods.get(name).__module__.startswith(home)
    ]
    assert perturbing == BLACK_BOX
    assert "occlusion" in BLACK_BOX


@pytest.mark.parametrize("name", BLACK_BOX)
def test_values_are_those_of_the_model_behind_the_function(name):
    model = builders.functional(dtype="float64")

    def predict(x):
        assert isinstance(x, np.ndarray)
        assert x.dtype == np.float64
        return np.asarray(model(x))

    a = make(name)(model, X, target=[0, 2, 1], score="output")
    b = make(name)(predict, X, target=[0, 2, 1])
    np.testing.assert_allclose(b.values, a.values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(b.score, a.score, rtol=1e-12)
    assert b.score_name == "output"
    assert list(make(name)(predict, X).target) == list(np.argmax(predict(X), axis=1))


@pytest.mark.parametrize("name", OTHERS)
def test_others_say_what_they_need(name):
    method = make(name)
    with pytest.raises(UnsupportedModelError, match=f"'{name}' needs the gradient or the layers"):
        method(lambda x: x.mean(axis=(1, 2)), X)


def test_whole_numbers_are_rounded_for_a_function_that_takes_them():
    seen = []

    def brightness(pixels):
        seen.append(pixels.dtype)
        return pixels.mean(axis=(1, 2, 3))

    pixels = np.random.default_rng(0).integers(0, 256, (1, 4, 4, 3)).astype(np.uint8)
    a = Occlusion(window=2, stride=2, baseline=99.6)(brightness, pixels)
    blocks = pixels.reshape(2, 2, 2, 2, 3).transpose(0, 2, 1, 3, 4).reshape(2, 2, -1)
    expected = (blocks.astype(float) - 100).sum(axis=-1) / 48
    np.testing.assert_allclose(a.values[0, ::2, ::2], expected, rtol=1e-12)
    assert set(seen) == {np.dtype(np.uint8)}


def test_tokens_of_a_text_are_occluded():
    """Whole numbers that a Keras model would only hold: here they are what is varied."""
    weights = np.array([0.0, 1.0, 10.0, 100.0])

    def score(tokens):
        return weights[tokens].sum(axis=1)

    a = Occlusion(window=1, baseline=0.0)(score, np.array([[3, 1, 0, 2]]))
    np.testing.assert_allclose(a.values, [[100, 1, 0, 10]])


def test_function_runs_in_the_thread_that_asks_and_dies_with_its_last_name(monkeypatch):
    monkeypatch.setattr(tfxai.config, "jit_compile", True)  # nothing is compiled all the same
    threads = set()

    class Scorer:
        def predict_proba(self, x):
            threads.add(threading.get_ident())
            return x.mean(axis=(1, 2))

    scorer = Scorer()
    assert np.isfinite(Occlusion(window=2)(scorer.predict_proba, X).values).all()
    assert threads == {threading.get_ident()}
    dies = weakref.ref(scorer)
    del scorer
    gc.collect()
    assert dies() is None


def test_outputs_are_explained_as_they_are():
    """Nobody knows whether they are probabilities or logits; a contrast is of the outputs."""

    def predict(x):
        return np.stack([x.sum(axis=(1, 2, 3)), 3 * x[:, 0, 0, 0]], axis=1)

    a = Occlusion(window=1)(predict, X, score=Contrast(1, 0))
    expected = 3 * X[:, 0, 0, 0] - X.sum(axis=(1, 2, 3))
    np.testing.assert_allclose(a.score, expected, rtol=1e-12)
    for score in ("probability", "logit"):
        with pytest.raises(UnsupportedModelError, match="Pass score='output'"):
            Occlusion(window=2)(predict, X, score=score)


def test_values_that_are_not_finite_are_refused():
    with pytest.raises(InvalidInputError, match="returned NaN or infinity for one of 1 examples"):
        Occlusion(window=2)(lambda x: np.full((len(x), 2), np.nan), X)


def test_errors_of_the_function_come_through():
    error = KeyError("of my own")

    def fails_later(x):
        if len(x) > 1:
            raise error
        return x.mean(axis=(1, 2))

    with pytest.raises(KeyError) as raised:
        Occlusion(window=2)(fails_later, X)
    assert raised.value is error  # with nothing of Keras around it

    def shrinks(x):
        return x.mean(axis=(1, 2))[: max(len(x) - 1, 1)]

    with pytest.raises(
        InvalidInputError, match=r"^The function returned float64 of shape \(2, 2\) for 3"
    ):
        Occlusion(window=2)(shrinks, X)


def test_memory_that_runs_out_in_the_function_halves_its_batches():
    def small(x):
        if len(x) > 7:
            raise MemoryError
        return x.mean(axis=(1, 2))

    a = Occlusion(window=2)(small, X)
    np.testing.assert_allclose(a.score, X.mean(axis=(1, 2)).max(axis=1))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: "a", r"returned <U1 of shape \(\) for 1 examples"),
        (lambda x: np.zeros((len(x) + 1, 2)), r"returned float64 of shape \(2, 2\) for 1"),
        (lambda x: np.zeros((len(x), 0)), r"shape \(1, 0\) for 1 examples"),
        (lambda x: None, "returned object"),
    ],
)
def test_answers_that_are_no_rows_of_numbers_are_refused(function, message):
    with pytest.raises(InvalidInputError, match=message):
        Occlusion(window=2)(function, X)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([["a"]], "have type <U1"),
        (np.zeros((0, 4)), r"shape \(0, 4\)"),
        (3.0, r"shape \(\)"),
        ([[1.0], [1.0, 2.0]], "are no array"),
    ],
)
def test_inputs_that_are_no_batch_are_refused(inputs, message):
    with pytest.raises(InvalidInputError, match=message):
        Occlusion()(lambda x: x, inputs)


def test_layers_of_a_function_are_refused():
    with pytest.raises(UnsupportedModelError, match="at='conv' names a layer, and a function has"):
        Occlusion()(lambda x: x.mean(axis=(1, 2)), X, at="conv")


@pytest.mark.parametrize("thing", [object(), keras.layers.Dense(2), keras.Model])
def test_what_is_neither_model_nor_function_is_refused(thing):
    with pytest.raises(UnsupportedModelError, match=r"where a keras\.Model was expected"):
        Occlusion()(thing, X)


def test_functions_of_tensorflow_and_partial_ones():
    weights = tf.constant(np.random.default_rng(0).normal(size=(60, 2)))
    graph = tf.function(lambda x: tf.reshape(x, (-1, 60)) @ weights)
    a = Occlusion(window=1, baseline=0.0)(graph, X, target=1)
    expected = (X * weights.numpy()[:, 1].reshape(builders.IMAGE)).sum(axis=-1)
    np.testing.assert_allclose(a.values, expected, rtol=1e-9)
