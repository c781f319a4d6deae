"""ROAD: the score after parts were removed so that nobody can see where."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

from tfxai.arrays import Array
from tfxai.core.options import SEEDS, option
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.deletion import perturbation_curve
from tfxai.metrics.fills import LinearImputation
from tfxai.metrics.relevance import BY


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ROAD(Metric):
    """The mean score while ever larger shares of the image are imputed, the most relevant first.

    Low is good; with `least_first` high is.

    Args:
        steps: Shares k / `steps` are removed, k from 1 to `steps` - 1; at least 2. The default
            removes 10 %, 20 %, ..., 90 %.
        by: What is removed at once: `"pixels"`, squares of a width, or `Slic(segments)`.
        least_first: Whether the least relevant parts are removed first (LeRF); else the most
            relevant ones are (MoRF).
        noise: Standard deviation of the noise upon what was filled in, as a share of the range of
            the example; at least 0.
        seed: Seed of the noise, which all examples share.

    Returns:
        `Measurement` in units of the score, with `curve`, (B, steps + 1), in its details: the
        score at 0, 1 / `steps`, ... and, where nothing is left to impute from, at 1.

    Raises:
        InvalidInputError: The input has no neighbours, as tables have none, or is of words.

    Reference:
        Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML
        2022, section 4.2. arXiv:2202.00449. Departure: the probability of the class in the place
        of whether it is still predicted; those of `LinearImputation`.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((4, 4, 1))
        >>> model = keras.Model(inputs, inputs[:, 1, 1])  # one pixel counts
        >>> x = np.zeros((1, 4, 4, 1), "float32")
        >>> x[0, 1, 1] = 1.0
        >>> ROAD(noise=0.0)(model, x, tfxai.GradientInput()).details["curve"][0, :2]
        array([1., 0.])
    """

    name: ClassVar[str] = "road"
    higher_is_better: ClassVar[bool | None] = False
    steps: int = option(10, at_least=2)
    by: Any = option("pixels", kind=BY)
    least_first: bool = option(False)
    noise: float = option(0.01, at_least=0)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _is_higher_better(self) -> bool | None:
        return self.least_first

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        fill = LinearImputation(self.noise, self.seed)
        curve = perturbation_curve(
            asked, steps=self.steps, fill=fill, by=self.by, least_first=self.least_first
        )
        return curve[:, 1:-1].mean(axis=1), {"curve": curve}
