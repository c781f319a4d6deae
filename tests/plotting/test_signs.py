"""What figures say of signs: for or against a class, or more and less of an output."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import attribution, of_images, texts
from tfxai.classes import explains_class
from tfxai.plotting import plot_attribution, plot_bars, plot_comparison
from tfxai.plotting.rows import signs_width
from tfxai.plotting.signs import CLASS, OUTPUT, signs_of
from tfxai.remarks import remarks

PRICE = {"score_name": "output", "class_names": None, "target": np.zeros(1, int)}
OF_CLASSES = ("support", "against")


def said(figure):
    return " ".join(" ".join(texts(figure)).split())


FIGURES = {
    "table": lambda kind: plot_attribution(attribution([[1.0, -2.0]], [[1.0, 2.0]], **kind)),
    "bars": lambda kind: plot_bars(attribution([[1.0, -2.0]], [[1.0, 2.0]], **kind)),
    "series": lambda kind: plot_attribution(
        attribution([[[1.0], [-1.0]]], [[[1.0], [2.0]]], axes="TC", **kind)
    ),
    "volume": lambda kind: plot_attribution(
        attribution(np.ones((1, 3, 4, 4)), np.ones((1, 3, 4, 4)), axes="DHW", **kind)
    ),
    "overlay": lambda kind: plot_attribution(of_images(probability=None, **kind)),
    "mask": lambda kind: plot_attribution(of_images(probability=None, **kind), style="mask"),
    "contour": lambda kind: plot_attribution(of_images(probability=None, **kind), style="contour"),
    "grid": lambda kind: plot_attribution(of_images(probability=None, **kind), columns=1),
    "comparison": lambda kind: plot_comparison([of_images(probability=None, **kind)]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_number_say_raises_and_lowers(name):
    words = said(FIGURES[name](PRICE))
    assert "raise" in words
    assert name == "mask" or "lowers" in words
    assert not any(word in words for word in OF_CLASSES)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_difference_say_more_and_less(name):
    words = said(FIGURES[name]({"method": {"name": "difference", "options": {}}}))
    assert "more in the first" in words
    assert not any(word in words for word in (*OF_CLASSES, "raise", "lowers"))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_of_a_class_say_supports_and_against(name):
    words = said(FIGURES[name]({}))
    assert "support" in words
    assert name == "mask" or "against" in words
    assert not any(word in words for word in ("raise", "lowers"))


@pytest.mark.parametrize(
    ("kind", "is_class"),
    [
        ({"score_name": "output", "class_names": None}, False),
        ({"score_name": "area", "class_names": ("Cat", "Dog")}, False),
        ({"score_name": "neuron 5 of conv3"}, False),
        ({"score_name": "output"}, True),
        ({"score_name": "logit", "class_names": None}, True),
        ({"score_name": "Cat rather than Dog"}, True),
        (
            {"score_name": "output", "class_names": None, "probability": np.full(1, 0.5)},
            True,
        ),
    ],
    ids=["number", "own score", "neuron", "named", "logit", "contrast", "probability"],
)
def test_a_class_is_told_from_a_number(kind, is_class):
    one = attribution([[1.0]], [[1.0]], **kind)
    assert explains_class(one) == is_class
    assert signs_of(one) == (CLASS if is_class else OUTPUT)


def test_zeros_of_a_number_are_not_said_to_speak_for_a_target():
    one = attribution([[0.0]], [[1.0]], **PRICE)
    assert remarks(one)[0].endswith("nothing that it looks at raises the score.")


def test_the_width_of_signs_is_that_of_their_words():
    assert signs_width(OUTPUT) < signs_width(CLASS)
