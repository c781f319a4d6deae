"""SmoothGrad squared: the mean square of the explanations of noisy copies of the input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.sampled import sampled_mean
from tfxai.core.score import Score
from tfxai.methods.gradient.noise import NoisyMean


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class SquaredSmoothGrad(NoisyMean):
    """Averages the squared values of a method over noisy copies of the input.

    Args:
        of: The method that explains each copy, a record or its registry name; the signed
            gradient by default.
        samples: Number of noisy copies, at least 1. Memory does not grow with it; the
            most of them with `tolerance`.
        noise: Standard deviation of the Gaussian noise as a fraction of the input's range, which
            is max(x) - min(x) of each example; above 0.
        seed: Seed of the noise, which all examples of a batch share.
        tolerance: Largest standard error that a value may have, as a fraction of the example's
            largest value, above 0. Each example then takes samples until that is reached, 16 at
            first, in all at most `samples`. None: `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs, non-negative, in squared units of `of`.
        For two samples or more `details["standard_error"]`, shaped like them, is the standard
        deviation of the squares over copies divided by the root of their number; with
        `tolerance` `details["samples"]`, (B,), is that number.

    Raises:
        InvalidInputError: An option out of its range, or a method of a layer.

    Reference:
        Hooker et al., "A Benchmark for Interpretability Methods in Deep Neural Networks",
        NeurIPS 2019, section 3.1 (SG-SQ). arXiv:1806.10758. Departure: `of` may be another
        method than the gradient.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> SquaredSmoothGrad(samples=5)(model, np.array([[1.0, 2.0]])).values.round(4)
        array([[9., 4.]], dtype=float32)
    """

    name: ClassVar[str] = "squared_smooth_grad"

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: squares are not."""
        return False

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        def square(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            return self._explain_copy(f, x, k) ** 2

        return sampled_mean(f, x, square, self.samples, self.tolerance)
