"""What photographs have in common: how their colours go together, and their spectrum."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.data.images import fit_image
from tfxai.data.samples import sample_image
from tfxai.errors import InvalidInputError

_NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left", "rocket")


@functools.lru_cache(maxsize=8)
def sample_photographs(height: int, width: int) -> Array:
    """(N, height, width, 3) in [0, 1]: scikit-image's photographs, cropped to that shape."""
    return np.stack([fit_image(sample_image(name), height, width) for name in _NAMES]) / 255.0


@functools.lru_cache(maxsize=1)
def colour_matrix() -> Array:
    """(3, 3) float32: from three independent numbers to a colour as photographs have them.

    The square root of the covariance of red, green and blue, as long as the unit matrix.
    """
    pixels = sample_photographs(128, 128).reshape(-1, 3)
    values, vectors = np.linalg.eigh(np.cov(pixels.T))
    root = vectors * np.sqrt(values) @ vectors.T
    return np.asarray(root / np.linalg.norm(root) * np.sqrt(3), np.float32)


def magnitudes(photographs: Any, height: int, width: int, channels: int) -> Array:
    """The mean magnitude of photographs' Fourier coefficients, in decorrelated colours.

    Args:
        photographs: (N, h, w, C) integers in [0, 255] or floats in [0, 1], or None for those of
            scikit-image.
        height: Height of the picture.
        width: Its width.
        channels: Its channels.

    Returns:
        (channels, height, width // 2 + 1) float32, of colours as `colour_matrix` is applied to;
        the mean colour, at frequency 0, is kept with its sign.

    Raises:
        InvalidInputError: The photographs are no such images.
    """
    if photographs is None:
        images = sample_photographs(height, width)
        images = images if channels == 3 else images.mean(-1, keepdims=True).repeat(channels, -1)
    else:
        images = _fitted(photographs, height, width, channels)
    if channels == 3:
        images = images @ np.linalg.inv(colour_matrix()).T
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    window /= np.sqrt(np.mean(window**2))  # as strong as without; no cross from opposite edges
    mean = images.mean(axis=(1, 2), keepdims=True)
    found = np.abs(np.fft.rfft2((images - mean) * window[..., None], axes=(1, 2))).mean(axis=0)
    found[0, 0] = mean.mean(axis=(0, 1, 2)) * height * width
    return np.asarray(np.moveaxis(found, -1, 0), np.float32)


def _fitted(photographs: Any, height: int, width: int, channels: int) -> Array:
    array = np.asarray(photographs)
    top = 255.0 if array.dtype.kind in "iu" else 1.0
    is_sound = array.ndim == 4 and array.size and array.dtype.kind in "fiu"
    if not is_sound or array.shape[-1] != channels or array.min() < 0 or array.max() > top:
        raise InvalidInputError(
            f"photographs of shape {array.shape} and type {array.dtype} came, and (N, h, w, "
            f"{channels}) was expected: integers in [0, 255] or floats in [0, 1]."
        )
    pixels = np.round(array * (255.0 / top)).astype(np.uint8)
    if array.shape[1:3] != (height, width):
        if channels != 3:
            raise InvalidInputError(
                f"photographs of {array.shape[1:3]} came for pictures of {(height, width)}. "
                "Resize them first."
            )
        pixels = np.stack([fit_image(one, height, width) for one in pixels])
    return pixels / 255.0
