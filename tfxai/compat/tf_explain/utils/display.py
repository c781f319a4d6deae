"""Grids of images, and heatmaps over an image."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.compat.tf_explain.utils import opencv as cv2
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.plotting.opencv_colours import VIRIDIS

TOO_SMALL = (
    "Given values for num_rows and num_columns doesn't allow to display all images. Values have "
    "been overrided to respect at least num_columns"
)
"""tf-explain's own words, which tests compare: the grid has more rows than were asked for."""


def grid_display(array: Any, num_rows: int | None = None, num_columns: int | None = None) -> Array:
    """Puts images side by side, row by row; the cells that are left are zeros.

    Args:
        array: (N, H, W) or (N, H, W, C) images.
        num_rows: Rows of the grid. With neither number it is as wide as it is high.
        num_columns: Columns of the grid. With too few cells there are more rows, and a warning.

    Returns:
        (rows H, columns W) or (rows H, columns W, C) in the type of `array`.

    Raises:
        InvalidInputError: There is no image, or a number is below 1.
    """
    images = np.asarray(array)
    if images.ndim not in (3, 4) or not len(images):
        raise InvalidInputError(
            f"Images of shape {images.shape} came, and (N, H, W) or (N, H, W, C) with at least "
            "one image was expected. Pass a batch."
        )
    rows, columns = _cells(len(images), num_rows, num_columns)
    height, width, *channels = images.shape[1:]
    cells = np.zeros((rows * columns, height, width, *channels), images.dtype)
    cells[: len(images)] = images
    lines = cells.reshape(rows, columns, height, width, *channels).swapaxes(1, 2)
    return lines.reshape(rows * height, columns * width, *channels)


def filter_display(
    array: Any, num_rows: int | None = None, num_columns: int | None = None
) -> Array:
    """A grid of every channel of every image: those of the first image first.

    Args:
        array: (N, H, W, C) outputs of a layer.
        num_rows: As for `grid_display`.
        num_columns: As for `grid_display`.

    Returns:
        (rows H, columns W) in the type of `array`.

    Raises:
        InvalidInputError: They are no feature maps.
    """
    maps = np.asarray(array)
    if maps.ndim != 4:
        raise InvalidInputError(
            f"A layer's output of shape {maps.shape} came, and feature maps (N, H, W, C) were "
            "expected. Choose a convolution or a pooling layer."
        )
    each = np.moveaxis(maps, -1, 1)
    return grid_display(each.reshape(-1, *maps.shape[1:3]), num_rows, num_columns)


def image_to_uint_255(image: Any) -> Array:
    """An image as uint8.

    Args:
        image: In [0, 1], [-1, 1] or [0, 255], which its least and its greatest value tell. What
            lies in none of them is stretched from its least value to its greatest.

    Returns:
        uint8 of the same shape, fractions cut off.
    """
    pixels = np.asarray(image)
    if pixels.dtype == np.uint8 or not pixels.size:
        return pixels.astype(np.uint8)
    low, high = float(pixels.min()), float(pixels.max())
    pixels = pixels.astype(np.result_type(pixels.dtype, np.float32))
    if low >= 0 and high <= 255:
        return (pixels * (255 if high <= 1 else 1)).astype(np.uint8)
    if not (low >= -1 and high <= 1):
        spread = high - low if high > low else 1.0
        return ((pixels - low) / spread * 255).astype(np.uint8)
    return ((pixels + 1) / 2 * 255).astype(np.uint8)


def heatmap_display(
    heatmap: Any,
    original_image: Any,
    colormap: int | str = VIRIDIS,
    image_weight: float = 0.7,
) -> Array:
    """Adds a heatmap's colours to an image.

    Args:
        heatmap: (h, w) or (h, w, 1), resized to the image and stretched from its least value to
            its greatest; a constant one gets the colour of the least.
        original_image: (H, W, 3), (H, W, 1) or (H, W), in a range of `image_to_uint_255`. Of any
            other number of channels the mean is shown.
        colormap: OpenCV's number of a colour map, 16 (viridis) by default, or matplotlib's name.
        image_weight: Share of the image in the sum, in [0, 1]; the colours count in full.

    Returns:
        (H, W, 3) uint8: colours + image_weight image, at most 255.

    Raises:
        InvalidInputError: The heatmap is no map, the weight is out of range, or there is no such
            colour map.
    """
    if not 0 <= image_weight <= 1:
        raise InvalidInputError(f"image_weight={image_weight!r} was expected to lie in [0, 1].")
    image = _in_colours(image_to_uint_255(original_image))
    values = np.asarray(heatmap)
    values = values[..., 0] if values.ndim == 3 and values.shape[-1] == 1 else values
    if values.ndim != 2:
        raise InvalidInputError(
            f"A heatmap of shape {values.shape} came, and (h, w) or (h, w, 1) was expected. "
            "Reduce its channels first."
        )
    values = cv2.resize(values, (image.shape[1], image.shape[0]))
    low, high = values.min(), values.max()
    spread = high - low if high > low else 1.0
    grey = ((values - low) / spread * 255).astype(np.uint8)
    colours = cv2.applyColorMap(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), colormap)
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    total = cv2.addWeighted(image, image_weight, colours, 1, 0)
    return cv2.cvtColor(total, cv2.COLOR_BGR2RGB)


def _in_colours(image: Array) -> Array:
    """(H, W, 3) uint8 of any image."""
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise InvalidInputError(
            f"An image of shape {image.shape} came, and (H, W, 3), (H, W, 1) or (H, W) was "
            "expected. Pass one image."
        )
    if image.shape[-1] == 3:
        return image
    return np.repeat(image.mean(axis=-1, keepdims=True).astype(np.uint8), 3, axis=-1)


def _cells(count: int, rows: int | None, columns: int | None) -> tuple[int, int]:
    """How many rows and columns hold that many images."""
    for name, number in (("num_rows", rows), ("num_columns", columns)):
        if number is not None and number < 1:
            raise InvalidInputError(f"{name}={number!r} was expected to be at least 1.")
    if rows is None and columns is None:
        side = math.ceil(math.sqrt(count))
        return side, side
    if columns is None:
        return int(rows or 1), math.ceil(count / int(rows or 1))
    needed = math.ceil(count / columns)
    if rows is None:
        return needed, columns
    if rows < needed:
        warnings.warn(TOO_SMALL, TfxaiWarning, stacklevel=3)
    return max(rows, needed), columns
