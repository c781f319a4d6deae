"""`tfxai evaluate` measures what the library measures, and refuses what cannot be."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import tfxai
from tests.builders import KERAS_SAVES
from tests.cli.pictures import picture
from tfxai.data import load_images

FAST = ("-m", "saliency", "-m", "gradient_input", "--fill", "blur", "--fill", "mean")


@pytest.fixture
def photos(place):
    for number in range(9):
        picture(f"photos/{('frog', 'cat', 'ship')[number % 3]}/{number}.png", (32, 32), number)
    return place / "photos"


def test_numbers_are_those_of_the_library(run, photos, models):
    done = run("evaluate", "tiny", "--data", photos, *FAST, "--csv", "a.csv", "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    images = load_images(photos, 32)[0]
    own = tfxai.evaluate(
        tfxai.load(models / "tiny.keras"),
        images,
        ["saliency", "gradient_input"],
        fills=["blur", "mean"],
    )
    for row, expected in zip(found["rows"], own.rows(), strict=True):
        assert (row["method"], row["fill"]) == (expected["method"], expected["fill"])
        np.testing.assert_allclose(row["mean"], expected["mean"], rtol=1e-3, atol=1e-6)
    with Path("a.csv").open() as file:
        assert [row["method"] for row in csv.DictReader(file)] == [
            row["method"] for row in found["rows"]
        ]
    with Image.open(found["files"]["figure"]) as figure:
        assert figure.width == 800


def test_tables_name_methods_controls_and_the_recommendation(run, photos, models):
    done = run("evaluate", "tiny", "--data", photos, "--limit", 4, *FAST, "--recommend")
    assert done.exit_code == 0, done.stderr
    for word in ("srg, fill blur", "srg, fill mean", "(random_map)", "(edge_map)", "saliency"):
        assert word in done.stdout
    own = tfxai.evaluate(
        tfxai.load(models / "tiny.keras"),
        load_images(photos, 32)[0][[0, 3, 5, 8]],
        ["saliency", "gradient_input"],
        fills=["blur", "mean"],
    )
    said = own.recommendation()[1]
    assert " ".join(said.split()) in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--metric", "srq"), "srq"),
        (("--fill", "bluur"), "bluur"),
        (("--data", "nowhere"), "'nowhere' is not a folder"),
        (("--csv", "a.txt"), "end in .csv"),
        (("--save", "a.doc"), "names no picture format"),
        (("--metric", "average_drop", "--fill", "road"), "road"),
    ],
    ids=str,
)
def test_bad_words_end_with_a_sentence(fails, photos, words, sentence):
    assert sentence in fails("evaluate", "tiny", "--data", photos, "-m", "saliency", *words)


def test_one_image_is_too_few(fails, place):
    picture("one/cat/1.png", (32, 32))
    assert "at least two" in fails("evaluate", "tiny", "--data", "one", "-m", "saliency")


LINES = ["good film", "bad film", "good good bad", "film bad bad", "good bad film"]


@pytest.fixture
def texts(place, reader):
    """The model of texts, with a file of texts beside it."""
    (place / "texts.txt").write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return reader


@pytest.mark.filterwarnings(KERAS_SAVES)
def test_texts_of_a_file_are_measured_as_by_the_library(run, texts):
    words = ("-m", "gradient_input", "-m", "feature_ablation", "--metric", "deletion", "--json")
    done = run("evaluate", texts, "--texts", "texts.txt", *words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    own = tfxai.evaluate(
        tfxai.load(texts), LINES, ["gradient_input", "feature_ablation"], ["deletion"]
    )
    assert found["data"] == "texts.txt"
    check_rows(found["rows"], own)
    few = json.loads(run("evaluate", texts, "--texts", "texts.txt", "--limit", 3, *words).stdout)
    assert few["rows"][0]["count"] == 3


def test_rows_of_a_table_are_measured_as_by_the_library(run, place, models):
    names = ["width", "height", "depth", "weight"]
    numbers = np.random.default_rng(0).normal(size=(7, 4)).round(3)
    frame = pd.DataFrame(numbers, columns=names).assign(label=range(7))
    frame.to_csv(place / "numbers.csv", index=False)
    words = ("-m", "gradient_input", "-m", "occlusion", "--metric", "deletion", "--json")
    rows = ("--rows", "numbers.csv", "--drop", "label")
    done = run("evaluate", "table", *rows, *words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    subject = tfxai.load(models / "table.keras")
    own = tfxai.evaluate(subject, frame[names], ["gradient_input", "occlusion"], ["deletion"])
    check_rows(found["rows"], own)
    assert found["rows"][0]["count"] == 7


def check_rows(rows, own):
    for row, expected in zip(rows, own.rows(), strict=True):
        assert (row["method"], row["count"]) == (expected["method"], expected["count"])
        np.testing.assert_allclose(row["mean"], expected["mean"], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--texts", "a.txt", "--rows", "a.csv"), "--texts and --rows came"),
        (("--texts", "a.txt", "--data", "cifar10"), "--data and --texts came"),
        (("--texts", "a.txt", "--resize", "64"), "--resize is about images, and --texts came"),
        (("--drop", "label"), "--drop is about a table"),
        (("--texts", "none.txt"), "'none.txt' cannot be read"),
        (("--rows", "none.csv"), "no file 'none.csv'"),
    ],
    ids=["two kinds", "images and texts", "resize", "drop", "no texts", "no rows"],
)
def test_words_about_other_kinds_are_refused(fails, words, sentence):
    assert sentence in fails("evaluate", "tiny", "-m", "saliency", *words)


def test_an_empty_table_is_refused(fails, place):
    (place / "empty.csv").write_text("a,b\n")
    words = ("-m", "saliency", "--rows", "empty.csv")
    assert "has no row below its names" in fails("evaluate", "tiny", *words)
