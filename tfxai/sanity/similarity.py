"""How alike two batches of maps are, and how evenly the values of one are spread."""

from __future__ import annotations

import numpy as np
from scipy import stats
from skimage.metrics import structural_similarity

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.metrics.relevance import relevance

_BINS = 100  # of the histogram
_WINDOW = 7  # pixels, the side of the windows that SSIM compares


def maps(one: Attribution) -> Array:
    """(B, ...) float64: one number for each position of the input.

    Of several inputs it is the values of all of them in a row, (B, D), and of a layer the values
    themselves.
    """
    values = one.values
    if isinstance(values, dict):
        rows = [array.reshape(len(one), -1) for array in values.values()]
        return np.concatenate(rows, axis=1).astype(np.float64)
    if one.at is not None or isinstance(one.inputs, dict):
        return np.asarray(values, np.float64)
    return relevance(one)


def spearman(first: Array, second: Array) -> Array:
    """(B,): the rank correlation of the magnitudes of two batches of maps, in [-1, 1].

    Where one of two maps has no order, all its magnitudes being equal, it is 0; where both have
    none, 1. A single position has no order either.
    """
    ranks = [stats.rankdata(np.abs(one).reshape(len(one), -1), axis=1) for one in (first, second)]
    a, b = (one - one.mean(axis=1, keepdims=True) for one in ranks)
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    flat = (np.ptp(a, axis=1) == 0) & (np.ptp(b, axis=1) == 0)
    found = (a * b).sum(axis=1) / np.where(scale > 0, scale, 1)
    return np.where(flat, 1.0, np.clip(found, -1, 1))


def ssim(first: Array, second: Array) -> Array:
    """(B,): the structural similarity of the magnitudes, each map scaled to a maximum of 1.

    NaN for what is no image of at least 3 x 3 pixels.
    """
    window = min(_WINDOW, *first.shape[1:]) if first.ndim > 2 else 0
    if first.ndim != 3 or window < 3:
        return np.full(len(first), np.nan)
    pairs = zip(_scaled(first), _scaled(second), strict=True)
    side = window - 1 + window % 2
    return np.array([structural_similarity(a, b, win_size=side, data_range=1.0) for a, b in pairs])


def _scaled(images: Array) -> Array:
    sizes = np.abs(images)
    largest = sizes.max(axis=(1, 2), keepdims=True)
    return np.asarray(sizes / np.where(largest > 0, largest, 1))


def entropy(images: Array) -> Array:
    """(B,): the entropy in nats of a histogram of each map's values in 100 bins of equal width."""
    found = np.empty(len(images))
    for i, one in enumerate(images.reshape(len(images), -1)):
        counts, _ = np.histogram(one, _BINS)
        found[i] = stats.entropy(counts)
    return found


def entropy_rise(before: Array, after: Array) -> Array:
    """(B,): how much the entropy rises, as a share of what it was; NaN where that was 0."""
    first, second = entropy(before), entropy(after)
    return np.where(first > 0, second / np.where(first > 0, first, 1) - 1, np.nan)
