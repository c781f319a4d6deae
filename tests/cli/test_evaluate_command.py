"""`tfxai evaluate` measures what the library measures, and refuses what cannot be."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
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
