"""The sample grid shows the first images, each with its own label."""

from __future__ import annotations

import numpy as np
import pytest

from tests.plotting.examples import images, texts
from tfxai.errors import InvalidInputError
from tfxai.plotting import sample_grid


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (7, 4, 4, 3), np.uint8)


def test_panels_hold_the_images_in_order_with_their_labels(pixels):
    figure = sample_grid(pixels, [2, 1, 0, 2, 1, 0, 2], ("Cat", "Dog", "Frog"), rows=2, columns=3)
    drawn = images(figure)
    assert len(drawn) == 6
    for shown, given in zip(drawn, pixels, strict=False):
        np.testing.assert_allclose(shown, given / 255, atol=1e-12)
    assert [word for word in texts(figure) if word] == ["Frog", "Dog", "Cat"] * 2


def test_positions_run_along_the_rows(pixels):
    places = [axes.get_position() for axes in sample_grid(pixels, rows=3, columns=3).axes]
    assert places[0].y0 == pytest.approx(places[2].y0)
    assert places[0].x0 < places[1].x0 < places[2].x0
    assert places[3].x0 == pytest.approx(places[0].x0)
    assert places[3].y0 < places[0].y0


def test_few_images_make_a_small_grid(pixels):
    assert sample_grid(pixels[:2]).get_figwidth() < sample_grid(pixels).get_figwidth()


def test_grey_and_float_images_are_shown_as_they_are():
    given = np.array([[[0.0, 0.25], [0.5, 1.0]]])
    shown = images(sample_grid(given))[0]
    np.testing.assert_array_equal(shown, np.repeat(given[0][..., None], 3, axis=-1))


def test_labels_without_names_are_shown_as_they_are(pixels):
    words = texts(sample_grid(pixels[:2], [[3], [4]]))
    assert {"3", "4"} <= set(words)
    assert {"a", "b"} <= set(texts(sample_grid(pixels[:2], ["a", "b"], ("Cat",))))


@pytest.mark.parametrize(
    ("given", "options", "sentence"),
    [
        (np.zeros((2, 4)), {}, r"shape \(2, 4\)\. Pass one or more images"),
        (np.zeros((0, 4, 4, 3)), {}, r"shape \(0, 4, 4, 3\)"),
        (np.zeros((1, 4, 4, 2)), {}, r"shape \(1, 4, 4, 2\)"),
        (np.full((1, 2, 2, 3), 1.5), {}, r"run from 1\.5 to 1\.5\. Pass integers in \[0, 255\]"),
        (np.full((1, 2, 2, 3), np.nan), {}, "run from nan to nan"),
        (np.zeros((2, 4, 4, 3)), {"labels": [1]}, r"labels have shape \(1,\) for 2 images"),
        (
            np.zeros((1, 4, 4, 3)),
            {"labels": [5], "class_names": ("Cat",)},
            "run from 5 to 5, and there are 1 class names",
        ),
        (np.zeros((1, 4, 4, 3)), {"rows": 0}, "rows=0, columns=8 is not a grid"),
    ],
)
def test_what_cannot_be_drawn_is_said(given, options, sentence):
    with pytest.raises(InvalidInputError, match=sentence):
        sample_grid(given, **options)
