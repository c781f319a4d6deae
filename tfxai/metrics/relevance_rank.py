"""Relevance rank: how many of the most relevant positions lie where they should."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.localisation import marked


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RelevanceRank(Metric):
    """The share of the K most relevant positions that lies in the region of K positions.

    Of equal values the first position counts as the more relevant one.

    Returns:
        `Measurement` in [0, 1], high is good; NaN where the region is empty.

    Raises:
        InvalidInputError: `regions` is missing or does not fit.

    Reference:
        Arras, Osman, Samek, "CLEVR-XAI", Information Fusion 2022, Eq. 2. arXiv:2003.07258.
        Departure: none.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs @ np.array([[3.0], [1.0], [2.0]], "float32"))
        >>> region = np.array([[True, True, False]])
        >>> RelevanceRank()(model, np.ones((1, 3)), tfxai.Saliency(), regions=region).values
        array([0.5])
    """

    name: ClassVar[str] = "relevance_rank"
    higher_is_better: ClassVar[bool | None] = True

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        found, regions = marked(asked, self.name)
        order = np.argsort(-found, axis=1, kind="stable")
        rank = np.argsort(order, axis=1, kind="stable")
        count = regions.sum(axis=1)
        hits = (regions & (rank < count[:, None])).sum(axis=1)
        return np.where(count > 0, hits / np.maximum(count, 1), np.nan), {}
