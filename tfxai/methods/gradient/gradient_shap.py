"""GradientSHAP: expected gradients over baselines drawn from a background."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BACKGROUND
from tfxai.core.options import SEEDS, declaration, option
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientSHAP(AttributionMethod):
    """Integrated Gradients, averaged over a background and sampled along the paths.

    The values add up to the score minus the background's mean score, as far as `samples` reach:
    `completeness_gap` says how far they are off, and falls as 1 / sqrt(samples).

    Args:
        background: (R, ...) inputs that stand for the data, in the model's own units; a dict of
            them for a model with several inputs.
        samples: Number of draws of a baseline and a point on its path, at least 1.
        seed: Seed of the draws, which all examples of a batch share.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score`, the mean over the background, and `completeness_gap`.

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

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        def share(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            baseline = f.baseline_number(k % f.num_baselines)
            alpha = tf.cast(f.uniform(self.seed, k, 1), x.dtype)
            alpha = tf.reshape(alpha, [-1] + [1] * (x.shape.rank - 1))
            return (x - baseline) * f.gradient(baseline + alpha * (x - baseline))  # Eq. 3

        return f.sum_over_copies(share, [1 / self.samples] * self.samples, x)
