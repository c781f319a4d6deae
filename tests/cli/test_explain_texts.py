"""`tfxai explain` of models that take texts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.builders import KERAS_SAVES
from tfxai import Attribution, FeatureAblation

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)


@pytest.mark.parametrize(
    ("term", "colours"), [("xterm", False), ("xterm-256color", True), ("dumb", False)]
)
def test_a_terminal_of_few_colours_gets_numbers(run, reader, monkeypatch, term, colours):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("COLORTERM", raising=False)
    words = ("-m", "feature_ablation", "--score", "output", "--target", "1")
    done = run("explain", reader, "--text", "good film", *words)
    assert done.exit_code == 0, done.stderr
    assert ("+2.000" in done.stdout) != colours
    assert ("Red raises the score" in done.stdout) == colours


WORDS = ("-m", "feature_ablation", "-m", "integrated_gradients", "--score", "output")


def test_words_have_values_and_files_are_written(run, place, reader):
    done = run("explain", reader, "--text", "good film", "--text", "bad", *WORDS, "--target", "1",
               "--html", "page.html")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "good +2.000 film +0.250" in done.stdout
    assert "bad -3.000" in done.stdout
    names = sorted(path.name for path in (place / "out/explain").iterdir())
    kinds = ("feature_ablation", "integrated_gradients")
    assert names == sorted(f"texts.{name}.{end}" for name in kinds for end in ("npz", "png"))
    a = Attribution.load(place / "out/explain/texts.feature_ablation.npz")
    assert a.words()[1] == [("bad", -3.0)]
    assert a.method == FeatureAblation(baseline="pad")._record()  # the model has no mask
    page = (place / "page.html").read_text(encoding="utf-8")
    assert page.count("<h2>") == 2
    assert "good" in page


def test_texts_of_a_file_come_a_line_each(run, place, reader):
    (place / "texts.txt").write_text("good film\nbad film\n", encoding="utf-8")
    done = run("explain", reader, "--texts", "texts.txt", "-m", "feature_ablation", "--json",
               "--target", "1", "--score", "output", "--format", "json")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert [one["text"] for one in found] == ["good film", "bad film"]
    values = [word["value"] for word in found[1]["words"]]
    np.testing.assert_allclose(values, [-3.0, 0.25], rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Nothing came to explain"),
        (("photo.png", "--text", "a"), "IMAGE is not about texts"),
        (("--text", "a", "--true-label"), "--true-label is not about texts"),
        (("--text", ""), "texts[0] is empty"),
        (("--texts", "nowhere.txt"), "cannot be read"),
        (("--texts", "empty.txt"), "Line 2 of 'empty.txt' is empty"),
        (("--texts", "latin.txt"), "no text in UTF-8"),
        (("--text", "a", "--format", "csv"), "csv is not for texts"),
    ],
)
def test_bad_words_are_refused_in_one_sentence(run, place, reader, words, sentence):
    (place / "empty.txt").write_text("good\n\nbad\n")
    (place / "latin.txt").write_bytes(b"\xe9t\xe9\n")
    done = run("explain", reader, *words, "-m", "feature_ablation")
    assert done.exit_code != 0
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_model_of_images_takes_no_texts(run):
    done = run("explain", "tiny", "--text", "a film", "-m", "saliency")
    assert done.exit_code != 0
    assert "takes no texts" in done.stderr
