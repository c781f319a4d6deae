"""How a concept's score ranks among those of random concepts."""

from __future__ import annotations

import numpy as np

from tfxai.arrays import Array


def rank_p_value(
    score: float, magnitude: float, random_scores: Array, random_magnitudes: Array
) -> float:
    """Two-sided p-value of a score by its rank among K random ones, in [2 / (K + 1), 1].

    Where a random concept is exchangeable with the concept, p <= a has at most the chance a. Equal
    scores, of which there are many where they are 0 or 1, are ordered by their magnitudes.

    Args:
        score: Share of images whose score rises along the concept.
        magnitude: Its mean change along the concept.
        random_scores: (K,) the same of random concepts that were treated alike.
        random_magnitudes: (K,).
    """
    is_tie = np.isclose(random_scores, score, rtol=0, atol=1e-9)
    above = np.where(is_tie, random_magnitudes >= magnitude, random_scores > score).sum()
    below = np.where(is_tie, random_magnitudes <= magnitude, random_scores < score).sum()
    return float(min(1.0, 2 * (1 + min(above, below)) / (len(random_scores) + 1)))
