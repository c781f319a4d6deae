"""Symmetric relevance gain: between hiding the least and hiding the most relevant first."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

from tfxai.arrays import Array
from tfxai.metrics.base import Asked
from tfxai.metrics.deletion import CurveMetric, area


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class SRG(CurveMetric):
    """The area between the curves with the least and with the most relevant parts hidden first.

    High is good; that of a random order is 0 in the mean, whatever the fill.

    Args:
        steps: Number of steps in which all is hidden, at least 1.
        fill: What shows where something is hidden, as a method's `baseline`, or
            `"road"`: made of what shows, `LinearImputation`. None is zeros.
        by: What is hidden at once: `"pixels"`, squares of a width, or `Slic(segments)`.
        least_first: Whether the sign is turned round.
        normalise: Whether curves are scaled so that the input has 1 and the fill 0.

    Returns:
        `Measurement` in units of the score, with both curves in its details.

    Reference:
        Blücher, Vielhaben, Strodthoff, "Decoupling Pixel Flipping and Occlusion Strategy for
        Consistent XAI Benchmarks", TMLR 2024, section 3. arXiv:2401.06654. Departure: none.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> x = np.array([[1.0, 1.0]], "float32")
        >>> SRG(steps=2)(model, x, tfxai.GradientInput()).values
        array([0.5])
    """

    name: ClassVar[str] = "srg"
    higher_is_better: ClassVar[bool | None] = True

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        most, least = (
            self._curve(asked, least_first=first)
            for first in (self.least_first, not self.least_first)
        )
        return area(least) - area(most), {"most_first": most, "least_first": least}
