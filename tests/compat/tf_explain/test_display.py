"""Grids, heatmaps over images, colour maps by OpenCV's numbers, grey scales and files."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfxai.compat.tf_explain.utils.display import (
    filter_display,
    grid_display,
    heatmap_display,
    image_to_uint_255,
)
from tfxai.compat.tf_explain.utils.image import (
    apply_grey_patch,
    transform_to_normalized_grayscale,
)
from tfxai.compat.tf_explain.utils.saver import save_grayscale, save_rgb
from tfxai.errors import InvalidInputError, OutputError, TfxaiWarning, UnknownNameError
from tfxai.plotting.opencv_colours import opencv_colours

CELLS = np.arange(5)[:, None, None]  # five images of one pixel, 0 to 4
RAMP = np.array([[0.0, 1.0], [2.0, 4.0]])


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [
        (None, None, [[0, 1, 2], [3, 4, 0], [0, 0, 0]]),
        (1, None, [[0, 1, 2, 3, 4]]),
        (2, None, [[0, 1, 2], [3, 4, 0]]),
        (None, 1, [[0], [1], [2], [3], [4]]),
        (None, 2, [[0, 1], [2, 3], [4, 0]]),
        (3, 2, [[0, 1], [2, 3], [4, 0]]),
    ],
)
def test_grid_is_filled_row_by_row(rows, columns, expected):
    np.testing.assert_array_equal(grid_display(CELLS, rows, columns), expected)


def test_grid_keeps_each_image_together_and_its_type():
    two = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    grid = grid_display(two)
    expected = [[0, 1, 4, 5], [2, 3, 6, 7], [0, 0, 0, 0], [0, 0, 0, 0]]
    np.testing.assert_array_equal(grid[..., 0], expected)
    assert grid.dtype == np.uint8


def test_grid_that_is_too_small_grows_with_a_warning():
    with pytest.warns(TfxaiWarning, match="overrided to respect at least num_columns"):
        grid = grid_display(CELLS, 2, 2)
    np.testing.assert_array_equal(grid, [[0, 1], [2, 3], [4, 0]])


@pytest.mark.parametrize(
    ("array", "options", "words"),
    [
        (np.zeros((2, 2)), {}, r"shape \(2, 2\) came"),
        (np.zeros((0, 2, 2)), {}, "at least one image"),
        (CELLS, {"num_rows": 0}, "num_rows=0"),
        (CELLS, {"num_columns": -1}, "num_columns=-1"),
    ],
)
def test_what_is_no_grid_is_refused(array, options, words):
    with pytest.raises(InvalidInputError, match=words):
        grid_display(array, **options)


def test_filters_of_the_first_image_come_first():
    maps = np.arange(6).reshape(2, 1, 1, 3)  # image 0: 0 1 2, image 1: 3 4 5
    np.testing.assert_array_equal(filter_display(maps), [[0, 1, 2], [3, 4, 5], [0, 0, 0]])
    with pytest.raises(InvalidInputError, match="convolution or a pooling layer"):
        filter_display(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ([0.0, 0.5, 1.0, 0.999], [0, 127, 255, 254]),
        ([-1.0, 0.0, 1.0, 0.3], [0, 127, 255, 165]),
        ([-0.5, 0.2], [63, 153]),
        ([0.0, 128.7, 255.0], [0, 128, 255]),
        ([0, 128, 255], [0, 128, 255]),
        ([0, 1], [0, 255]),
        ([-3.0, 0.5, 4.0], [0, 127, 255]),  # none of the ranges: stretched
        ([300.0, 0.0], [255, 0]),
        ([-2.0, -2.0], [0, 0]),
    ],
)
def test_image_becomes_uint8_by_its_range(image, expected):
    found = image_to_uint_255(np.array(image))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.uint8


def test_image_of_uint8_stays_as_it_is():
    dark = np.array([0, 1], np.uint8)
    np.testing.assert_array_equal(image_to_uint_255(dark), dark)


def test_heatmap_has_the_colours_of_viridis_from_its_least_to_its_greatest():
    black = np.zeros((2, 2, 3))
    expected = [[[68, 1, 84], [59, 81, 139]], [[33, 144, 141], [253, 231, 37]]]
    assert np.abs(heatmap_display(RAMP, black) - np.array(expected, int)).max() <= 1


def test_heatmap_is_added_to_the_weighted_image():
    grey, black = np.full((2, 2, 3), 0.5), np.zeros((2, 2, 3))
    colours = heatmap_display(RAMP, black).astype(float)
    for weight in (0.0, 0.7, 1.0):
        expected = np.minimum(np.rint(colours + 127 * weight), 255)
        found = heatmap_display(RAMP[..., None], grey, image_weight=weight)
        np.testing.assert_array_equal(found, expected)


def test_heatmap_is_resized_between_the_centres_of_its_cells():
    ramp = np.array([[0.0, 4.0]])  # centres at 0.5 and 2.5 of 4 pixels: 0, 1, 3, 4
    grey = heatmap_display(ramp, np.zeros((1, 4, 3)), "gray")[0, :, 0]
    np.testing.assert_array_equal(grey, [0, 63, 191, 255])


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_image_without_three_channels_is_shown_in_grey(channels):
    image = np.linspace(0, 1, 4 * channels).reshape(2, 2, channels)
    grey = image_to_uint_255(image).mean(axis=-1).astype(int)
    found = heatmap_display(np.ones((2, 2)), image, "gray", image_weight=1.0)
    np.testing.assert_array_equal(found, np.repeat(grey[..., None], 3, axis=-1))


def test_constant_heatmap_has_the_colour_of_the_least():
    found = heatmap_display(np.full((3, 1), 0.1), np.zeros((7, 12)))
    assert np.abs(found - np.array([68, 1, 84])).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((2, 2, 3)), np.zeros((2, 2, 3))), "heatmap of shape"),
        ((RAMP, np.zeros((1, 2, 2, 3))), "image of shape"),
        ((RAMP, np.zeros((2, 2, 3)), 4), r"colormap=4 is none of OpenCV's maps .* 16 viridis"),
        ((RAMP, np.zeros((2, 2, 3)), 99), "colormap=99"),
        ((RAMP, np.zeros((2, 2, 3)), 16, 1.5), "image_weight=1.5"),
    ],
)
def test_what_is_no_heatmap_is_refused(arguments, words):
    with pytest.raises(InvalidInputError, match=words):
        heatmap_display(*arguments)


def test_colours_are_found_by_number_or_name():
    np.testing.assert_array_equal(opencv_colours(13), opencv_colours("magma"))
    jet = opencv_colours(2)
    assert jet[0].tolist() == [0, 0, 127]  # red, green, blue: not OpenCV's order
    with pytest.raises(UnknownNameError, match="'viridi'"):
        opencv_colours("viridi")


def test_patch_is_grey_from_its_left_upper_corner():
    image = np.zeros((3, 4, 1))
    patched = apply_grey_patch(image, 1, 2, 2)
    expected = np.zeros((3, 4, 1))
    expected[2, 1:3] = 127.5  # the row below is outside
    np.testing.assert_array_equal(patched, expected)
    assert not image.any()
    assert apply_grey_patch(image.astype(np.uint8), 0, 0, 1)[0, 0] == 127


def test_grey_scale_runs_from_the_mean_of_the_batch_to_one_deviation_above():
    tensor = np.random.default_rng(0).normal(size=(2, 5, 5, 3)).astype("float32")
    total = tensor.sum(axis=-1, dtype=np.float64)
    shares = np.clip((total - total.mean()) / total.std(), 0, 1)
    found = transform_to_normalized_grayscale(tf.constant(tensor)).numpy()
    assert np.abs(found - np.trunc(255 * shares)).max() <= 1
    assert (found == 0).any()
    assert (found == 255).any()


def test_files_hold_the_pixels(tmp_path):
    grey = np.arange(4, dtype=np.uint8).reshape(2, 2, 1) * 50
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    save_grayscale(grey, tmp_path / "new" / "folder", "grey.png")
    save_rgb(colours + 0.4, str(tmp_path), "colours.png")
    with Image.open(tmp_path / "new/folder/grey.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grey[..., 0])
    with Image.open(tmp_path / "colours.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), colours)


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="save_rgb for colours"):
        save_grayscale(np.zeros((2, 2, 3)), tmp_path, "a.png")
    with pytest.raises(InvalidInputError, match="save_grayscale for grey"):
        save_rgb(np.zeros((2, 2)), tmp_path, "a.png")
    with pytest.raises(OutputError, match=r"ends in '\.png'"):
        save_rgb(np.zeros((2, 2, 3)), tmp_path, "a")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Choose another folder"):
        save_rgb(np.zeros((2, 2, 3)), tmp_path / "file", "a.png")
