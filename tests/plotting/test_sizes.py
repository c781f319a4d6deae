"""Figures at a column's and a slide's width: readable, on the page, nothing over anything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.text import Text

from tests.plotting.gallery import FIGURES, many, photo
from tfxai.errors import InvalidInputError
from tfxai.plotting import plot_attribution

COLUMN, SLIDE = 3.3, 13.33


def written(figure):
    """The texts of a figure that are drawn."""
    figure.canvas.draw()
    outside = set()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low <= tick.get_loc() <= high:
                    outside |= {tick.label1, tick.label2}
    return [
        one
        for one in figure.findobj(Text)
        if one.get_visible() and one.get_text().strip() and one not in outside
    ]


def boxes(figure):
    """The words and the box of each text that is drawn, in dots."""
    return [(one.get_text(), one.get_window_extent()) for one in written(figure)]


def overlap(one, other, least=1.0):
    """Whether two boxes share more than a dot each way."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    return across > least and down > least


@pytest.mark.parametrize("width", [None, COLUMN, SLIDE])
@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_on_the_page_and_over_nothing(name, width):
    figure = FIGURES[name](figsize=width)
    if width is not None:
        assert figure.get_figwidth() == pytest.approx(width)
    texts = boxes(figure)
    wide, high = figure.canvas.get_width_height()
    for text, box in texts:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= wide + 1, text
        assert box.y1 <= high + 1, text
    pictures = [axes.get_window_extent() for axes in figure.axes if axes.axison and axes.images]
    for (text, box), picture in itertools.product(texts, pictures):
        assert not overlap(box, picture), text
    for (text, box), (other, its) in itertools.combinations(texts, 2):
        assert not overlap(box, its), (text, other)


@pytest.mark.parametrize("name", [name for name in FIGURES if name not in ("grid", "columns")])
@pytest.mark.parametrize(("width", "least"), [(COLUMN, 5.1), (SLIDE, 8.0)])
def test_text_follows_the_width_and_stays_readable(name, width, least):
    figure = FIGURES[name](figsize=width)
    assert min(one.get_fontsize() for one in written(figure)) >= least


@pytest.mark.parametrize("name", FIGURES)
def test_panels_fill_a_column(name):
    figure = FIGURES[name](figsize=COLUMN)
    places = [axes.get_position() for axes in figure.axes if axes.images or axes.lines]
    assert max(place.x1 for place in places) > 0.85
    assert min(place.x0 for place in places) < 0.45


@pytest.mark.parametrize("name", ["one", "two methods", "batch", "methods", "sweep", "columns"])
def test_a_height_is_kept_too(name):
    figure = FIGURES[name](figsize=(6, 3.5))
    assert tuple(figure.get_size_inches()) == pytest.approx((6, 3.5))
    for text, box in boxes(figure):
        assert box.y0 >= -1, text


def test_a_size_with_no_room_is_refused_with_what_is_needed():
    with pytest.raises(InvalidInputError, match=r"figsize=\(1, 1\) is too small .* x .* inches"):
        plot_attribution(photo(), figsize=(1, 1))


def test_pictures_grow_with_the_page():
    sides = []
    for width in (COLUMN, 6.6, SLIDE):
        figure = plot_attribution(photo(), figsize=width)
        sides.append(figure.axes[0].get_position().width * width)
    assert sides == sorted(sides)
    assert sides[0] > 0.7  # inches of each of three in a column


@pytest.mark.parametrize("given", [0.5, (3, 0), (1, 2, 3), "wide", True, (3, np.nan), [], 1000])
def test_a_size_of_another_kind_is_refused(given):
    with pytest.raises(InvalidInputError, match=r"figsize=.* was expected to be a width in in"):
        plot_attribution(many(1), figsize=given)
