"""Sobol: the share of the score's variance under random masks that each cell has a part in."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.cells import epsilon
from tfxai.core.designs.sobol import SobolOptions
from tfxai.core.score import Score
from tfxai.methods.perturbation.designed import DesignedMethod, rows_of, scores_of_variants


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Sobol(SobolOptions, DesignedMethod):
    """Total-order Sobol indices of the cells of a grid.

    A mask mixes each cell with the baseline, by a uniform random share. The index of a cell is
    the part of the score's variance that would be left if all other cells were known: its own
    effect and all interactions that it has a part in. Indices therefore add up to 1 where cells
    do not interact, and to more where they do. They do not tell evidence for from evidence
    against, and a score that no mask changes beyond rounding has zeros; `details["variance"]` says
    how much there is to share out.

    Args:
        cells: Cells along each axis, or one number for each axis; an axis with fewer positions
            has a cell for each. M in all, at most 10,600.
        samples: N, a power of two, at least 2. The model runs N (M + 1) times an example: 3,904
            times at the defaults for an image.
        baseline: What a cell is mixed with, as for `IntegratedGradients`; the mean of the scores
            over `Samples`.
        seed: Seed of the masks, which all examples share.

    Returns:
        `Attribution` with values (B, h, w) at the resolution of the input, each cell's index at
        all its positions, (B, t) for series and (B, F) for tables, non-negative, without units;
        with `baseline_score`, and `details["variance"]` (B,), the variance of the score under the
        masks. Several inputs have values each, the others as they are.

    Raises:
        InvalidInputError: An option is out of range, there are too many cells, or the baseline
            does not fit.

    Reference:
        Fel, Cadène, Chalvidal, Cord, Vigouroux, Serre, "Look at the Variance! Efficient Black-box
        Explanations with Sobol-based Sensitivity Analysis", NeurIPS 2021, arXiv:2111.04138; the
        estimator is Jansen, "Analysis of variance designs for model output", Computer Physics
        Communications 117, 1999. Departures: the masks of B are not run, which total orders do
        not need; masks are constant over a cell; words are shown where their share is at least
        one half.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((3,))
        >>> model = keras.Model(inputs, inputs[:, :1] + 2 * inputs[:, 1:2])  # variances 1 : 4 : 0
        >>> Sobol(samples=4096)(model, np.ones((1, 3)), score="output").values.round(1)
        array([[0.2, 0.8, 0. ]], dtype=float32)
    """

    name: ClassVar[str] = SobolOptions.name
    is_by_input: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design, rows = self.design(x.shape[1:], is_lenient=f.is_one_of_several), rows_of(f, x)
        scores = scores_of_variants(design, f, x, tf.float64)
        found, variance = design.indices(scores, epsilon(x.dtype), rows.xp)
        values = design.cells.spread(tf.cast(found, x.dtype), rows)
        return values, {"variance": tf.cast(variance, x.dtype)}
