import json

import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.cli.pictures import picture
from tfxai.data import load_cifar10, load_images


@pytest.fixture
def photos(place):
    """Photographs in folders called like three of the model's classes, in other letters."""
    for number in range(12):
        picture(f"photos/{('frog', 'Cat', 'ship')[number % 3]}/{number}.png", (40, 40), number)
    return place / "photos"


def test_accuracy_is_the_share_of_images_whose_best_output_is_their_class(run, models, photos):
    done = run("accuracy", "tiny", "--data", photos, "--json")
    found = json.loads(done.stdout)
    images, labels, classes = load_images(photos, 32)
    subject = tfxai.load(models / "tiny.keras")
    numbers = {name.lower(): number for number, name in enumerate(subject.classes)}
    outputs = np.array([numbers[name.lower()] for name in classes])[labels]
    right = int((subject.predict(images).argmax(axis=1) == outputs).sum())
    assert (found["images"], found["right"], found["accuracy"]) == (12, right, right / 12)


# `by_colour` sees green twice as strong: it is right on 2 blue, 4 green and 3 red ones.
COLOURS = {
    "Blue": [(0, 50, 200), (60, 10, 130), (200, 0, 50), (90, 70, 120)],
    "green": [(100, 80, 0), (0, 90, 150), (30, 200, 30), (120, 90, 0)],
    "red": [(200, 50, 0), (250, 100, 40), (90, 0, 10), (200, 150, 0)],
}


def test_accuracy_of_a_model_that_answers_by_colour(run, place):
    for name, colours in COLOURS.items():
        for number, colour in enumerate(colours):
            path = place / "colours" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), colour).save(path)
    found = json.loads(run("accuracy", "by_colour", "--data", "colours", "--json").stdout)
    assert (found["images"], found["right"], found["accuracy"]) == (12, 9, 0.75)


def test_the_sentence_says_the_same(run, photos):
    found = json.loads(run("accuracy", "tiny", "--data", photos, "--json").stdout)
    first, second = run("accuracy", "tiny", "--data", "photos").stdout.splitlines()
    assert first == f"{found['accuracy']:.4f}"
    assert second.startswith(f"tiny is right on {found['right']} of 12 images in photos (")


def test_a_limit_takes_images_of_every_class(run, photos, monkeypatch):
    from tfxai.models import evaluation

    seen = []

    def spy(model, preprocessing, images, labels):
        seen.extend(labels)
        return 1.0

    monkeypatch.setattr(evaluation, "accuracy", spy)
    done = json.loads(run("accuracy", "tiny", "--data", photos, "--limit", 6, "--json").stdout)
    assert (done["images"], done["right"]) == (6, 6)
    assert set(seen) == {3, 6, 8}  # cat, frog, ship


def test_a_folder_of_a_class_that_the_model_has_not(fails, photos):
    picture("photos/dogg/1.png")
    assert "no class of the model 'dogg'. Did you mean 'Dog'?" in fails(
        "accuracy", "tiny", "--data", photos
    )


def test_a_model_without_names_takes_as_many_classes_as_it_has(run, fails, photos):
    words = ("--data", photos, "--preprocessing", "unit")
    assert "The data has 3 classes and the model 10 outputs" in fails("accuracy", "bare", *words)
    assert run("accuracy", "scores", *words).exit_code == 0


def test_data_that_is_not_there(fails):
    assert "--data 'gone' is not a folder" in fails("accuracy", "tiny", "--data", "gone")


@pytest.mark.slow
@pytest.mark.data
def test_accuracy_on_cifar10(run, test_data, models):
    found = json.loads(run("accuracy", "tiny", "--limit", 1500, "--json").stdout)
    images, labels = load_cifar10("test")
    chosen = np.linspace(0, 9999, 1500).round().astype(int)
    subject = tfxai.load(models / "tiny.keras")
    right = (subject.predict(images[chosen]).argmax(axis=1) == labels[chosen]).sum()
    assert (found["images"], found["right"]) == (1500, right)
