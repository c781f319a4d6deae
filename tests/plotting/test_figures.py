"""Files and HTML hold the figure, whole or not at all."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tfxai.errors import InvalidInputError, OutputError
from tfxai.plotting import figure_html, plot_history, sample_grid, save_figure
from tfxai.plotting.figures import Page

HEADS = {
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "svg": b"<?xml",
    "jpg": b"\xff\xd8\xff",
    "jpeg": b"\xff\xd8\xff",
    "webp": b"RIFF",
}


@pytest.fixture
def figure():
    page = Page(2, 1, 'a "half" of red')
    axes = page.axes(0, 0, 1, 1)
    axes.set_axis_off()
    axes.imshow(np.array([[[1.0, 0.0, 0.0]]]))
    return page.figure


@pytest.mark.parametrize("suffix", HEADS)
def test_the_suffix_names_the_format(figure, tmp_path, suffix):
    path = save_figure(figure, tmp_path / f"figure.{suffix}")
    assert path.read_bytes().startswith(HEADS[suffix])
    assert [entry.name for entry in tmp_path.iterdir()] == [f"figure.{suffix}"]


def test_saved_pixels_are_the_drawn_ones(figure, tmp_path):
    image = Image.open(save_figure(figure, tmp_path / "FIGURE.PNG")).convert("RGB")
    assert image.size == (320, 160)
    assert image.getpixel((80, 80)) == (255, 0, 0)
    assert image.getpixel((240, 80)) == (255, 255, 255)


@pytest.mark.parametrize("name", ["figure.bmp", "figure", "figure.html"])
def test_an_unknown_suffix_is_refused(figure, tmp_path, name):
    with pytest.raises(InvalidInputError, match=r"names no picture format\. End it in \.png, "):
        save_figure(figure, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_drawing_leaves_the_earlier_file(figure, tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_text("earlier")

    def fail(*_, **__):
        raise RuntimeError("drawing")

    monkeypatch.setattr(figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="drawing"):
        save_figure(figure, path)
    assert path.read_text() == "earlier"
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]


def test_a_place_that_cannot_be_written_is_said(figure, tmp_path):
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write '.*figure\.png'"):
        save_figure(figure, tmp_path / "figure.png")
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]


def test_html_holds_the_picture_and_an_escaped_label(figure):
    html = figure_html(figure)
    assert 'alt="a &quot;half&quot; of red"' in html
    assert "width:192px" in html
    found = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert found
    image = Image.open(io.BytesIO(base64.b64decode(found[1]))).convert("RGB")
    assert image.getpixel((80, 80)) == (255, 0, 0)


def test_a_notebook_shows_the_figure_by_itself(figure):
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_the_same_figure_gives_the_same_file(figure, tmp_path):
    for suffix in ("png", "pdf"):
        one, two = (save_figure(figure, tmp_path / f"{i}.{suffix}") for i in range(2))
        assert one.read_bytes() == two.read_bytes()


def test_grid_and_history_are_written_where_asked(tmp_path):
    sample_grid(np.zeros((1, 2, 2, 3)), path=tmp_path / "grid.png")
    plot_history({"loss": [1.0]}, tmp_path / "history.pdf")
    assert (tmp_path / "grid.png").read_bytes().startswith(HEADS["png"])
    assert (tmp_path / "history.pdf").read_bytes().startswith(HEADS["pdf"])
