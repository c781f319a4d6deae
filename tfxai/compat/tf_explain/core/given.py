"""What every explainer is given, and its pictures where the paper's values are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError


def images_of(validation_data: Any) -> Any:
    """The images of a pair of images and labels; labels are not looked at, and may be None.

    Raises:
        InvalidInputError: It is no such pair.
    """
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise InvalidInputError(
            f"validation_data is a {type(validation_data).__name__}, and a pair (images, labels) "
            "was expected. Pass (images, None) where there are no labels."
        )
    return validation_data[0]


def grey_maps(attribution: Attribution) -> Array:
    """(B, H, W) uint8: the sum of the values' sizes over the channels, each image's own scale."""
    heat = np.asarray(attribution.heatmap(channels="sum_abs"))
    return np.rint(255 * heat).astype(np.uint8)
