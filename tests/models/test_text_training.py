"""Training on texts whose class is that of one word."""

from __future__ import annotations

import shlex

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests.builders import KERAS_SAVES
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.models import (
    TextTrainingConfig,
    history_path,
    read_history,
    text_transformer,
    train_texts,
)
from tfxai.models.text_training import _Batches, read_texts
from tfxai.registry import find

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
FILLING = ["the", "a", "of", "film", "story", "that", "is", "was", "it", "one"]
SMALL = {"dim": 8, "heads": 2, "length": 6, "epochs": 20, "batch_size": 8, "dropout": 0.1}
SMALL |= {"learning_rate": 0.02, "word_dropout": 0.05, "class_names": ("bad", "good")}


def sentences(count: int, seed: int) -> str:
    """Lines of five words, of which one is "fine" or "poor"."""
    rng = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        label, words = int(rng.integers(2)), list(rng.choice(FILLING, 4))
        words.insert(int(rng.integers(5)), ("poor", "fine")[label])
        lines.append(f"{' '.join(words)}\t{label}\n")
    return "".join(lines)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for seed, (name, count) in enumerate((("train", 200), ("dev", 40), ("test", 60))):
        (folder / f"{name}.tsv").write_text(sentences(count, seed), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "words.keras"
    return out, train_texts(TextTrainingConfig(data=str(data), out=str(out), **SMALL))


def test_the_word_that_says_the_class_is_learned(trained):
    out, (model, history, card) = trained
    assert card.accuracy > 0.95
    assert card.classes == ("bad", "good")
    assert len(history["loss"]) == len(history["val_accuracy"]) == SMALL["epochs"]
    assert history["loss"][-1] < history["loss"][0] / 3
    subject = tfxai.load(out)
    texts = ["the fine story", "that film was poor"]
    raw = model(tf.constant(texts)[:, None], training=False)
    np.testing.assert_allclose(subject.predict(texts), raw, atol=1e-6)
    assert read_history(history_path(find(out))) == history


def test_the_word_that_says_the_class_decides(trained):
    subject = tfxai.load(trained[0])
    texts = ["the fine story", "the poor story"]
    assert subject.predict(texts).argmax(axis=1).tolist() == [1, 0]
    a = tfxai.IntegratedGradients(steps=100)(subject, texts, target="good")
    fine, poor = (dict(words) for words in a.words())
    assert fine["fine"] > poor["poor"] + 1  # the other words are the same
    assert (np.abs(a.completeness_gap) <= 0.02 * np.abs(a.score - a.baseline_score)).all()


def test_the_command_on_the_card_has_every_option(trained, data):
    words = shlex.split(trained[1].card.command)
    assert words[:3] == ["tfxai", "train-texts", str(data)]
    given: dict[str, list[str]] = {}
    for name, value in zip(words[3::2], words[4::2], strict=True):
        given.setdefault(name.removeprefix("--").replace("-", "_"), []).append(value)
    names = tuple(given.pop("class_name"))
    options = {name: type(SMALL.get(name, ""))(value) for name, (value,) in given.items()}
    again = TextTrainingConfig(data=words[2], class_names=names, **options)
    assert again == TextTrainingConfig(data=str(data), out=str(trained[0]), **SMALL)


def test_batches_are_drawn_by_the_seed_alone():
    ids, labels = np.arange(1, 41).reshape(10, 4), np.arange(10)

    def drawn(seed):
        config = TextTrainingConfig(data="x", seed=seed, batch_size=4, word_dropout=0.5)
        batches = _Batches(ids, labels, config)
        first = [batches[i] for i in range(len(batches))]
        batches.on_epoch_end()
        return first + [batches[i] for i in range(len(batches))]

    one, same, other = drawn(3), drawn(3), drawn(4)
    for (x, y), (again, of) in zip(one, same, strict=True):
        np.testing.assert_array_equal(x, again)
        np.testing.assert_array_equal(y, of)
        for row, label in zip(x, y, strict=True):
            assert set(row) <= {*ids[label], 1}  # whole, but for words taken for unknown
    assert sorted(np.concatenate([y for _, y in one[:3]])) == list(range(10))
    assert any((x != y).any() for (x, _), (y, _) in zip(one, other, strict=True))
    assert any((x != y).any() for (x, _), (y, _) in zip(one[:3], one[3:], strict=True))


def test_padding_changes_no_answer():
    keras.utils.set_random_seed(1)
    words = ["fine", "film", "bad"]
    model = text_transformer(words, 2, length=4, dim=8, heads=2)
    longer = text_transformer(words, 2, length=9, dim=8, heads=2)
    for layer in model.layers:
        own = layer.get_weights()
        if own and layer.name == "places":
            own = [np.concatenate([own[0], np.ones((5, 8), np.float32)])]
        if own and layer.name != "look_up":
            longer.get_layer(layer.name).set_weights(own)
    texts = tf.constant([["a fine film"], ["bad"]])
    np.testing.assert_allclose(longer(texts), model(texts), atol=1e-5)


def test_a_text_without_words_has_a_finite_answer():
    model = text_transformer(["fine"], 3, length=4, dim=8, heads=2)
    assert np.isfinite(model(tf.constant([[""], ["!"]]))).all()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [("fine film", "Line 1"), ("fine\tgood", "Line 1"), ("\t1", "Line 1"), ("", "no texts")],
    ids=["no tab", "no number", "no text", "nothing"],
)
def test_a_line_that_is_none_is_said(tmp_path, line, sentence):
    (tmp_path / "train.tsv").write_text(line)
    with pytest.raises(InvalidInputError, match=sentence):
        read_texts(tmp_path / "train.tsv")


def test_texts_that_are_not_there_are_said(tmp_path):
    with pytest.raises(DataNotFoundError, match=r"train\.tsv"):
        train_texts(TextTrainingConfig(data=str(tmp_path), out=str(tmp_path / "m.keras")))


@pytest.mark.parametrize(
    "options",
    [{"dim": 10, "heads": 4}, {"dropout": 1.0}, {"epochs": 0}, {"out": "m.txt"}, {"rare": 1.5}],
    ids=str,
)
def test_options_that_cannot_be_used_are_refused(data, options):
    with pytest.raises(InvalidInputError):
        TextTrainingConfig(data=str(data), **options)


def test_names_of_classes_fit_the_labels(data, tmp_path):
    options = {**SMALL, "class_names": ("a", "b", "c"), "out": str(tmp_path / "m.keras")}
    with pytest.raises(InvalidInputError, match="3 names of classes came, and the texts are of 2"):
        train_texts(TextTrainingConfig(data=str(data), **options))
