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


def test_images_that_lie_beside_folders_are_taken_alone(run, classes):
    picture("photos/own.png")
    found = json.loads(run("predict", "tiny", "photos", "--json").stdout)["images"]
    assert [one["image"] for one in found] == ["photos/own.png"]


def test_an_image_given_beside_its_folder_is_taken_once_with_its_label(run, classes):
    found = json.loads(run("predict", "tiny", "photos/dog/1.png", "photos", "--json").stdout)
    labels = {one["image"]: one["label"] for one in found["images"]}
    assert (len(found["images"]), labels["photos/dog/1.png"]) == (3, "dog")


def test_a_class_folder_without_images_is_said(run, fails, classes, place):
    (place / "photos/emu").mkdir()
    assert fails("predict", "tiny", "photos").startswith("The folder 'photos/emu' holds no image")
