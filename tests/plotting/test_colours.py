"""Colours prove what a reader takes from them: sign, strength and zero."""

from __future__ import annotations

import numpy as np
import pytest

from tfxai.errors import UnknownNameError
from tfxai.plotting import style
from tfxai.plotting.colours import colour_map, grey, overlay, scale


def seen(heat, signed, cmap=None):
    colours = colour_map(cmap, signed)(scale(signed)(np.asarray(heat, float)))
    return np.asarray(colours)[..., :3]


def test_zero_of_signed_values_is_the_neutral_middle():
    neutral = np.array([0xF7] * 3) / 255
    np.testing.assert_allclose(seen(0.0, True), neutral, atol=1e-7)


@pytest.mark.parametrize("name", ["RdBu_r", "coolwarm", "PiYG"])
def test_a_diverging_map_gives_zero_the_colour_between_its_two_sides(name):
    either = seen([-1 / 257, 0.0, 1 / 257], True, name)
    np.testing.assert_allclose(either[1], (either[0] + either[2]) / 2, atol=0.01)


def test_support_is_red_and_opposition_blue():
    red, blue = seen([1.0, -1.0], True)
    assert red[0] > red[2] + 0.2
    assert blue[2] > blue[0] + 0.2


@pytest.mark.parametrize("magnitude", [0.25, 0.5, 1.0])
def test_equal_magnitudes_of_either_sign_look_equally_strong(magnitude):
    dark = seen([magnitude, -magnitude], True) @ [0.2126, 0.7152, 0.0722]
    assert abs(dark[0] - dark[1]) < 0.12


def test_more_heat_is_lighter_in_the_sequential_map():
    lightness = seen(np.linspace(0, 1, 20), False) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_an_unknown_map_names_its_neighbours():
    with pytest.raises(UnknownNameError, match=r"no colour map 'virids'. Did you mean 'viridis"):
        colour_map("virids", signed=False)


def test_a_map_object_is_used_as_it_is():
    mine = colour_map("magma", signed=False)
    assert colour_map(mine, signed=True) is mine


@pytest.mark.parametrize("signed", [True, False])
def test_overlay_shows_the_grey_image_where_nothing_counts(signed):
    pixels = np.random.default_rng(0).random((4, 5, 3))
    shown = overlay(pixels, np.zeros((4, 5)), colour_map(None, signed), signed)
    np.testing.assert_array_equal(shown, grey(pixels))
    assert np.ptp(shown, axis=-1).max() == 0


def test_grey_keeps_the_order_of_luminance():
    pure = np.eye(3)[None]  # red, green, blue: green looks lightest, blue darkest
    np.testing.assert_allclose(
        grey(pure)[0, :, 0], 0.3 + 0.65 * np.array([0.2126, 0.7152, 0.0722]), atol=1e-12
    )


def test_overlay_at_full_heat_is_four_fifths_colour():
    pixels = np.full((1, 2, 3), 0.5)
    cmap = colour_map(None, signed=True)
    shown = overlay(pixels, np.array([[1.0, -1.0]]), cmap, True)
    ends = np.array([cmap(0.9)[:3], cmap(0.1)[:3]])
    np.testing.assert_allclose(shown[0], 0.2 * (0.3 + 0.65 * 0.5) + 0.8 * ends, atol=1e-12)


def test_overlay_moves_away_from_grey_as_heat_grows():
    pixels = np.full((1, 6, 3), 0.5)
    heat = np.linspace(0, 1, 6)[None]
    shown = overlay(pixels, heat, colour_map(None, True), True)
    assert (np.diff(shown[0, :, 0] - shown[0, :, 2]) > 0).all()


def test_font_takes_a_dollar_sign_as_it_is():
    assert style.font(8)["parse_math"] is False
