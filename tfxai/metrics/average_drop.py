"""Average drop: what the score loses where only the relevant parts show."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.perturbed import PerExample, Veiled
from tfxai.metrics.relevance import relevance


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class AverageDrop(Metric):
    """The share of the score that is lost where each position shows as far as it is relevant.

    Args:
        fill: What shows elsewhere, as a method's `baseline`; None is zeros.

    Returns:
        `Measurement` of shares from 0, low is good; in its details `increase`, (B,) 1 where the
        score rose, and `gain`, (B,) the share of the way to 1 that it rose.

    Reference:
        Chattopadhay et al., "Grad-CAM++", WACV 2018, section 4.1, arXiv:1710.11063; the gain:
        Zhang et al., "Opti-CAM", 2023, section 4. arXiv:2301.07002. Departure: the mask is the
        positive part over its largest value, so that a map of no positive part hides everything;
        NaN where the score is not above 0.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] + inputs[:, 1:])
        >>> x = np.array([[3.0, 1.0]], "float32")  # the second shows by a third
        >>> AverageDrop()(model, x, tfxai.GradientInput()).values.round(4)
        array([0.1667])
    """

    name: ClassVar[str] = "average_drop"
    higher_is_better: ClassVar[bool | None] = False
    fill: Any = option(None, kind=BASELINE)

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        shown = np.maximum(relevance(asked.attribution), 0)
        peak = shown.reshape(len(shown), -1).max(axis=1)
        peak = np.where(peak > 0, peak, 1).reshape(-1, *[1] * (shown.ndim - 1))
        share = PerExample((1 - shown / peak).astype(np.float32))
        found = asked.scores(Veiled(share=share, baseline=self.fill))
        after = np.asarray(found.values, np.float64)[:, 0]
        before = np.asarray(found.score, np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            drop = np.where(before > 0, np.maximum(before - after, 0) / before, np.nan)
            gain = np.where(before < 1, np.maximum(after - before, 0) / (1 - before), 0.0)
        return drop, {"increase": (after > before).astype(np.float64), "gain": gain}
