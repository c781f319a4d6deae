"""RISE: the score under random masks, averaged at what each mask lets through."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.designs.rise import RISEOptions
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.inputs.baseline_records import Samples
from tfxai.core.options import option
from tfxai.core.sampled import check_tolerance, sampled_mean
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.perturbation.designed import DesignedMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RISE(RISEOptions, DesignedMethod):
    """Mean score of the input under random smooth masks, weighted by the mask at each position.

    High where the score is high whenever the position shows. A constant score gives a constant
    map, so only differences within a map tell anything.

    Args:
        samples: Number of masks. The paper takes 4,000 to 8,000 for images of 224 pixels.
        cells: Cells of the coarse grid along each axis, or one number for each axis.
        probability: Chance of a cell to be let through, in (0, 1).
        baseline: What shows where a mask hides, as for `IntegratedGradients`; one an example.
        seed: Seed of the masks, which all examples share.
        tolerance: Largest standard error that a value may have, as a fraction of the example's
            largest value, above 0. Each example then takes masks until that is reached, 16 at
            first, in all at most `samples`. None: `samples` for all.

    Returns:
        `Attribution` with values (B, h, w) at the resolution of the input, (B, t) for series and
        (B, F) for tables, in units of the score, with `baseline_score`; of several inputs one for
        each, the others as they are. Of words and truths a mask shows each or not. For two masks
        or more and one baseline an example, `details["standard_error"]`, shaped like the values,
        is the standard deviation over masks divided by the root of their number; with `tolerance`
        `details["samples"]`, (B,), is that number.

    Raises:
        InvalidInputError: An option is out of range, or the baseline does not fit.

    Reference:
        Petsiuk, Das, Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
        Models", BMVC 2018, Eq. 6 and section 3.2. arXiv:1806.07421. Departure: a baseline in the
        place of black; each axis of the grid is shifted by up to a cell, in fractions of a pixel.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # only the first feature counts
        >>> a = RISE(samples=4000, cells=2)(model, np.array([[1.0, 1.0]], "float32"))
        >>> bool(a.values[0, 0] > a.values[0, 1])
        True
    """

    name: ClassVar[str] = RISEOptions.name
    is_by_input: ClassVar[bool] = True
    tolerance: float | None = option(None, kind=float, above=0)

    def _check_together(self) -> None:
        super()._check_together()
        check_tolerance(self.tolerance, self.samples)
        if self.tolerance is not None and isinstance(self.baseline, Samples):
            raise InvalidInputError(
                "tolerance judges masks before one baseline an example, and Samples makes "
                "several. Pass samples alone, or one baseline an example."
            )

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        design = self.design(x.shape[1:], is_lenient=f.is_one_of_several)
        sides, several = design.sides, f.num_baselines

        def share(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            draws = f.uniform(self.seed, k // several, design.draws)
            mask = design.masks(tf.cast(draws, x.dtype), GRAPH)  # (rows, *sides)
            if not f.blends:
                mask = tf.cast(mask >= 0.5, x.dtype)  # there is nothing between two words
            shown = tf.reshape(mask, [-1, *sides, *[1] * design.channels])
            baseline = f.baseline_number(k % several)
            score = f(baseline + shown * (x - baseline))
            return tf.reshape(score, [-1] + [1] * len(sides)) * tf.cast(mask, score.dtype)

        like = tf.zeros([tf.shape(x)[0], *sides], f(x).dtype)
        weight = design.weight(several)
        if several > 1:  # the scores of a mask before each baseline are not independent
            weights = [weight] * (design.count * several)
            return f.sum_over_copies(share, weights, x, like=like), {}
        return sampled_mean(f, x, share, design.count, self.tolerance, like=like, weight=weight)
