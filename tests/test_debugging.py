"""Diagnoses are what was measured, on classifiers whose reasons are known."""

from __future__ import annotations

import dataclasses
import json

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai.debugging import Covered
from tfxai.errors import InvalidInputError

CLASSES = ("Top", "Left", "Nothing")


@pytest.fixture(scope="module")
def subject():
    """Class 0 is how bright the top row is, class 1 the left column, class 2 a constant."""
    inputs = keras.Input((6, 6, 1), dtype="float64")
    top = keras.ops.sum(inputs[:, 0, 1:], (1, 2))
    left = keras.ops.sum(inputs[:, 1:, 0], (1, 2))
    logits = keras.ops.stack([top, left, 0 * top + 1], axis=1)
    model = keras.Model(inputs, keras.ops.softmax(logits))
    return tfxai.Subject(model, tfxai.Card(name="known", classes=CLASSES))


def image(top=0.0, left=0.0):
    one = np.zeros((6, 6, 1))
    one[0, 1:], one[1:, 0] = top, left
    return one


X = np.stack([image(1.0, 0.5), image(0.2, 0.9), image(1.0, 0.0), image(0.1, 0.0)])


def probabilities(top, left):
    logits = np.array([5 * top, 5 * left, 1.0])
    return np.exp(logits) / np.exp(logits).sum()


def test_mistakes_are_counted_by_pair_and_measured(subject):
    found = tfxai.debug(subject, X, [1, 1, 1, 0], fill=0.0, share=5 / 36)
    assert (found.count, found.wrong) == (4, 3)
    assert found.confusions == ((1, 0, 2), (0, 2, 1))
    first = found.mistakes[0]
    before = probabilities(1.0, 0.5)
    assert (first.index, first.true, first.predicted, first.rank) == (0, 1, 0, 2)
    np.testing.assert_allclose([value for _, value in first.top], np.sort(before)[::-1])
    assert first.margin == pytest.approx(before[0] - before[1])
    assert first.overlap == 0.0  # the top row and the left column
    after = probabilities(0.0, 0.5)
    assert first.without_predicted.predicted == pytest.approx(after[0], rel=1e-5)
    assert first.without_predicted.true == pytest.approx(after[1], rel=1e-5)
    after = probabilities(1.0, 0.0)
    assert first.without_true.true == pytest.approx(after[1], rel=1e-5)


def test_the_diagnosis_says_the_numbers(subject):
    first, sure, _ = tfxai.debug(subject, X, [1, 1, 1, 0], fill=0.0, share=5 / 36).mistakes
    before, after = probabilities(1.0, 0.5), probabilities(0.0, 0.5)
    assert first.diagnosis() == (
        f"Top instead of Left, {before[0]:.0%} against {before[1]:.0%}: Left comes second. "
        "The classes are seen in different places: 0% of the most relevant positions are the same "
        f"for both. Covering the 14% that speak most for Top takes it from {before[0]:.0%} to "
        f"{after[0]:.0%}, and Left is then ahead of it: {after[1]:.0%}. Covering the 14% that "
        f"speak most for Left takes it from {before[1]:.0%} to {probabilities(1.0, 0.0)[1]:.0%}."
    )
    assert sure.without_true is None
    assert sure.diagnosis().endswith("Nothing speaks for Left.")
    assert sure.rank == 3


def test_a_map_that_is_not_borne_out_is_said_in_a_sentence_of_its_own(subject):
    first, *_ = tfxai.debug(subject, X, [1, 1, 1, 0], fill=0.0, share=5 / 36).mistakes
    risen = dataclasses.replace(first, without_true=Covered(0.01, 0.99))
    before = probabilities(1.0, 0.5)[1]
    assert risen.diagnosis().endswith(
        f"Covering the 14% that speak most for Left takes it from {before:.0%} to 99%, ahead of "
        "Top (1%). So the map is wrong there, or the blur itself speaks for Left."
    )
    behind = dataclasses.replace(first, without_true=Covered(0.6, 0.4))
    assert behind.diagnosis().endswith(
        f"Covering the 14% that speak most for Left takes it from {before:.0%} to 40%. So the map "
        "is wrong there, or the blur itself speaks for Left."
    )


def test_both_classes_in_one_place_and_a_close_call():
    inputs = keras.Input((4,), dtype="float64")
    weights = np.array([[1.0, 0.9], [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    model = keras.Model(inputs, keras.ops.softmax(inputs @ weights))
    found = tfxai.debug(model, np.ones((1, 4)), [1], "gradient_input", share=0.5)
    (one,) = found.mistakes
    assert one.overlap == 1.0
    assert "a close call" in one.diagnosis()
    assert "seen in the same place: 100%" in one.diagnosis()
    assert one.diagnosis().startswith("0 instead of 1")  # without names


def test_the_surest_mistakes_are_explained_and_contrasted(subject, tmp_path):
    found = tfxai.debug(subject, X, [1, 1, 1, 0], most=1)
    assert [one.index for one in found.mistakes] == [2]
    assert found.wrong == 3
    method = tfxai.IntegratedGradients()
    expected = method(subject, X[2:3], 0).values - method(subject, X[2:3], 1).values
    np.testing.assert_allclose(found.contrast.values, expected, atol=1e-9)
    found.plot(tmp_path / "a.png")
    record = json.loads(json.dumps(found.to_json()))
    assert record["mistakes"][0]["true_class"] == "Left"
    assert record["mistakes"][0]["diagnosis"] == found.mistakes[0].diagnosis()
    assert record["confusions"][0] == {"true": "Left", "predicted": "Top", "count": 2}


def test_a_model_without_mistakes_has_none(subject):
    found = tfxai.debug(subject, X[:2], [0, 1])
    assert (found.mistakes, found.wrong, found.contrast) == ((), 0, None)
    with pytest.raises(InvalidInputError, match="Nothing is misclassified"):
        found.plot()


def test_a_unit_with_a_probability_has_two_classes():
    model = builders.linear([[1.0], [0.0]], activation="sigmoid")
    found = tfxai.debug(model, np.array([[2.0, 0.0], [-2.0, 0.0]]), [0, 0], "gradient_input")
    (one,) = found.mistakes
    assert (one.index, one.true, one.predicted) == (0, 0, 1)
    assert one.without_predicted.predicted == pytest.approx(0.5)


def test_what_cannot_be_debugged_is_refused(subject):
    with pytest.raises(InvalidInputError, match="labels has 3, and the model has 3 classes"):
        tfxai.debug(subject, X, [0, 1, 2, 3])
    with pytest.raises(InvalidInputError, match="4 integers were expected"):
        tfxai.debug(subject, X, [0, 1])
    with pytest.raises(InvalidInputError, match="4 integers were expected"):
        tfxai.debug(subject, X, [0.0, 1.0, 2.0, 0.0])
    for weight in (3.0, 0.5):
        with pytest.raises(InvalidInputError, match="Pass a classifier"):
            tfxai.debug(builders.linear([[weight]]), np.ones((2, 1)), [0, 0])
    with pytest.raises(InvalidInputError, match="share"):
        tfxai.debug(subject, X, [0, 1, 2, 0], share=1.0)
    with pytest.raises(InvalidInputError, match="most"):
        tfxai.debug(subject, X, [0, 1, 2, 0], most=0)
