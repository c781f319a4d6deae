"""Mu-fidelity: whether parts matter together as much as their values say."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np
from scipy import stats

from tfxai.arrays import Array
from tfxai.metrics.subsets import OverSubsets


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class MuFidelity(OverSubsets):
    """Rank correlation of what subsets are said to matter with what the score loses without them.

    Args:
        cells: Cells of the grid along each axis of positions; an axis with fewer positions has a
            cell for each.
        share: Share of the cells in each subset, in (0, 1).
        samples: Number of subsets, at least 2.
        fill: What shows where cells are hidden, as a method's `baseline`, or
            `"road"`: made of what shows, `LinearImputation`. None is zeros.
        seed: Seed of the subsets, which all examples share.

    Returns:
        `Measurement` of Spearman's correlations in [-1, 1], high is good; NaN where either side
        is the same for all subsets.

    Reference:
        Bhatt, Weller, Moura, "Evaluating and Aggregating Feature-based Model Explanations", IJCAI
        2020, definition 3. arXiv:2005.00631. Departure: ranks are correlated, and subsets are of
        the cells of a grid.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs @ np.array([[1.0], [2.0], [4.0]], "float32"))
        >>> x = np.array([[1.0, 1.0, 1.0]], "float32")
        >>> MuFidelity(share=0.4)(model, x, tfxai.GradientInput()).values
        array([1.])
    """

    name: ClassVar[str] = "mu_fidelity"
    higher_is_better: ClassVar[bool | None] = True

    def judged(self, said: Array, drops: Array) -> Array:
        """(B,) of what subsets are said to matter and what the score loses, (B, samples) both."""
        return np.array([_correlation(a, b) for a, b in zip(said, drops, strict=True)])


def _correlation(a: Array, b: Array) -> float:
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(stats.spearmanr(a, b).statistic)
