"""Dots of a beeswarm: apart from each other, and shaded by what the model was given."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np

from tfxai.arrays import Array
from tfxai.feature_groups import Feature
from tfxai.plotting import style

_BINS = 100  # places along the axis at which dots may meet
_HALF = 0.4  # of a row, which dots keep to
_STEP = 0.08  # of a row, between two dots


def swarm(values: Array, low: float, high: float) -> Array:
    """(B,) how far each dot is moved up or down so that neighbours can be told apart.

    Args:
        values: (B,) where the dots lie.
        low: Start of the axis.
        high: End of the axis.

    Returns:
        Shares of a row in [-0.4, 0.4]: 0 for a dot that is alone.
    """
    bins = np.floor((values - low) / (high - low) * _BINS).astype(int)
    moved = np.zeros(len(values))
    for one in np.unique(bins):
        there = np.flatnonzero(bins == one)
        place = np.arange(1, len(there) + 1) // 2  # 0, 1, 1, 2, 2, ...
        sign = np.where(np.arange(len(there)) % 2, 1.0, -1.0)
        step = min(_STEP, _HALF / max(place.max(), 1))
        moved[there] = sign * place * step
    return moved


def shades(feature: Feature) -> Any:
    """(B, 4) colours from dark for the lowest input to light for the highest; grey for texts."""
    given = feature.inputs
    if given is None or given.dtype.kind not in "fiub":
        return style.MUTED
    numbers = given.astype(np.float64)
    low, high = np.percentile(numbers, [5, 95])
    if low == high:
        low, high = numbers.min(), numbers.max()
    share = np.clip((numbers - low) / ((high - low) or 1.0), 0, 1)
    return matplotlib.colormaps["viridis"](0.92 * share)
