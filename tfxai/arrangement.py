"""Where the channels of an array lie, by the letters of its axes; without TensorFlow.

Axes are words of letters without the batch: "HWC" an image, "CHW" one with its channels first,
"HW" one without a channel axis, "TC" a series, "DHWC" a volume, "F" features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

POSITIONS = {0: "", 1: "T", 2: "HW", 3: "DHW"}
"""The letters of that many axes of positions."""


def array_channels_last(array: np.ndarray[Any, Any], axes: str) -> np.ndarray[Any, Any]:
    """As `channels_last`, of an array."""
    if not is_moved(axes):
        return array
    return array[..., None] if "C" not in axes else array.transpose(order(axes))


def array_channels_back(array: np.ndarray[Any, Any], axes: str) -> np.ndarray[Any, Any]:
    """The array that `array_channels_last` was given."""
    if not is_moved(axes):
        return array
    return array[..., 0] if "C" not in axes else array.transpose(np.argsort(order(axes)))


def is_moved(axes: str) -> bool:
    """Whether a method, which has channels last, sees another arrangement of it."""
    return len(axes) > 1 and not axes.endswith("C")


def moved_shape(shape: Sequence[int | None], axes: str) -> tuple[int | None, ...]:
    """The shape without the batch that `channels_last` gives for one without the batch."""
    if not is_moved(axes):
        return tuple(shape)
    if "C" not in axes:
        return (*shape, 1)
    return tuple(shape[i - 1] for i in order(axes)[1:])


def spatial(axes: str) -> str:
    """The letters of axes that are positions: a map has one axis for each."""
    return "".join(letter for letter in axes if letter in "TDHW")


def positions(axes: str) -> int:
    """Number of axes that are positions."""
    return len(spatial(axes))


def order(axes: str) -> list[int]:
    """The permutation, the batch counted, that takes the channels to the end."""
    place = axes.index("C") + 1
    return [i for i in range(len(axes) + 1) if i != place] + [place]
