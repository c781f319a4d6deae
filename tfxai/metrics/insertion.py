"""Insertion: how the score rises while the most relevant parts are shown."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

from tfxai.arrays import Array
from tfxai.metrics.base import Asked
from tfxai.metrics.deletion import CurveMetric, area


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Insertion(CurveMetric):
    """The area below the score while the most relevant parts are shown first. High is good.

    Args:
        steps: Number of steps in which all is shown, at least 1.
        fill: What shows before, as a method's `baseline`, or
            `"road"`: made of what shows, `LinearImputation`. None is zeros.
        by: What is shown at once: `"pixels"`, squares of a width, or `Slic(segments)`.
        least_first: Whether the least relevant parts go first; then low is good.
        normalise: Whether the curve is scaled so that the input has 1 and the fill 0.

    Returns:
        `Measurement` in units of the score, with `curve`, (B, steps + 1), in its details.

    Reference:
        Petsiuk, Das, Saenko, "RISE", BMVC 2018, section 4.1. arXiv:1806.07421. Departure: any
        fill; the paper's is a blur, `fill="blur"`.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> x = np.array([[1.0, 1.0]], "float32")
        >>> Insertion(steps=2)(model, x, tfxai.GradientInput()).values
        array([0.75])
    """

    name: ClassVar[str] = "insertion"
    higher_is_better: ClassVar[bool | None] = True

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        curve = self._curve(asked, inserts=True, least_first=self.least_first)
        return area(curve), {"curve": curve}
