"""The functions of OpenCV that tf-explain calls, without OpenCV.

The modules that use them name this one `cv2`, as tf-explain's do, so that a test which replaces
`cv2.resize` there finds it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from tfxai.arrays import Array
from tfxai.plotting.opencv_colours import opencv_colours


def resize(image: Any, size: tuple[int, int]) -> Array:
    """A map (h, w) as (H, W) float64: linear between the centres of its cells.

    Args:
        image: (h, w) numbers.
        size: (W, H), the width first.
    """
    exact = np.asarray(image, np.float64)
    zoom = [new / old for new, old in zip(size[::-1], exact.shape, strict=True)]
    between = ndimage.zoom(exact, zoom, order=1, mode="nearest", grid_mode=True)
    return np.clip(between, exact.min(), exact.max())  # a constant stays one, rounding or not


COLOR_RGB2BGR = COLOR_BGR2RGB = 4
COLOR_GRAY2BGR = 8


def cvtColor(image: Any, code: int) -> Array:
    """An image with its channels in another order, or grey values as three channels.

    Args:
        image: (H, W, 3), or (H, W) for `COLOR_GRAY2BGR`.
        code: `COLOR_RGB2BGR`, `COLOR_BGR2RGB` or `COLOR_GRAY2BGR`.
    """
    if code == COLOR_GRAY2BGR:
        return np.repeat(np.asarray(image)[..., None], 3, axis=-1)
    return np.asarray(image)[..., ::-1]


def applyColorMap(image: Any, colormap: int | str) -> Array:
    """The colours of grey values, (H, W, 3) uint8: blue, green, red.

    Args:
        image: (H, W, 3) uint8, all channels alike.
        colormap: OpenCV's number of a colour map, or matplotlib's name.

    Raises:
        InvalidInputError: There is no such colour map.
    """
    return opencv_colours(colormap)[np.asarray(image)[..., 0]][..., ::-1]


def addWeighted(first: Any, alpha: float, second: Any, beta: float, gamma: float) -> Array:
    """Alpha first + beta second + gamma, rounded and cut off to uint8."""
    total = np.asarray(first) * alpha + np.asarray(second) * beta + gamma
    return np.clip(np.rint(total), 0, 255).astype(np.uint8)
