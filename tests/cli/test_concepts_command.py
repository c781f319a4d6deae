import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai.concepts import ConceptDiscovery

WORDS = ("concepts", "tiny", "--target", "Cat", "--data", "photos")
FEW = ("--count", 3, "--samples", 2, "--crops", 2)


@pytest.fixture
def photos():
    """Class images."""
    for i in range(3):
        picture(f"photos/dog/{i}.png", seed=50 + i)
    return np.stack([picture(f"photos/cat/{i:02}.png", seed=i) for i in range(12)])


def test_the_command_gives_what_the_discovery_gives(run, models, photos):
    words = ("--numbers", "a.csv", "--save", "figures/a.png", "--seed", 3, "--cache", "kept")
    done = run(*WORDS, *FEW, *words, "--json")
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    discovery = ConceptDiscovery(concepts=3, samples=2, crops=2, seed=3)
    expected = discovery(tfxai.load(models / "tiny.keras"), photos, "Cat", progress=False)
    assert (found["target"], found["count"], found["layer"]) == ("Cat", 12, expected.layer)
    for row, wanted in zip(found["rows"], expected, strict=True):
        assert row["importance"] == pytest.approx(wanted.importance, rel=1e-4)
        assert row["boxes"] == wanted.boxes.tolist()
    with Path("a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["importance"]) for row in rows] == [r["importance"] for r in found["rows"]]
    with Image.open("figures/a.png") as figure:
        assert figure.width > figure.height > 100
    kept = sorted(Path("kept").glob("*.npy"))
    assert len(kept) == 2  # of each run's crops
    again = run(*WORDS, *FEW, *words, "--json")
    assert json.loads(again.stdout) == found
    assert sorted(Path("kept").glob("*.npy")) == kept


def test_words_say_what_was_found(run, photos):
    done = run(*WORDS, *FEW, "--layer", "Conv2D_Block3_Layer1")
    assert done.exit_code == 0, done.stderr
    assert "24 crops of 12 images of Cat at Conv2D_Block3_Layer1;" in done.stdout
    assert "Importance" in done.stdout
    assert done.stdout.splitlines()[-1] == "out/concepts.png"


BAD = {
    "a class that never occurs": (
        ("--target", "Frog"),
        "No image of --data 'photos' shows 'Frog'",
    ),
    "no class of the model": (("--target", "Yeti"), "Yeti"),
    "no layer": (("--layer", "nothing"), "nothing"),
    "a crop of nothing": (("--crop", "0"), "crop=0.0 was expected to be a number in (0, 1)"),
    "no power of two": (("--samples", "3"), "samples=3 was expected to be a power of two"),
    "too many concepts": (("--count", "900"), "900 feature maps or more"),
    "a file of numbers": (("--numbers", "a.txt"), "was expected to end in .json or .csv"),
    "no picture": (("--save", "a.txt"), "names no picture format"),
    "few images": (("--data", "photos/dog"), "3 images of class"),
    "no folder": (("--data", "nowhere"), "--data 'nowhere' is not a folder"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_what_cannot_be_discovered_ends_in_a_sentence(fails, photos, case):
    words, sentence = BAD[case]
    assert sentence in fails(*WORDS, *FEW, *words)
