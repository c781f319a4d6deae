"""Folders of class folders, wherever a folder of images is taken."""

import json

import pytest

from tests.cli.pictures import picture


@pytest.fixture
def classes(place):
    for number, name in enumerate(("cat/1", "cat/2", "dog/1", ".hidden/1")):
        picture(f"photos/{name}.png", seed=number)
    (place / "photos/notes.txt").write_text("about the photographs")


def test_predict_reads_every_class_and_says_the_label(run, classes):
    found = json.loads(run("predict", "tiny", "photos", "--json").stdout)["images"]
    assert [(one["image"], one["label"]) for one in found] == [
        ("photos/cat/1.png", "cat"),
        ("photos/cat/2.png", "cat"),
        ("photos/dog/1.png", "dog"),
    ]
    assert "photos/dog/1.png (labelled dog)\n" in run("predict", "tiny", "photos").stdout


def test_explain_names_its_files_by_class(run, classes, place):
    done = run("explain", "tiny", "photos", "-m", "saliency", "--format", "npz")
    assert done.exit_code == 0, done.stderr
    assert sorted(path.name for path in (place / "out/explain").glob("*.npz")) == [
        f"{name}.saliency.npz" for name in ("cat-1", "cat-2", "dog-1")
    ]


def test_compare_draws_a_row_for_each(run, classes):
    found = json.loads(run("compare", "tiny", "photos", "-m", "saliency", "--json").stdout)
    assert [one["label"] for one in found["images"]] == ["cat", "cat", "dog"]


def test_images_that_lie_beside_class_folders_have_no_label(run, classes):
    picture("photos/own.png")
    done = run("predict", "tiny", "photos", "--json")
    found = [(one["image"], one["label"]) for one in json.loads(done.stdout)["images"]]
    assert found[0] == ("photos/own.png", None)
    assert [label for _, label in found[1:]] == ["cat", "cat", "dog"]
    assert "Left out of 'photos': 1 file not named like an image, 'notes.txt'." in done.stderr


def test_an_image_given_beside_its_folder_is_taken_once_with_its_label(run, classes):
    found = json.loads(run("predict", "tiny", "photos/dog/1.png", "photos", "--json").stdout)
    labels = {one["image"]: one["label"] for one in found["images"]}
    assert (len(found["images"]), labels["photos/dog/1.png"]) == (3, "dog")


def test_a_class_folder_without_images_is_told(run, fails, classes, place):
    (place / "photos/emu").mkdir()
    done = run("predict", "tiny", "photos", "--json")
    assert len(json.loads(done.stdout)["images"]) == 3
    assert "1 folder with no image directly in it, 'emu'" in done.stderr
    (place / "none/emu").mkdir(parents=True)
    assert fails("predict", "tiny", "none").startswith("The folder 'none' holds no image")
