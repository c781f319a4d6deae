"""Pointing game: whether the most relevant position lies where it should."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.localisation import marked


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class PointingGame(Metric):
    """1 where the largest value lies in the region, else 0; of equal ones the share that does.

    Returns:
        `Measurement` in [0, 1], high is good; NaN where the region is empty.

    Raises:
        InvalidInputError: `regions` is missing or does not fit.

    Reference:
        Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018, section 5.1.
        arXiv:1608.00507. Departure: no margin around the region.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])
        >>> region = np.array([[True, False]])
        >>> PointingGame()(model, np.ones((1, 2)), tfxai.Saliency(), regions=region).values
        array([1.])
    """

    name: ClassVar[str] = "pointing_game"
    higher_is_better: ClassVar[bool | None] = True

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        found, regions = marked(asked, self.name)
        is_peak = found == found.max(axis=1, keepdims=True)
        share = (is_peak & regions).sum(axis=1) / is_peak.sum(axis=1)
        return np.where(regions.any(axis=1), share, np.nan), {}
