"""`tfxai audit` says what the library finds."""

import csv
import json
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.builders import KERAS_SAVES
from tfxai.card import Card
from tfxai.data.preprocessing import Preprocessing

COLOURS = ((200, 20, 20), (20, 200, 20), (20, 20, 200))


@pytest.fixture
def photos(place):
    """Images of three colours, a colour a class, and a classifier by the mean colour."""
    image = keras.Input((32, 32, 3))
    means = keras.layers.GlobalAveragePooling2D()(image)
    classes = ("Red", "Green", "Blue")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        keras.Model(image, keras.ops.softmax(9 * means)).save("shares.keras")
    unit = Preprocessing("unit")
    Card(name="shares", classes=classes, input_shape=(32, 32, 3), preprocessing=unit).write(
        place / "shares.json"
    )
    random = np.random.default_rng(0)
    for number in range(30):
        name, colour = ("Red", "Green", "Blue")[number % 3], COLOURS[number % 3]
        pixels = random.integers(0, 40, (32, 32, 3)) + np.array(colour)
        path = place / "photos" / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return place / "photos"


def audit(run, *words):
    done = run("audit", "shares.keras", "--data", "photos", *words)
    assert done.exit_code == 0, done.stderr
    return done


def test_a_border_is_exchanged(run, photos):
    done = audit(run, "--border", "4", "--csv", "audit.csv", "-m", "gradient_input")
    assert "The model uses a border 4 pixels wide" in done.stdout.replace("\n", " ")
    with Path("audit.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["who"] for row in rows} == {"Red", "Green", "Blue"}
    assert all(0 < float(row["attribution_share"]) < 1 for row in rows if row["test"] != "pulled")


def test_a_background_by_masks_of_each_image_and_groups(run, photos):
    lines = ["image,group"]
    for path in photos.glob("*/*.png"):
        inside = path.relative_to(photos)
        marked = np.zeros((32, 32), np.uint8)
        marked[8:24, 8:24] = 255
        (Path("masks") / inside).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(marked).save(Path("masks") / inside)
        lines.append(f"{inside},{'ab'[int(path.stem) % 2]}")
    Path("groups.csv").write_text("\n".join(lines) + "\n")
    words = ("--mask", "masks", "--background", "--groups", "groups.csv", "--json")
    found = json.loads(audit(run, *words).stdout)
    assert {"group a", "group b"} <= {one["who"] for one in found["effects"]}
    assert any("uses the background" in one for one in found["sentences"])


def test_a_mask_lies_as_its_image_does(fails, photos):
    words = ("audit", "shares.keras", "--data", photos, "--mask", "masks")

    def write(width):
        for path in photos.glob("*/*.png"):
            (Path("masks") / path.parent.name).mkdir(parents=True, exist_ok=True)
            marked = np.zeros((32, width), np.uint8)
            marked[8:24, 8:24] = 255
            Image.fromarray(marked).save(Path("masks") / path.parent.name / path.name)

    write(48)
    assert "has 32 x 48 pixels, and the image 32 x 32" in fails(*words)
    write(32)
    Image.fromarray(np.zeros((32, 32), np.uint8)).save("masks/Red/0.bmp")
    assert "several files called '0'" in fails(*words)


def test_a_patch_is_put_in(run, photos):
    Image.fromarray(np.full((4, 4, 3), 255, np.uint8)).save("patch.png")
    done = audit(run, "--patch", "patch.png", "--at", "-4", "-4")
    assert "No use of a patch of 4 x 4" in done.stdout.replace("\n", " ")  # colours alone matter


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--border", "4", "--patch", "patch.png"), "--patch and --border came"),
        (("--background",), "no --mask came"),
        (("--border", "40"), "leaves nothing"),
        (("--mask", "nowhere"), "nowhere"),
        (("--border", "4", "--csv", "audit.txt"), "end in .csv"),
        (("--border", "4", "--groups", "nowhere.csv"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_is_one_sentence(fails, photos, words, sentence):
    assert sentence in fails("audit", "shares.keras", "--data", "photos", *words)
