"""What metrics of localisation have in common: regions that the user marked."""

from __future__ import annotations

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.metrics.base import Asked
from tfxai.metrics.relevance import relevance


def marked(asked: Asked, name: str) -> tuple[Array, Array]:
    """The relevance of each position and whether it was marked, (B, n) each.

    Raises:
        InvalidInputError: Regions are missing, or of another shape than the positions.
    """
    found = relevance(asked.attribution)
    if asked.regions is None:
        raise InvalidInputError(
            f"{name} needs to know where something is. Pass regions=, a bool array of shape "
            f"{found.shape}."
        )
    regions = np.asarray(asked.regions)
    if regions.shape != found.shape or regions.dtype != bool:
        raise InvalidInputError(
            f"regions of shape {regions.shape} and type {regions.dtype} came, and bool of shape "
            f"{found.shape} was expected: one for each position of the input."
        )
    return found.reshape(len(found), -1), regions.reshape(len(found), -1)
