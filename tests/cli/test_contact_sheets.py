"""One figure of all images of a run, for each method."""

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from tests.attributions import attribution
from tests.cli.pictures import picture
from tests.plotting.examples import texts
from tfxai import Attribution, plotting
from tfxai.cli.classifier import Rank
from tfxai.cli.contact_sheets import ContactSheets
from tfxai.cli.explained import ExplainedImage
from tfxai.cli.sources import File
from tfxai.plotting import mosaic, pictures


@pytest.fixture
def drawn(monkeypatch):
    """The tiles and the figure of each sheet that is drawn."""
    found = []
    draw = mosaic.draw_tiles

    def spy(tiles, count, asked, drawing):
        figure = draw(tiles, count, asked, drawing)
        found.append((tiles, figure))
        return figure

    monkeypatch.setattr(mosaic, "draw_tiles", spy)
    return found


@pytest.fixture
def photos():
    for number, name in enumerate(("cat/1", "cat/2", "dog/1")):
        picture(f"photos/{name}.png", seed=number)
    return "photos"


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_sheet_shows_what_lies_over_each_image_of_a_folder(run, place, photos, drawn):
    words = ("-m", "saliency", "-m", "gradient_input", "--columns", "2", "--out", "x")
    done = run("explain", "tiny", photos, *words, "--format", "csv", "--format", "npz")
    assert done.exit_code == 0, done.stderr
    sheets = ["contact.gradient_input.png", "contact.saliency.png"]
    assert [name for name in files(place / "x") if not name.endswith("npz")] == [
        *sheets, "summary.csv"
    ]  # fmt: skip
    assert [f"x/{name}" in done.stdout.split() for name in sheets] == [True, True]
    for method, (tiles, figure) in zip(("saliency", "gradient_input"), drawn, strict=True):
        assert [tile.name for tile in tiles] == ["cat-1", "cat-2", "dog-1"]
        assert plotting.labels.method_title(method) in texts(figure)
        for tile in tiles:
            stored = Attribution.load(f"x/{tile.name}.{method}.npz")
            expected = np.round(pictures(stored)[0] * 255)
            np.testing.assert_array_equal(tile.picture, expected)
            named = tile.name.split("-")[0].title()  # as the card has it
            predicted = stored.prediction_names[0]
            assert tile.truth == f"true {named}"
            assert tile.is_wrong == (named != predicted)
            assert f"{tile.explains}{tile.sure}" in texts(figure)
            assert tile.name in texts(figure)
        assert len({round(x, 3) for x in lefts(figure, [tile.name for tile in tiles])}) == 2


def lefts(figure, words):
    """Where the words begin, across."""
    found = [text for text in figure.findobj(Text) if text.get_text() in words]
    return [text.get_position()[0] for text in found]


def test_a_sheet_chooses_its_columns_and_its_kind(run, place, photos):
    formats = ("--format", "sheet", "--format", "pdf")
    done = run("explain", "tiny", photos, "-m", "saliency", *formats, "--out", "x")
    assert done.exit_code == 0, done.stderr
    names = ["cat-1.explained.pdf", "cat-2.explained.pdf", "contact.saliency.pdf"]
    assert files(place / "x") == [*names, "dog-1.explained.pdf"]
    assert (place / "x/contact.saliency.pdf").read_bytes().startswith(b"%PDF")


def test_a_sheet_is_of_the_images_that_could_be_used(run, place, photos, drawn):
    (place / "photos/dog/2.png").write_text("no image")
    words = ("-m", "saliency", "--columns", "3", "--format", "csv", "--skip-bad")
    assert run("explain", "tiny", photos, *words).exit_code == 1
    ((tiles, figure),) = drawn
    assert [tile.name for tile in tiles] == ["cat-1", "cat-2", "dog-1"]
    assert "first" not in " ".join(texts(figure))


def test_a_sheet_that_would_be_too_high_is_refused_before_anything_is_written(fails, place):
    one = picture("photos/0.png", (4, 4))
    for number in range(1, 120):
        Image.fromarray(one).save(f"photos/{number}.png")
    sentence = fails("explain", "tiny", "photos", "-m", "saliency", "--columns", "1")
    assert "120 images in 1 columns make a figure" in sentence
    assert sentence.endswith("Pass more columns.")


def test_an_image_that_is_explained_is_not_replaced_by_a_sheet(run, place):
    pixels = picture("contact.saliency.png")
    words = ("-m", "saliency", "--columns", "1", "--format", "csv", "--out", ".")
    run("explain", "tiny", "contact.saliency.png", *words)
    np.testing.assert_array_equal(np.asarray(Image.open("contact.saliency.png")), pixels)
    assert (place / "contact-2.saliency.png").is_file()


def test_rows_of_a_table_have_no_sheet(fails, place):
    (place / "t.csv").write_text("a,b,c,d\n1,2,3,4\n")
    words = ("--csv", "t.csv", "--row", "0", "-m", "saliency")
    for more in (("--columns", "2"), ("--format", "sheet")):
        assert "A contact sheet shows images" in fails("explain", "table", *words, *more)


def test_the_memory_of_a_sheet_is_that_of_its_dots(place):
    """Of 500 images of 448 x 448 a few are kept as the dots that each takes in the figure."""
    sources = [File(place / f"{i}.png", (448, 448)) for i in range(500)]
    sheets = ContactSheets(place, sources, None)
    noise = np.random.default_rng(0).uniform(size=(1, 448, 448, 3)).astype(np.float32)
    one = attribution(noise, inputs=noise)
    for source in sources[:6]:
        sheets.add(ExplainedImage(source, [Rank(0, "0", 1.0)], [one]))
    (sheet,) = sheets._sheets.values()
    assert len(sheet.tiles) == 6
    for tile in sheet.tiles:
        assert tile.picture.nbytes <= 500_000_000 / 500 / 50  # 10 MB for all 500
        assert tile.picture.shape[:2] == tuple(round(side) for side in sheet.box)
    assert sheets.write("png") == [place / f"contact.{one.method['name']}.png"]
