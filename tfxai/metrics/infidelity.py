"""Infidelity: how far what parts are said to matter is from what the score loses without them."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.core.options import option
from tfxai.metrics.subsets import OverSubsets


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Infidelity(OverSubsets):
    """Mean square of what subsets are said to matter less what the score loses without them.

    The values are taken as amounts of the score, as those of Integrated Gradients, LRP, Shapley
    values and gradient times input are: they are added up over each subset.

    Args:
        cells: Cells of the grid along each axis of positions; an axis with fewer positions has a
            cell for each.
        share: Share of the cells in each subset, in (0, 1).
        samples: Number of subsets, at least 2.
        fill: What shows where cells are hidden, as a method's `baseline`, or `"road"`: made of
            what shows, `LinearImputation`. None is zeros.
        seed: Seed of the subsets, which all examples share.
        normalise: Whether the values of each example are scaled by the number, at least 0, that
            fits best, so that a map counts by its pattern alone.

    Returns:
        `Measurement` from 0, in units of the score squared, low is good.

    Reference:
        Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019,
        definition 2 with the square removal of section 2.2. arXiv:1901.09392. Departure: subsets
        are of the cells of a grid; values are multiplied by what is removed already; the scale
        that fits is not negative, so that the opposite of a map is not as good as the map.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs @ np.array([[1.0], [2.0], [4.0]], "float32"))
        >>> x = np.array([[1.0, 1.0, 1.0]], "float32")
        >>> Infidelity(share=0.4)(model, x, tfxai.GradientInput()).values
        array([0.])
    """

    name: ClassVar[str] = "infidelity"
    higher_is_better: ClassVar[bool | None] = False
    normalise: bool = option(True)

    def judged(self, said: Array, drops: Array) -> Array:
        """(B,) of what subsets are said to matter and what the score loses, (B, samples) both."""
        if self.normalise:
            squares = (said * said).sum(axis=1)
            fits = (said * drops).sum(axis=1) / np.where(squares > 0, squares, 1)
            said = said * np.maximum(fits, 0)[:, None]
        return np.asarray(np.square(said - drops).mean(axis=1))
