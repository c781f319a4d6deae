"""Deletion, insertion and SRG of texts, by token, on models known by hand."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tests.text.readers import Tokenizer, looked_up, of_ids
from tfxai import FeatureAblation, Subject
from tfxai.baselines import Text
from tfxai.errors import InvalidInputError
from tfxai.metrics import SRG, Deletion, Insertion, PointingGame

TEXTS = ["good bad film", "film"]
OUTPUT = {"target": 0, "score": "output"}


@pytest.fixture(scope="module")
def sums() -> Subject:
    """good + bad + film = 2 - 3 + 0.25; padding and dropped words add nothing."""
    return Subject(looked_up())


@pytest.fixture(scope="module")
def drops() -> Subject:
    """The sum s of the words that are there, as s + s**2 / 2; it has a mask."""
    return Subject(of_ids(), tokenizer=Tokenizer())


def ablation(subject):
    return FeatureAblation()(subject, TEXTS, **OUTPUT)


def test_the_curve_leaves_out_the_largest_first(sums):
    found = Deletion(steps=3)(sums, TEXTS, ablation(sums), **OUTPUT)
    # good (2), film (0.25), bad (-3); the other text has one word, whose turn is the last step
    np.testing.assert_allclose(found.details["curve"][0], [-0.75, -2.75, -3, 0], atol=1e-6)
    assert found.details["curve"][1, 0] == pytest.approx(0.25)
    assert found.details["curve"][1, -1] == pytest.approx(0, abs=1e-6)
    area = (-0.75 / 2 - 2.75 - 3) / 3
    assert found.values[0] == pytest.approx(area, abs=1e-6)


def test_least_first_and_insertion_are_the_other_ways_round(sums):
    a = ablation(sums)
    least = Deletion(steps=3, least_first=True)(sums, TEXTS, a, **OUTPUT)
    np.testing.assert_allclose(least.details["curve"][0], [-0.75, 2.25, 2, 0], atol=1e-6)
    shown = Insertion(steps=3)(sums, TEXTS, a, **OUTPUT)
    np.testing.assert_allclose(shown.details["curve"][0], [0, 2, 2.25, -0.75], atol=1e-6)
    srg = SRG(steps=3)(sums, TEXTS, a, **OUTPUT)
    most = Deletion(steps=3)(sums, TEXTS, a, **OUTPUT)
    np.testing.assert_allclose(srg.values, least.values - most.values, atol=1e-6)


def test_a_token_is_dropped_where_the_model_has_a_mask(drops):
    found = Deletion(steps=3)(drops, TEXTS, ablation(drops), **OUTPUT)

    def score(total):
        return total + total**2 / 2

    values = np.array(ablation(drops).token_values[0, :3])
    words, expected = np.array([2.0, -3.0, 0.25]), [score(-0.75)]
    for k in (1, 2, 3):
        kept = np.argsort(-values, kind="stable")[k:]
        expected.append(score(words[kept].sum()))
    np.testing.assert_allclose(found.details["curve"][0], expected, atol=1e-5)


def test_words_are_replaced_by_those_of_a_text(sums):
    fill = Text("film film film")
    found = Deletion(steps=3, fill=fill)(sums, TEXTS[:1], ablation(sums)[:1], **OUTPUT)
    np.testing.assert_allclose(found.details["curve"][0], [-0.75, -2.5, -2.5, 0.75], atol=1e-6)


def test_a_text_is_measured_as_it_is_alone(sums):
    a = ablation(sums)
    both = Deletion(steps=4)(sums, TEXTS, a, **OUTPUT)
    for i, text in enumerate(TEXTS):
        alone = Deletion(steps=4)(sums, [text], a[i : i + 1], **OUTPUT)
        np.testing.assert_allclose(alone.details["curve"][0], both.details["curve"][i], atol=1e-6)


def test_what_is_not_for_texts_is_said(sums):
    a = ablation(sums)
    with pytest.raises(InvalidInputError, match="other inputs"):
        Deletion()(sums, TEXTS[::-1], a, **OUTPUT)
    with pytest.raises(InvalidInputError, match="each token has its turn"):
        Deletion(by=2)(sums, TEXTS, a, **OUTPUT)
    with pytest.raises(InvalidInputError, match="each token has its turn"):
        Deletion(fill="road")(sums, TEXTS, a, **OUTPUT)
    with pytest.raises(InvalidInputError, match=r"pointing_game does not measure .* of texts"):
        PointingGame()(sums, TEXTS, a, **OUTPUT)


def test_methods_are_measured_side_by_side_beside_a_random_one(sums):
    words = ["good", "bad", "film", "other"]
    texts = [f"{a} {b} {c}" for a in words for b in words for c in words if len({a, b, c}) == 3]
    methods = ["feature_ablation", "integrated_gradients"]
    found = tfxai.evaluate(sums, texts, methods, ["srg"], target=0, seed=3)
    (column,) = found.columns
    assert column.fill == "left out"
    assert found.controls == ("random_map",)
    # Without a softmax both methods find what each word adds, and no order is better than that.
    exact, other = (column.measurements[name].values for name in methods)
    np.testing.assert_allclose(exact, other, atol=1e-5)
    chance = column.measurements["random_map"].values
    assert (chance <= exact + 1e-6).all()
    assert chance.mean() < exact.mean() / 2
    again = tfxai.evaluate(sums, texts[::-1], methods, ["srg"], target=0, seed=3)
    values = again.columns[0].measurements["random_map"].values
    np.testing.assert_allclose(values[::-1], chance, atol=1e-6)


def test_a_method_is_run_where_no_attribution_came(sums):
    found = tfxai.metrics.Deletion(steps=3)(sums, TEXTS, tfxai.IntegratedGradients(), **OUTPUT)
    np.testing.assert_allclose(found.details["curve"][0], [-0.75, -2.75, -3, 0], atol=1e-6)
