"""Sparseness: how unevenly relevance is shared out."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.relevance import relevance


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Sparseness(Metric):
    """Gini index of the magnitudes: 0 where all positions have the same, near 1 for one alone.

    Returns:
        `Measurement` in [0, 1): (n - 1) / n for one position of n; 0 for a map of zeros.

    Reference:
        Chalasani et al., "Concise Explanations of Neural Networks using Adversarial Training",
        ICML 2020, section 5.1. arXiv:1810.06583. Departure: none.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, inputs[:, :1])
        >>> Sparseness()(model, np.ones((1, 4)), tfxai.Saliency()).values
        array([0.75])
    """

    name: ClassVar[str] = "sparseness"
    higher_is_better: ClassVar[bool | None] = None

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        found = relevance(asked.attribution)
        sizes = np.sort(np.abs(found.reshape(len(found), -1)), axis=1)
        n, total = sizes.shape[1], sizes.sum(axis=1)
        weights = 2 * np.arange(1, n + 1) - n - 1
        return np.where(total > 0, sizes @ weights / (n * np.where(total > 0, total, 1)), 0.0), {}
