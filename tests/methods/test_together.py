"""Several methods at once give what each gives alone, and share passes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.text.readers import looked_up
from tfxai.errors import InvalidInputError, LayerNotFoundError, UnknownNameError
from tfxai.methods.tasks import Task
from tfxai.methods.together import _groups
from tfxai.subject import Subject

X = builders.images(3)
METHODS = (
    tfxai.Saliency(),
    tfxai.GradientInput(),
    tfxai.GradCAM(layer="conv2"),
    tfxai.LayerCAM(layer="conv2"),
    tfxai.IntegratedGradients(steps=3),
    tfxai.IntegratedGradients(steps=3, baseline=0.5),
    tfxai.Occlusion(window=2),
    tfxai.RISE(samples=6),
    tfxai.LIME(mask=tfxai.Slic(4), samples=20),
)


def alike(together, apart):
    np.testing.assert_allclose(together.values, apart.values, rtol=1e-4, atol=1e-6)
    assert together.method == apart.method
    assert together.score_name == apart.score_name
    assert together.details.keys() == apart.details.keys()
    for name in ("target", "score", "baseline_score", "completeness_gap", "probability"):
        one, other = getattr(together, name), getattr(apart, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    for name in ("is_map", "is_signed", "channels", "at", "axes"):
        assert getattr(together, name) == getattr(apart, name)


@pytest.mark.parametrize("target", [None, [0, 1, 2]])
def test_the_answers_are_those_of_each_call(target):
    model = builders.functional()
    found = tfxai.explain(model, X, METHODS, target)
    for method, one in zip(METHODS, found, strict=True):
        alike(one, method(model, X, target))


def test_names_scores_layers_and_functions_are_those_of_a_call():
    model = builders.functional()
    a, b = tfxai.explain(model, X, ["saliency", "gradient_input"], 1, at="conv1", score="output")
    alike(a, tfxai.Saliency()(model, X, 1, at="conv1", score="output"))
    alike(b, tfxai.GradientInput()(model, X, 1, at="conv1", score="output"))

    def function(rows):
        return np.asarray(model(rows))

    (c,) = tfxai.explain(function, X, [tfxai.Occlusion(window=2)], 1)
    alike(c, tfxai.Occlusion(window=2)(function, X, 1))


def test_chunks_change_nothing():
    model = builders.functional()
    for one, other in zip(
        tfxai.explain(model, X, METHODS[:5], chunk_size=2),
        tfxai.explain(model, X, METHODS[:5]),
        strict=True,
    ):
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)


def test_programs_are_shared_by_score_and_baseline():
    subject = Subject.of(builders.functional())
    from tfxai.core.inputs.reading import read_inputs

    layout, leaves = read_inputs(subject.model, X)
    tasks = [Task.of(method.prepared(subject, layout), leaves, None, "auto") for method in METHODS]
    places = sorted(map(sorted, _groups(tasks)))
    assert places == [[0, 1, 2, 3, 4], [5], [6, 7, 8]]


def test_texts_are_explained_by_token_as_by_a_call():
    model, texts = looked_up(), ["good film", "bad"]
    methods = (tfxai.IntegratedGradients(steps=2), tfxai.FeatureAblation(), tfxai.KernelSHAP())
    for together, method in zip(tfxai.explain(model, texts, methods), methods, strict=True):
        apart = method(model, texts)
        np.testing.assert_array_equal(together.values, apart.values)
        assert together.tokens == apart.tokens
        assert together.at == apart.at


def test_a_shared_pass_runs_once():
    count = 0

    class Counting(keras.layers.Layer):
        def call(self, x):
            nonlocal count
            count += 1
            return x

    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(3)(Counting()(inputs)))
    x = np.ones((2, 4), "float32")
    several = ["saliency", "gradient_input", tfxai.Saliency(absolute=False)]
    tfxai.Saliency()(model, x)  # the structure of the model is read
    before = count
    tfxai.explain(model, x, several)
    assert count - before == 1  # one pass in one trace
    tfxai.explain(model, x[:1], several)
    assert count - before == 1  # and no other trace


def test_what_fits_no_method_is_refused():
    model = builders.functional()
    with pytest.raises(InvalidInputError, match="no method to explain by"):
        tfxai.explain(model, X, [])
    with pytest.raises(InvalidInputError, match="methods has 3"):
        tfxai.explain(model, X, [3])
    with pytest.raises(UnknownNameError, match="salience"):
        tfxai.explain(model, X, ["salience"])
    with pytest.raises(LayerNotFoundError):
        tfxai.explain(model, X, ["saliency", tfxai.GradCAM(layer="nowhere")])
