"""Masks and contours: the strongest parts of a map that is noisy from pixel to pixel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from tests.plotting.examples import attribution, images, texts
from tests.plotting.gallery import volume
from tfxai.plotting import pictures, plot_attribution, plot_comparison

SIDE = 200
_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE]
SPOT = np.exp(-((_ROWS - 60) ** 2 + (_COLUMNS - 140) ** 2) / 800)


def noisy(scale=1.0, target=0):
    """A part that supports under noise of ten times its size, as in maps of gradients."""
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE))
    values = scale * (SPOT + 10 * SPOT * noise)
    inputs = np.random.default_rng(1).uniform(0.1, 0.3, (1, SIDE, SIDE, 3))
    return attribution(
        values[None, ..., None] / 3 + np.zeros(3), inputs, axes="HWC", target=np.array([target])
    )


def inside(shown, one):
    """(H, W) where a mask shows the image: all else is faded."""
    return np.isclose(shown, one.pixels[0], atol=1e-6).all(axis=-1)


def test_a_mask_of_a_noisy_map_shows_its_strongest_part():
    one = noisy()
    found = inside(pictures(one, style="mask")[0], one)
    assert 50 < found.sum() < 0.2 * found.size
    assert SPOT[found].min() > 0.05


def test_contours_go_round_a_part_of_a_noisy_map():
    one = noisy()
    (shown,) = pictures(one, style="contour")
    assert np.all(np.round(shown * 255) == (0xB2, 0x18, 0x2B), axis=-1).sum() > 50


def test_the_scale_that_was_given_is_kept():
    one = dataclasses.replace(noisy(), values=SPOT[None, ..., None] / 3 + np.zeros(3))
    assert not inside(pictures(one, style="mask", vmax=100.0)[0], one).any()
    np.testing.assert_array_equal(
        inside(pictures(one, style="mask", vmax=0.5)[0], one),
        ndimage.gaussian_filter(np.minimum(SPOT, 0.5), SIDE / 50, mode="nearest") >= 0.25,
    )


@pytest.mark.parametrize("look", ["mask", "contour"])
def test_parts_of_several_targets_share_a_scale(look):
    strong, weak = noisy(), noisy(0.1, target=1)
    image, first, second = images(plot_comparison([strong, weak], style=look))
    np.testing.assert_allclose(first, pictures(strong, style=look)[0], atol=1e-6)
    if look == "mask":
        assert inside(first, strong).sum() > 50
        assert not inside(second, weak).any()  # less than half of the strongest part of both
    else:
        np.testing.assert_allclose(second, image.repeat(2, axis=0).repeat(2, axis=1))
    assert not np.array_equal(pictures(weak, style=look)[0], second)


def test_the_note_says_what_shares_are_of():
    said = " ".join(texts(plot_attribution(noisy(), style="mask")))
    assert "support by 0.5 of the strongest part or more" in said
    said = " ".join(texts(plot_attribution(noisy(), style="mask", vmax=2.0)))
    assert "support by 0.5 of the strongest colour or more" in said


def bars_of_colour(figure):
    """The axes that hold a colour bar, which is no picture."""
    return [axes for axes in figure.axes if not axes.images]


def test_masks_of_a_volume_have_no_colour_bar():
    assert bars_of_colour(plot_attribution(volume()))
    assert not bars_of_colour(plot_attribution(volume(), style="mask"))
    assert not bars_of_colour(plot_attribution(volume(), style="contour"))
