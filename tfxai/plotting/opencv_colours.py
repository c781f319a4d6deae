"""Colour maps by OpenCV's numbers, out of matplotlib."""

from __future__ import annotations

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.plotting.colours import colour_map

VIRIDIS = 16
_NAMES = (
    "autumn", "bone", "jet", "winter", "rainbow", "ocean", "summer", "spring", "cool", "hsv",
    "pink", "hot", "parula", "magma", "inferno", "plasma", "viridis", "cividis", "twilight",
    "twilight_shifted", "turbo", "deepgreen",
)  # fmt: skip
"""OpenCV's names in the order of its numbers."""
_OTHERS = ("rainbow", "ocean", "parula", "deepgreen")
"""Those that matplotlib does not have, or has with other colours."""


def opencv_colours(number: int | str) -> Array:
    """(256, 3) uint8, red, green, blue: the colours of a map from the least value to the greatest.

    Args:
        number: OpenCV's number, such as 2 for jet (`cv2.COLORMAP_JET`), or matplotlib's name. Jet,
            hsv, pink and hot differ from OpenCV's by up to 51 of 255 in a channel, the others by
            at most 2.

    Raises:
        InvalidInputError: matplotlib has no such map.
    """
    if isinstance(number, str):
        name = number
    else:
        known = isinstance(number, int) and not isinstance(number, bool)
        name = _NAMES[number] if known and 0 <= number < len(_NAMES) else ""
        if name in ("", *_OTHERS):
            have = ", ".join(f"{i} {n}" for i, n in enumerate(_NAMES) if n not in _OTHERS)
            raise InvalidInputError(
                f"colormap={number!r} is none of OpenCV's maps that matplotlib has: {have}. Pass "
                "one of these numbers, or the name of a map of matplotlib."
            )
    return np.asarray(colour_map(name, False)(np.linspace(0, 1, 256), bytes=True)[:, :3])
