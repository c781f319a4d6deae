"""`tfxai train-texts`, from files of sentences to a model that explains them."""

from __future__ import annotations

import inspect

import pytest

from tests.builders import KERAS_SAVES
from tests.models.test_text_training import sentences
from tfxai.cli.train_texts import train_texts
from tfxai.models import TextTrainingConfig

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)


def test_a_model_is_trained_and_explains_a_text(run, place):
    (place / "texts").mkdir()
    for seed, name in enumerate(("train", "test")):
        (place / "texts" / f"{name}.tsv").write_text(sentences(80, seed), encoding="utf-8")
    small = ("--dim", "8", "--heads", "2", "--length", "6", "--epochs", "2")
    named = ("--class-name", "bad", "--class-name", "good")
    small = ("--dim", "8", "--heads", "2", "--length", "6", "--epochs", "2")
    named = ("--class-name", "bad", "--class-name", "good")
    done = run("train-texts", "texts", "--out", "own/words.keras", *small, *named)
    assert done.exit_code == 0, done.stderr
    assert "test accuracy" in done.stdout
    explained = run("explain", "own/words", "--text", "a fine film", "-m", "gradient_input",
                    "--target", "good", "--format", "json")  # fmt: skip
    assert explained.exit_code == 0, explained.stderr
    assert "fine" in explained.stdout


def test_a_folder_without_texts_is_said(fails, place):
    (place / "empty").mkdir()
    assert "train.tsv" in fails("train-texts", "empty", "--out", "own.keras")


def test_the_words_of_the_command_have_the_defaults_of_the_options():
    given = inspect.signature(train_texts).parameters
    for name, field in TextTrainingConfig.__dataclass_fields__.items():
        if name not in ("data", "class_names"):
            assert given[name].default == field.default, name
