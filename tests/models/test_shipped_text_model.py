"""The model of texts that comes with tfxai."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tfxai.card import sha256_of
from tfxai.models.text_training import read_texts
from tfxai.registry import find, history_path, read_history


@pytest.fixture(scope="module")
def reader():
    return tfxai.load("sst2_transformer")


def test_it_takes_strings_and_is_small(reader):
    path = find("sst2_transformer")
    assert path.stat().st_size <= 5e6
    assert {variable.dtype for variable in reader.model.trainable_variables} == {"float32"}
    assert reader.card.sha256[path.name] == sha256_of(path)
    assert len(read_history(history_path(path))["loss"]) == reader.card.epochs
    logits = reader.predict(["a fine film", "a dull and stupid mess"])
    assert logits.argmax(axis=1).tolist() == [1, 0]


def test_it_is_right_as_often_as_its_card_says(reader, test_data):
    texts, labels = read_texts(test_data / "data/sst2/test.tsv")
    right = (reader.predict(texts).argmax(axis=1) == labels).mean()
    assert right >= 0.78
    assert right == pytest.approx(reader.card.accuracy, abs=0.002)


def test_words_are_explained_and_their_values_add_up(reader):
    a = tfxai.IntegratedGradients(steps=100)(reader, ["a fine film", "dull"], target="positive")
    assert a.at == "words"
    good, bad = (dict(words) for words in a.words())
    assert max(good, key=good.get) == "fine"
    assert bad["dull"] < 0
    assert (np.abs(a.completeness_gap) <= 0.01 * np.abs(a.score - a.baseline_score)).all()
    np.testing.assert_array_equal(a.token_values[1, 1:], 0)  # padding


def test_padding_gets_no_attention(reader):
    weights = tfxai.attention(reader, ["a fine film"])
    assert weights.layers == ("block0_look",)
    assert weights[0].shape[1] == 4
    np.testing.assert_allclose(weights[0][..., :3, 3:], 0, atol=1e-6)
    np.testing.assert_allclose(weights[0][..., :3, :3].sum(axis=-1), 1, atol=1e-5)
