"""Completeness: how much of the score's difference the values leave out."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.metrics.base import Asked, Metric


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Completeness(Metric):
    """The gap between the sum of the values and the score's difference, as a share of it.

    Returns:
        `Measurement` from 0, low is good; NaN where the score does not differ.

    Raises:
        InvalidInputError: The method's values are not meant to add up.

    Reference:
        Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, section 3.
        arXiv:1703.01365. Departure: a share.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:])
        >>> x = np.array([[3.0, 4.0]])
        >>> method = tfxai.IntegratedGradients(steps=1, rule="riemann_right")
        >>> Completeness()(model, x, method).values
        array([1.])
    """

    name: ClassVar[str] = "completeness"
    takes_texts: ClassVar[bool] = True
    higher_is_better: ClassVar[bool | None] = False

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        one = asked.attribution
        if one.completeness_gap is None or one.baseline_score is None:
            raise InvalidInputError(
                f"The values of {one.method['name']} are not meant to add up to anything. Measure "
                "a method such as 'integrated_gradients'."
            )
        whole = np.abs(np.asarray(one.score, np.float64) - one.baseline_score)
        gap = np.abs(np.asarray(one.completeness_gap, np.float64))
        return np.where(whole > 0, gap / np.where(whole > 0, whole, 1), np.nan), {}
