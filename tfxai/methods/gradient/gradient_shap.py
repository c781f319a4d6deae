"""GradientSHAP: expected gradients over baselines drawn from a background."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BACKGROUND
from tfxai.core.options import SEEDS, declaration, option
from tfxai.core.sampled import check_tolerance, sampled_mean
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod

_MOST = 2**19  # elements of a background whose sums are kept for each baseline by itself


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientSHAP(AttributionMethod):
    """Integrated Gradients, averaged over a background and sampled along the paths.

    The values add up to the score minus the background's mean score, as far as `samples` reach:
    `completeness_gap` says how far they are off, and falls as 1 / sqrt(samples).

    Args:
        background: (R, ...) inputs that stand for the data, in the model's own units; a dict of
            them for a model with several inputs.
        samples: Number of draws of a baseline and a point on its path, at least 1; the most of
            them with `tolerance`.
        seed: Seed of the draws, which all examples of a batch share.
        tolerance: Largest standard error that a value may have, as a fraction of the example's
            largest value, above 0. Each example then takes samples until that is reached, 16 at
            first, in all at most `samples`. None: `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score`, the mean over the background, and `completeness_gap`. For two samples
        or more `details["standard_error"]`, shaped like the values, is the standard deviation
        over draws divided by the root of their number: over those of the same baseline, each of
        which comes in turn, where there are two draws of each, and over all where there are not,
        which is then too large rather than too small; also where the background has more than
        2^19 elements in all. With `tolerance` `details["samples"]`, (B,), is the number of draws.

    Raises:
        InvalidInputError: An option out of its range, or a background that does not fit.

    Reference:
        Erion et al., "Improving performance of deep learning models with axiomatic attribution
        priors and expected gradients", 2021, Eq. 3. arXiv:1906.10670. Departure: the baselines
        are taken in turn, so that each is drawn equally often, not at random.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> background = np.array([[0.0, 0.0], [1.0, 1.0]])
        >>> GradientSHAP(background=background)(model, np.array([[2.0, 2.0]])).values.round(3)
        array([[ 4.5, -3. ]], dtype=float32)
    """

    name: ClassVar[str] = "gradient_shap"
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("background",)
    background: Any = dataclasses.field(metadata=declaration(kind=BACKGROUND))
    samples: int = option(50, at_least=1)
    seed: int = option(0, at_least=0, below=SEEDS)
    tolerance: float | None = option(None, kind=float, above=0)

    def _check_together(self) -> None:
        check_tolerance(self.tolerance, self.samples)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        def share(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            baseline = f.baseline_number(k % f.num_baselines)
            alpha = tf.cast(f.uniform(self.seed, k, 1), x.dtype)
            alpha = tf.reshape(alpha, [-1] + [1] * (x.shape.rank - 1))
            return (x - baseline) * f.gradient(baseline + alpha * (x - baseline))  # Eq. 3

        strata = f.num_baselines if f.num_baselines * math.prod(x.shape[1:]) <= _MOST else 1
        return sampled_mean(f, x, share, self.samples, self.tolerance, strata=strata)
