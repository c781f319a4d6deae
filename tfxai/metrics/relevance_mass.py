"""Relevance mass: how much of what speaks for the target lies where it should."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.localisation import marked


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RelevanceMass(Metric):
    """The share of the positive values that lies in the region.

    Returns:
        `Measurement` in [0, 1], high is good; NaN where the region is empty, or nothing is
        positive.

    Raises:
        InvalidInputError: `regions` is missing or does not fit.

    Reference:
        Arras, Osman, Samek, "CLEVR-XAI", Information Fusion 2022, Eq. 1. arXiv:2003.07258.
        Departure: negative values are left out.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs @ np.array([[3.0], [1.0]], "float32"))
        >>> region = np.array([[True, False]])
        >>> RelevanceMass()(model, np.ones((1, 2)), tfxai.Saliency(), regions=region).values
        array([0.75])
    """

    name: ClassVar[str] = "relevance_mass"
    higher_is_better: ClassVar[bool | None] = True

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        found, regions = marked(asked, self.name)
        positive = np.maximum(found, 0)
        total = positive.sum(axis=1)
        known = (total > 0) & regions.any(axis=1)
        inside = (positive * regions).sum(axis=1)
        return np.where(known, inside / np.where(known, total, 1), np.nan), {}
