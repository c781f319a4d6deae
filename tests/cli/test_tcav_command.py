import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai.concepts import TCAV, Concept, stripes

WORDS = ("tcav", "tiny", "--layer", "Conv2D_Block3_Layer1", "--target", "Cat", "--count", 10)


@pytest.fixture
def folders():
    """Class images, and random images."""
    cats = np.stack([picture(f"photos/cat/{i}.png", seed=i) for i in range(12)])
    for i in range(4):
        picture(f"photos/dog/{i}.png", seed=50 + i)
    others = np.stack([picture(f"others/{i:03}.png", seed=100 + i) for i in range(110)])
    return cats, others


def with_folders(*words):
    return (*WORDS, "--data", "photos", "--random", "others", *words)


def test_the_command_gives_what_the_test_gives(run, models, folders):
    words = ("--concept", "stripes", "--numbers", "a.csv", "--save", "figures/a.png", "--json")
    done = run(*with_folders(*words, "--seed", 3, "--draws", 49, "--cache", "kept"))
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    cats, others = folders
    expected = TCAV(
        layers="Conv2D_Block3_Layer1",
        concepts=stripes(10, 32, seed=3),
        randoms=Concept("others", others),
        draws=49,
        seed=3,
    )(tfxai.load(models / "tiny.keras"), cats, "Cat", progress=False)
    assert (found["target"], found["count"]) == ("Cat", 12)
    (row,), (wanted,) = found["rows"], expected.table()
    assert row["p_value"] == wanted["p_value"]
    assert row["score"] == wanted["score"]
    assert row["magnitude"] == pytest.approx(wanted["magnitude"], rel=1e-4)
    with Path("a.csv").open(newline="") as file:
        assert [float(line["score"]) for line in csv.DictReader(file)] == [row["score"]]
    with Image.open("figures/a.png") as figure:
        assert figure.width > figure.height > 100
    kept = sorted(Path("kept").glob("*.npy"))
    assert len(kept) == 3  # gradients, random images, stripes
    again = run(*with_folders(*words, "--seed", 3, "--draws", 49, "--cache", "kept"))
    assert json.loads(again.stdout) == found
    assert sorted(Path("kept").glob("*.npy")) == kept


def test_words_say_what_was_found_of_folders_and_colours(run, folders):
    for i in range(10):
        picture(f"spots/{i}.png", seed=300 + i)
    done = run(*with_folders("--concept", "spots", "--concept", "red", "--draws", 39))
    assert done.exit_code == 0, done.stderr
    assert "spots" in done.stdout
    assert "red" in done.stdout
    assert "12 images of Cat, 39 random concepts." in done.stdout
    assert "draws=79" in done.stderr
    assert done.stdout.splitlines()[-1] == "out/tcav.png"


BAD = {
    "a class that never occurs": (
        ("--target", "Frog"),
        "No image of --data 'photos' shows 'Frog'",
    ),
    "no class of the model": (("--target", "Yeti"), "Yeti"),
    "no class of that number": (("--target", "10"), "10"),
    "no concept": (("--concept", "tartan"), "tartan"),
    "few random images": (("--random", "photos"), "randoms has 16 different images"),
    "no layer": (("--layer", "nothing"), "nothing"),
    "a linear head": (("--layer", "MaxPool"), "Only a linear head"),
    "a file of numbers": (("--numbers", "a.txt"), "was expected to end in .json or .csv"),
    "no folder": (("--random", "nowhere"), "--random 'nowhere' is not a folder"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_cannot_be_tested_ends_in_a_sentence(fails, folders, case):
    words, sentence = BAD[case]
    assert sentence in fails(*with_folders("--concept", "stripes", *words))
