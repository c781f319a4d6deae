"""HSIC: how much the score depends on whether each cell shows."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.cells import epsilon
from tfxai.core.designs.hsic import HSICOptions
from tfxai.core.score import Score
from tfxai.methods.perturbation.designed import DesignedMethod, rows_of, scores_of_variants


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class HSIC(HSICOptions, DesignedMethod):
    """Hilbert-Schmidt independence criterion between the score and each cell of a grid.

    Masks show each cell or the baseline, with even chances. The criterion compares how alike two
    masks are at a cell with how alike their scores are: any dependence counts, not only that of
    the mean. It does not tell evidence for from evidence against. The estimate for a cell without
    influence is not zero but about 1 / `samples`; compare values with the smallest ones.
    A score that no mask changes beyond rounding has zeros.

    Args:
        cells: Cells along each axis, or one number for each axis; an axis with fewer positions
            has a cell for each.
        samples: n, the number of masks, at least 2: so often the model runs an example, however
            many cells there are. The kernel of the scores takes 8 n^2 bytes, one example at a
            time.
        baseline: What shows in the place of a hidden cell, as for `IntegratedGradients`; the mean
            of the scores over `Samples`.
        seed: Seed of the masks, which all examples share.

    Returns:
        `Attribution` with values (B, h, w) at the resolution of the input, each cell's criterion
        at all its positions, (B, t) for series and (B, F) for tables, non-negative, without
        units; with `baseline_score`, and `details["variance"]` (B,), the variance of the score
        under the masks. Several inputs have values each, the others as they are.

    Raises:
        InvalidInputError: An option is out of range, or the baseline does not fit.

    Reference:
        Novello, Fel, Vigouroux, "Making Sense of Dependence: Efficient Black-box Explanations
        Using Dependence Measure", NeurIPS 2022, arXiv:2206.06219; the estimator is Gretton,
        Bousquet, Smola, Schölkopf, "Measuring Statistical Dependence with Hilbert-Schmidt
        Norms", ALT 2005, tr(K H L H) / (n - 1)^2. The kernel of a cell is 1 where two masks agree
        and 0 elsewhere, that of the scores Gaussian. Departures: the bandwidth is the standard
        deviation of the scores, so that their scale and offset change nothing; masks are
        independent draws; interactions of cells are not given.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> HSIC()(model, np.ones((1, 2)), score="output").values.round(2)
        array([[0.22, 0.  ]], dtype=float32)
    """

    name: ClassVar[str] = HSICOptions.name
    is_by_input: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design, rows = self.design(x.shape[1:], is_lenient=f.is_one_of_several), rows_of(f, x)
        scores = scores_of_variants(design, f, x, tf.float64)
        found, variance = design.dependence(scores, epsilon(x.dtype), rows.xp)
        values = design.cells.spread(tf.cast(found, x.dtype), rows)
        return values, {"variance": tf.cast(variance, x.dtype)}
