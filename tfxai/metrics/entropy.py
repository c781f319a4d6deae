"""Entropy: over how many positions relevance is spread."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np
from scipy import special

from tfxai.arrays import Array
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.relevance import relevance


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Entropy(Metric):
    """Entropy of the magnitudes as shares of their sum: exp of it is a number of positions.

    Returns:
        `Measurement` from 0 (one position) to log n (all alike, or a map of zeros), in nats.

    Reference:
        Bhatt, Weller, Moura, "Evaluating and Aggregating Feature-based Model Explanations", IJCAI
        2020, definition 4, where it is called complexity. arXiv:2005.00631. Departure: none.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((4,))
        >>> model = keras.Model(inputs, inputs[:, :1])
        >>> Entropy()(model, np.ones((1, 4)), tfxai.Saliency()).values
        array([0.])
    """

    name: ClassVar[str] = "entropy"
    higher_is_better: ClassVar[bool | None] = None

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        found = relevance(asked.attribution)
        sizes = np.abs(found.reshape(len(found), -1))
        total = sizes.sum(axis=1, keepdims=True)
        shares = np.where(total > 0, sizes / np.where(total > 0, total, 1), 1 / sizes.shape[1])
        return special.entr(shares).sum(axis=1), {}
