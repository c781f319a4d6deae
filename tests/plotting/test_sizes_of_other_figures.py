"""Figures that are not of attributions at a column's and a slide's width."""

from __future__ import annotations

import dataclasses
import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from tests.plotting.examples import attribution
from tests.plotting.test_notebook_display import PICTURES, RECORDS
from tests.plotting.test_sizes import COLUMN, SLIDE, boxes, overlap, written
from tfxai.attention_weights import AttentionWeights
from tfxai.batch.summary import MethodSummary, Summary
from tfxai.errors import InvalidInputError
from tfxai.features.accentuation import Accentuation
from tfxai.features.top_images import TopImages
from tfxai.features.visualisation import Visualisation
from tfxai.generation import Generation
from tfxai.plotting import plot_discovered, plot_history, plot_sanity, plot_tcav, sample_grid

LONG = "block5_a_rather_long_name_of_a_layer"
SHARES = np.linspace(0.5, 3, 16)


def sanity(name="saliency"):
    one = RECORDS["sanity"][0]
    steps = tuple(f"{LONG}_{i}" for i in range(20))
    given = {field: np.full((4, 20), 0.1) for field in ("spearman", "ssim", "entropy_rise")}
    method = {"name": name, "options": {}}
    return dataclasses.replace(one, steps=steps, method=method, **given)


def tcav(target="3"):
    rows = [
        SimpleNamespace(
            layer=layer, concept=concept, score=score, magnitude=score - 0.5, adjusted=0.13,
            random_range=(0.2, 0.8),
        )
        for layer in ("conv1", LONG)
        for concept, score in (("stripes", 0.1), ("a long name of a concept", 0.9))
    ]  # fmt: skip
    return SimpleNamespace(target=target, rows=rows, is_significant=lambda row: row.score > 0.5)


def concepts():
    rows = [
        SimpleNamespace(
            name=f"concept {i}", crops=PICTURES[:8] / 255, importance=0.34, error=0.05,
            drop=0.0029, similarity=0.4, comes_back=bool(i),
        )
        for i in range(2)
    ]  # fmt: skip
    return SimpleNamespace(target="3", layer=LONG, rows=rows)


def heads(count, tokens):
    return AttentionWeights((LONG,), (np.full((1, count, tokens, tokens), 1 / tokens),))


def generation():
    rng = np.random.default_rng(0)
    prompt = tuple(f"a-long-token-{i}" for i in range(12))
    answer = tuple(f"answer{i}" for i in range(20))
    one = attribution(rng.normal(size=(20, 12)), np.ones((20, 12)), target=np.arange(1, 21))
    values = rng.normal(size=(12, 20))
    return Generation(
        values, "p", "c", prompt, ("word",) * 12, answer, np.zeros(20), np.zeros(20), one
    )


def pictures(count):
    return np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), np.uint8)


ACCENTUATION = Accentuation(
    pictures(16),
    pictures(16)[::-1],
    ("class of a long name",) * 16,
    SHARES,
    -SHARES,
    SHARES,
    "conv",
)
HISTORY = {
    name: np.linspace(first, 0.7, 40)
    for name, first in (("loss", 2), ("val_loss", 1.9), ("accuracy", 0.1), ("val_accuracy", 0.2))
}


def run(maps=True, gaps=True, features=False):
    one = MethodSummary(
        masses={i: (1000 + i, 30.0 + i, 2.0) for i in range(12)},
        maps={0: (3, np.arange(16.0).reshape(4, 4))} if maps else {},
        gaps=[0, 0, 5, 90, 1200, 40, 0, 0, 0, 0] if gaps else [],
        features={f"a long column {i}": (9, 1.0 + i, 4.0) for i in range(12 * features)},
    )
    names = tuple(f"class of a long name {i}" for i in range(12))
    return Summary({"saliency": one, "integrated_gradients_of_a_long_name": one}, {0: 9}, names)


