"""What cannot be answered is refused in one sentence, before anything is computed."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.contract.cases import doubles, every_method, make
from tfxai import methods
from tfxai.core import program
from tfxai.errors import (
    InvalidInputError,
    LayerNotFoundError,
    TfxaiError,
    UnknownNameError,
    UnsupportedModelError,
)


def holding(value):
    x = doubles()
    x[1, 2, 3, 0] = value
    return x


X = doubles()
NAMED = tfxai.Subject(
    builders.functional(dtype="float64"),
    tfxai.Card(name="m", classes=("Cat", "Frog", "Ship")),
)
CASES = {
    "nan": ((holding(np.nan),), {}, InvalidInputError, "NaN or infinite"),
    "infinity": ((holding(np.inf),), {}, InvalidInputError, "NaN or infinite"),
    "no batch axis": ((X[0],), {}, InvalidInputError, "batch axis"),
    "wrong size": ((X[:, :4],), {}, InvalidInputError, r"\(B, 6, 5, 2\)"),
    "empty batch": ((X[:0],), {}, InvalidInputError, "empty"),
    "text": ((np.full(X.shape, "a"),), {}, InvalidInputError, "numbers"),
    "nothing": ((None,), {}, InvalidInputError, "numbers"),
    "ragged": (([[1.0], [1.0, 2.0]],), {}, InvalidInputError, "no array"),
    "two inputs": (({"a": X, "b": X},), {}, InvalidInputError, "'a', 'b'"),
    "target too large": ((X, 3), {}, InvalidInputError, "target=3"),
    "target negative": ((X, -1), {}, InvalidInputError, "target=-1"),
    "target in the batch": ((X, [0, 7, 1]), {}, InvalidInputError, "target=7"),
    "targets for another batch": ((X, [0, 1]), {}, InvalidInputError, "3 examples"),
    "target not whole": ((X, 1.0), {}, InvalidInputError, "integer"),
    "target a bool": ((X, True), {}, InvalidInputError, "integer"),
    "unknown class": ((X, "Forg"), {}, UnknownNameError, "'Frog'"),
    "unknown score": ((X,), {"score": "logits"}, UnknownNameError, "'logit'"),
    "score of another kind": ((X,), {"score": 3}, InvalidInputError, "score=3"),
    "score a function": ((X,), {"score": max}, InvalidInputError, r"register_score"),
    "target and contrast": (
        (X, 1),
        {"score": tfxai.Contrast(0, 1)},
        InvalidInputError,
        "Leave target out",
    ),
    "contrast out of range": (
        (X,),
        {"score": tfxai.Contrast(0, 3)},
        InvalidInputError,
        "target=3",
    ),
    "neuron out of range": (
        (X,),
        {"score": tfxai.Neuron("conv1", (6, 0, 0))},
        InvalidInputError,
        r"index \(6, 0, 0\) does not lie in layer 'conv1'.*\(6, 5, 4\)",
    ),
    "neuron of no layer": (
        (X,),
        {"score": tfxai.Neuron("conv9", 0)},
        LayerNotFoundError,
        "Did you mean",
    ),
    "chunk of 0": ((X,), {"chunk_size": 0}, InvalidInputError, "chunk_size=0"),
    "chunk of 1.5": ((X,), {"chunk_size": 1.5}, InvalidInputError, "chunk_size=1.5"),
    "chunk of True": ((X,), {"chunk_size": True}, InvalidInputError, "chunk_size=True"),
}


@pytest.fixture
def nothing_runs(monkeypatch):
    """Fails where a program is compiled: checks come before the first forward pass."""

    def refuse(*args, **kwargs):
        raise AssertionError("compiled before the arguments were checked")

    monkeypatch.setattr(program, "compiled", refuse)


@every_method
@pytest.mark.parametrize("case", CASES)
@pytest.mark.usefixtures("nothing_runs")
def test_bad_argument_is_refused(name, case):
    arguments, options, error, sentence = CASES[case]
    with pytest.raises(error, match=sentence) as caught:
        make(name)(NAMED, *arguments, **options)
    assert isinstance(caught.value, TfxaiError)
    assert "\n" not in str(caught.value)


@every_method
@pytest.mark.usefixtures("nothing_runs")
def test_missing_layer_of_at_is_refused(name):
    if methods.get(name).takes_at:
        expected, sentence = LayerNotFoundError, "Did you mean 'conv"
    else:
        expected, sentence = InvalidInputError, "input only"
    with pytest.raises(expected, match=sentence):
        make(name)(NAMED, X, at="conv3")


@every_method
@pytest.mark.usefixtures("nothing_runs")
def test_class_name_without_a_card_is_refused(name):
    with pytest.raises(InvalidInputError, match="class name"):
        make(name)(NAMED.model, X, "Frog")


@every_method
@pytest.mark.parametrize("model", [None, "model.keras", np.ones(3), keras.layers.Dense(1)])
def test_what_is_no_model_is_refused(name, model):
    with pytest.raises(UnsupportedModelError, match=type(model).__name__):
        make(name)(model, X)


@every_method
def test_model_without_weights_is_refused(name):
    for model in (keras.Sequential([keras.layers.Dense(2)]), builders.Subclassed()):
        with pytest.raises(UnsupportedModelError, match="Call it once"):
            make(name)(model, X)


@every_method
def test_model_of_tf_keras_is_refused(name):
    cls = type("Model", (), {"__module__": "tf_keras.src.engine"})
    with pytest.raises(UnsupportedModelError, match="tf-keras"):
        make(name)(cls(), X)


@every_method
def test_another_backend_is_refused(name, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(UnsupportedModelError, match="KERAS_BACKEND=tensorflow"):
        make(name)(NAMED, X)


@every_method
def test_input_too_large_for_the_models_type_is_refused(name):
    with pytest.raises(InvalidInputError, match="in float32"):
        make(name)(builders.functional(), np.full(X.shape, 1e300))


def outcome(method, model, x, **where):
    """The answer, or the sentence of the refusal."""
    try:
        return method(model, x, 1, **where)
    except TfxaiError as error:
        return str(error)


@every_method
def test_integer_only_model_is_explained_at_a_layer_of_its_own_or_refused(name):
    tokens = keras.Input((4,), dtype="int32")
    words = keras.layers.Embedding(9, 2, name="words")(tokens)
    model = keras.Model(tokens, keras.layers.Conv1D(2, 3, name="conv1")(words)[:, 0])
    method, x = make(name), np.array([[1, 2, 3, 4], [5, 5, 0, 1]])
    if method.takes_any_input:
        assert np.isfinite(method(model, x, 1).values).all()
        return
    if method.takes_at:
        unsaid, asked = outcome(method, model, x), outcome(method, model, x, at="words")
        if isinstance(asked, str):
            assert unsaid == asked
            return
        assert unsaid.at == asked.at
        np.testing.assert_array_equal(unsaid.values, asked.values)
        return
    with pytest.raises(UnsupportedModelError, match="no gradient"):
        method(model, x, 1)
