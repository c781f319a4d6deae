"""Texts explained by tokens that are dropped or replaced, one by one or in groups."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tfxai
from tests.text.readers import LENGTH, TABLE, Tokenizer, bert, looked_up, of_ids
from tfxai import (
    LIME,
    RISE,
    FeatureAblation,
    KernelSHAP,
    Occlusion,
    ShapleySampling,
    Subject,
)

FINE, LONG = "a fine film", "a badly made film . never again !"
METHODS = (
    FeatureAblation(), Occlusion(), RISE(samples=12), LIME(samples=40), KernelSHAP(samples=40),
    ShapleySampling(samples=4),
)  # fmt: skip


def logits(model, ids, length=LENGTH):
    """The model run on these tokens alone, without padding."""
    count = len(ids)
    inputs = {
        "token_ids": np.array([ids]),
        "padding_mask": np.ones((1, count), bool),
        "segment_ids": np.zeros((1, count), int),
    }
    return model(inputs).numpy()[0]


def test_a_dropped_token_leaves_the_model_without_it():
    model = bert()
    a = FeatureAblation()(Subject(model), [LONG], 1, score="logit")
    ids = np.asarray(model.preprocessor([LONG])["token_ids"])[0]
    ids = [int(one) for one in ids if one]
    whole = logits(model, ids)[1]
    without = [logits(model, ids[:i] + ids[i + 1 :])[1] for i in range(1, len(ids) - 1)]
    np.testing.assert_allclose(
        a.token_values[0, 1 : len(ids) - 1], whole - np.array(without), atol=1e-5
    )
    np.testing.assert_allclose(a.baseline_score, logits(model, [2, 3])[1], atol=1e-5)
    assert a.token_values[0, 0] == a.token_values[0, len(ids) - 1] == 0
    assert not a.token_values[0, len(ids) :].any()


def test_words_and_sentences_are_dropped_whole():
    model = bert()
    ids = [int(one) for one in np.asarray(model.preprocessor([LONG])["token_ids"])[0] if one]
    words = FeatureAblation(mask="words")(Subject(model), [LONG], 1, score="logit")
    without = logits(model, [ids[0], ids[1], *ids[4:]])[1]  # badly
    word, value = words.words()[0][1]
    assert word == "badly"
    np.testing.assert_allclose(value, logits(model, ids)[1] - without, atol=1e-5)
    parts = FeatureAblation(mask="sentences")(Subject(model), [LONG], 1, score="logit")
    second = [value for _, value in parts.words()[0][5:]]
    whole = logits(model, ids)[1] - logits(model, [*ids[:7], 3])[1]
    np.testing.assert_allclose(sum(second), whole, atol=1e-5)
    np.testing.assert_allclose(second, whole / len(second), atol=1e-5)


def test_a_replaced_token_stands_where_it_was():
    subject = Subject(bert())
    a = FeatureAblation(baseline="mask")(subject, [FINE], 1, score="logit")
    encoded = subject.encoder.encode([FINE]).inputs
    ids = np.repeat(encoded["token_ids"], 3, axis=0)
    ids[np.arange(3), np.arange(1, 4)] = 4
    inputs = {name: np.repeat(array, 3, axis=0) for name, array in encoded.items()}
    left = subject.model(inputs | {"token_ids": ids}).numpy()[:, 1]
    np.testing.assert_allclose(a.token_values[0, 1:4], a.score[0] - left, atol=1e-5)


def shapley(values):
    """Shapley values of numbers e in the game s + s^2 / 2 of their sum, by all orders."""
    found = np.zeros(len(values))
    for order in itertools.permutations(range(len(values))):
        total = 0.0
        for i in order:
            after = total + values[i]
            found[i] += after + 0.5 * after**2 - total - 0.5 * total**2
            total = after
    return found / math.factorial(len(values))


@pytest.mark.parametrize("text", ["good film bad", "bad film"])
def test_shapley_values_of_tokens_by_all_orders(text):
    subject = Subject(of_ids(), tokenizer=Tokenizer())
    a = KernelSHAP()(subject, [text], score="output")
    each = [TABLE[Tokenizer.words.index(word), 0] for word in text.split()]
    np.testing.assert_allclose(a.token_values[0, : len(each)], shapley(each), rtol=1e-4, atol=1e-4)
    assert abs(a.completeness_gap[0]) < 1e-4


@pytest.mark.parametrize(("words", "count"), [(1, 1), (4, 5), (6, 7)])  # "bad" "##ly"
def test_values_that_are_fitted_are_those_of_the_tokens_alone(words, count):
    """A number without a token would take a share of what was drawn, and take it away."""
    subject, text = Subject(bert()), " ".join(LONG.split()[:words])
    for method in (KernelSHAP(samples=20), LIME(samples=20)):
        a = method(subject, [text], 1, score="logit")
        assert a.details["features"].shape[1] == max(count, 2)
        if method.completes:
            np.testing.assert_allclose(a.values.sum(), a.score[0] - a.baseline_score[0], atol=1e-5)


def test_without_a_mask_padding_takes_the_place_of_tokens():
    a = FeatureAblation()(looked_up(), ["good film", "bad film bad"])
    expected = [[2, 0.25, 0, 0], [-3, 0.25, -3, 0]]
    np.testing.assert_allclose(a.token_values, expected, rtol=1e-6)
    unknown = FeatureAblation(baseline="mask")(looked_up(), ["good film"])
    np.testing.assert_allclose(unknown.token_values, [[1.5, -0.25, 0, 0]], rtol=1e-6)
    text = FeatureAblation(baseline="bad bad")(looked_up(), ["good film"])
    np.testing.assert_allclose(text.token_values, [[5, 3.25, 0, 0]], rtol=1e-6)


def test_what_texts_were_compared_with_is_named():
    dropped = FeatureAblation()(Subject(bert()), [FINE], 1)
    assert dropped.method["options"]["baseline"] is None
    assert "at the baseline (words left out) " in dropped._repr_html_()
    model = looked_up()  # without a mask
    replaced = FeatureAblation()(model, ["good film"])
    assert replaced.method["options"]["baseline"] == {"name": "pad", "options": {}}
    assert "at the baseline (pad) " in replaced._repr_html_()
    again = FeatureAblation(baseline="pad")(model, ["good film"])
    np.testing.assert_array_equal(again.values, replaced.values)
    own = FeatureAblation(baseline="bad bad")(model, ["good film"])
    assert "at the baseline (bad bad) " in own._repr_html_()


def test_integers_group_tokens():
    mask = np.array([0, 1, 0, 0])
    a = FeatureAblation(mask=mask)(looked_up(), ["good bad film"])
    np.testing.assert_allclose(a.token_values, [[1.125, -3, 1.125, 0]], rtol=1e-6)


def test_dropping_works_where_texts_are_filled_up_on_the_left():
    class Left(Tokenizer):
        def __call__(self, texts):
            made = super().__call__(texts)
            return {
                name: [[0] * row.count(0) + [one for one in row if one] for row in rows]
                for name, rows in made.items()
            }

    a = FeatureAblation()(Subject(of_ids(), tokenizer=Left()), ["good film"], score="output")
    b = FeatureAblation()(Subject(of_ids(), tokenizer=Tokenizer()), ["good film"], score="output")
    np.testing.assert_allclose(a.token_values[0, 2:], b.token_values[0, :2], rtol=1e-6)
    assert a.words()[0][0][0] == "good"


@pytest.mark.parametrize("method", METHODS, ids=lambda one: one.name)
def test_texts_at_once_equal_each_alone(method):
    subject = Subject(of_ids(), tokenizer=Tokenizer())
    texts = ["bad film", "good film bad good", "film good"]
    both = method(subject, texts, [0, 0, 0])
    for i, text in enumerate(texts):
        alone = method(subject, [text], 0)
        np.testing.assert_allclose(alone.token_values[0], both.token_values[i], atol=1e-5)
    assert both.method["name"] == method.name
    assert [word for word, _ in both.words()[1]] == ["good", "film", "bad", "good"]
    assert np.isfinite(both.token_values).all()
    assert np.abs(both.token_values[:, :2]).min() > 0
    assert not both.token_values[0, 2:].any()


@pytest.mark.parametrize("mask", ["words", "sentences"])
def test_words_are_none_of_arrays(mask):
    inputs = np.zeros((1, 4), np.int32)
    given = {"token_ids": inputs, "padding_mask": inputs}
    for method in (FeatureAblation(mask=mask), KernelSHAP(mask=mask), LIME(mask=mask)):
        with pytest.raises(tfxai.errors.InvalidInputError, match="parts texts"):
            method(of_ids(), given, 0)


def test_what_is_no_group_of_tokens_is_refused():
    subject = Subject(of_ids(), tokenizer=Tokenizer())
    for mask in (tfxai.Slic(), np.zeros((3, 3), int)):
        with pytest.raises(tfxai.errors.InvalidInputError, match="'tokens', 'words'"):
            FeatureAblation(mask=mask)(subject, ["good film"], 0)
    with pytest.raises(tfxai.errors.InvalidInputError, match="of vectors"):
        FeatureAblation(baseline="zero")(subject, ["good film"], 0)
    with pytest.raises(tfxai.errors.InvalidInputError):
        FeatureAblation(mask="letters")


def test_the_model_is_as_before():
    model = bert()
    layers = [layer.name for layer in model._flatten_layers()]
    before = [variable.numpy() for variable in model.variables]
    FeatureAblation()(Subject.of(model), [FINE], 1)
    assert layers == [layer.name for layer in model._flatten_layers()]
    for variable, old in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)