BOXES = np.array([[0, 0, 3, 3]] * 4)
TOP = TopImages("conv", 3, "relevance", np.arange(4), SHARES[:4], BOXES[:, :2], pictures(4), BOXES)
SHEET = Visualisation(
    pictures(8), tuple(f"{LONG} channel {i}" for i in range(8)), SHARES[:8], np.zeros((1, 8))
)
FIGURES = {
    "sheet": SHEET.plot,
    "titled sheet": lambda **o: SHEET.plot(
        title="What a layer of a long name looks for " * 2, **o
    ),
    "accentuation": ACCENTUATION.plot,
    "top images": TOP.plot,
    "sanity": lambda **o: plot_sanity([sanity(), sanity("guided_backprop")], title="tiny", **o),
    "tcav": lambda **o: plot_tcav(tcav(), **o),
    "concepts": lambda **o: plot_discovered(concepts(), **o),
    "head": lambda **o: heads(2, 12).plot(head=0, **o),
    "heads": lambda **o: heads(6, 12).plot(**o),
    "grid": lambda **o: sample_grid(pictures(16), ["a rather long name"] * 16, columns=6, **o),
    "history": lambda **o: plot_history(HISTORY, **o),
    "history without accuracy": lambda **o: plot_history({"loss": [2.0, 1.0]}, **o),
    "run": lambda **o: run().plot(**o),
    "run without maps": lambda **o: run(maps=False).plot(**o),
    "run without gaps": lambda **o: run(gaps=False).plot(**o),
    "run of a table": lambda **o: run(maps=False, features=True).plot(**o),
    "generation": lambda **o: generation().plot(**o),
}


def texts(figure):
    """The words and boxes of what is written, without ticks of axes that are off."""
    hidden = {
        label
        for axes in figure.axes
        if not axes.axison
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels())
    }
    words = {one.get_text() for one in hidden}
    return [(text, box) for text, box in boxes(figure) if text not in words or not hidden]


@pytest.mark.parametrize("width", [None, COLUMN, SLIDE])
@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_on_the_page_and_over_nothing(name, width):
    figure = FIGURES[name](figsize=width)
    found = figure.get_figwidth()
    assert found == pytest.approx(width) if width else found <= 10.01
    wide, high = figure.canvas.get_width_height()
    drawn = texts(figure)
    for text, box in drawn:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= wide + 1, text
        assert box.y1 <= high + 1, text
    panels = [axes.get_window_extent() for axes in figure.axes if axes.axison and axes.images]
    for (text, box), panel in itertools.product(drawn, panels):
        assert not overlap(box, panel), text
    for (text, box), (other, its) in itertools.combinations(drawn, 2):
        is_turned = box.height > box.width or its.height > its.width
        assert is_turned or (name == "sanity" and "…" in text + other) or not overlap(box, its), (
            text,
            other,
        )


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(("width", "least"), [(COLUMN, 5.1), (SLIDE, 7.0)])
def test_text_follows_the_width_and_stays_readable(name, width, least):
    figure = FIGURES[name](figsize=width)
    assert min(one.get_fontsize() for one in written(figure)) >= least


@pytest.mark.parametrize("width", [None, COLUMN])
def test_each_picture_stands_above_what_it_became(width):
    figure = ACCENTUATION.plot(figsize=width)
    places = [axes.get_position() for axes in figure.axes]
    shown = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    for i in range(16):
        np.testing.assert_allclose(shown[i], ACCENTUATION.images[i] / 255)
        np.testing.assert_allclose(shown[16 + i], ACCENTUATION.pictures[i] / 255)
        assert places[i].x0 == pytest.approx(places[16 + i].x0)
        column = [place for place in places if abs(place.x0 - places[i].x0) < 1e-6]
        below = [place.y0 for place in column if place.y0 < places[i].y0 - 1e-6]
        assert max(below) == pytest.approx(places[16 + i].y0)


def test_numbers_of_sheets_say_what_they_are():
    words = " ".join(text for text, _ in texts(ACCENTUATION.plot()))
    assert "objective 0.5 " in words
    assert "objective \N{MINUS SIGN}0.5, distance 0.50" in words
    assert "relevance 0.5" in {text for text, _ in texts(TOP.plot())}


@pytest.mark.parametrize(
    ("target", "title"), [("3", "Concepts of class 3"), ("Cat", "Concepts of Cat")]
)
def test_a_class_without_a_name_is_called_a_class(target, title):
    assert title in {text for text, _ in texts(plot_tcav(tcav(target)))}


def test_heads_are_drawn_as_they_are_on_one_scale():
    weights = np.random.default_rng(0).dirichlet(np.ones(3), (1, 2, 3))
    figure = AttentionWeights(("look",), (weights,)).plot(figsize=COLUMN)
    for axes, expected in zip(figure.axes, weights[0], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), expected)
        assert axes.images[0].get_clim() == (0, weights.max())


@pytest.mark.parametrize("name", FIGURES)
def test_a_size_with_no_room_is_refused(name):
    with pytest.raises(InvalidInputError, match="is too small for what is drawn"):
        FIGURES[name](figsize=(1, 1))
