"""`--true-label`: the class of an image's own folder is explained."""

import json

import pytest

from tests.cli.pictures import picture
from tfxai.data import CLASSES

FOR = ("-m", "saliency", "--true-label", "--json")


@pytest.fixture
def animals(place):
    for number, name in enumerate(("cat/1", "Dog/1", "frog/1")):
        picture(f"photos/{name}.png", seed=number)


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_each_image_is_explained_for_its_own_class(run, animals, command):
    found = json.loads(run(command, "tiny", "photos", *FOR).stdout)
    images = found["images"] if command == "compare" else found
    explained = {one["label"]: one["explanations"][0]["class"] for one in images}
    assert explained == {"cat": "Cat", "Dog": "Dog", "frog": "Frog"}
    (cat,) = (one for one in images if one["label"] == "cat")
    assert cat["explanations"][0]["target"] == CLASSES.index("Cat")


def test_a_folder_may_be_called_by_the_number_of_an_output(run):
    picture("photos/7/a.png")
    words = ("explain", "bare", "photos", "--preprocessing", "unit", "--format", "npz")
    (image,) = json.loads(run(*words, *FOR).stdout)
    assert image["explanations"][0]["target"] == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tiny", "photo.png"), "needs to know what 'photo.png' shows. Pass a folder"),
        (("tiny", "plants"), "no class of the model 'Frug'. Did you mean 'Frog'?"),
        (("bare", "plants", "--preprocessing", "unit"), "no class of the model 'Frug'. Known: 0"),
        (("bare", "many", "--preprocessing", "unit"), "no class of the model '10'"),
        (("tiny", "photo.png", "--target", "Cat"), "--true-label came with --target Cat"),
        (("tiny", "photo.png", "--contrast", "1", "2"), "came with --contrast 1 2"),
    ],
)
def test_a_label_that_cannot_be_explained_is_said(fails, words, said):
    picture()
    picture("plants/Frug/1.png")
    picture("many/10/1.png")
    assert said in fails("explain", *words, *FOR)
