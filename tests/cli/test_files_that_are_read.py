"""No command writes over what it reads."""

import pytest
from PIL import Image

from tests.cli.pictures import picture


@pytest.fixture
def photos(place):
    for number in range(9):
        picture(f"photos/{('frog', 'cat', 'ship')[number % 3]}/{number}.png", (32, 32), number)
    return place / "photos"


@pytest.mark.parametrize("command", ["evaluate", "sanity", "debug"])
def test_a_figure_takes_the_place_of_no_image(fails, photos, command):
    file = photos / "frog" / "0.png"
    before = file.read_bytes()
    said = fails(command, "tiny", "--data", photos, "--limit", 9, "--save", file)
    assert "would replace an image that is explained" in said
    assert file.read_bytes() == before


def test_a_table_takes_the_place_of_no_table(fails, photos, place):
    (place / "groups.csv").write_text("image,group\n")
    words = ("--data", photos, "--border", 4, "--groups", "groups.csv", "--csv", "groups.csv")
    assert "would replace a file that is read" in fails("audit", "tiny", *words)
    assert (place / "groups.csv").read_text() == "image,group\n"


def test_a_figure_may_lie_beside_the_images(run, photos):
    done = run("evaluate", "tiny", "--data", photos, "-m", "saliency", "--fill", "mean",
               "--save", photos / "frog" / "figure.png")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    with Image.open(photos / "frog" / "figure.png") as figure:
        assert figure.width == 800
