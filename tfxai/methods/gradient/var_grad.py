"""VarGrad: the variance of the explanations of noisy copies of the input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.options import option
from tfxai.core.sampled import refined
from tfxai.core.sampling.copies import repeat_batch
from tfxai.core.sampling.moments import Moments
from tfxai.core.score import Score
from tfxai.methods.gradient.noise import NoisyMean


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class VarGrad(NoisyMean):
    """How much a method's values vary over noisy copies of the input.

    Independent of the gradient itself where the score is linear: there it is zero.

    Args:
        of: The method that explains each copy, a record or its registry name; the signed
            gradient by default.
        samples: Number of noisy copies, at least 2. Memory does not grow with it; the
            most of them with `tolerance`.
        noise: Standard deviation of the Gaussian noise as a fraction of the input's range, which
            is max(x) - min(x) of each example; above 0.
        seed: Seed of the noise, which all examples of a batch share.
        tolerance: Largest standard error that a value may have, as a fraction of the example's
            largest value, above 0. Each example then takes samples until that is reached, 16 at
            first, in all at most `samples`. None: `samples` for all.

    Returns:
        `Attribution` with values shaped like the inputs, non-negative, in squared units of `of`:
        the population variance (divided by `samples`). `details["standard_error"]`, shaped like
        them, is the root of (m4 - (n - 3) / (n - 1) v^2) / n for the variance v, the fourth
        central moment m4 and n samples, which holds for many of them; with `tolerance`
        `details["samples"]`, (B,), is n.

    Raises:
        InvalidInputError: An option out of its range, or a method of a layer.

    Reference:
        Adebayo et al., "Local Explanation Methods for Deep Neural Networks Lack Sensitivity to
        Parameter Values", 2018, section 2 (VarGrad). arXiv:1810.03307. Departure: `of` may be
        another method than the gradient.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] ** 2)
        >>> a = VarGrad(samples=500, noise=0.5)(model, np.array([[1.0, 3.0]]))
        >>> bool(abs(a.values[0, 0] - 4) < 1)  # the gradient 2 x: variance 4 (0.5 * range)^2
        True
    """

    name: ClassVar[str] = "var_grad"
    samples: int = option(50, at_least=2)  # one sample has no variance

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: variances are not."""
        return False

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        if self.tolerance is not None:
            return self._refined(f, x, self.tolerance)
        # Moments about the values at x itself: about zero, the difference of two large means
        # would lose the digits of a small variance.
        centre = self._explain(f, x)  # (B, ...)

        def moments(f: Score, x: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, ...]:
            copies = tf.shape(x)[0] // tf.shape(centre)[0]
            shift = self._explain_copy(f, x, k) - repeat_batch(centre, copies)
            return shift, shift**2, shift**3, shift**4

        shares = [1 / self.samples] * self.samples
        mean, square, *higher = f.sum_over_copies(moments, shares, x, like=(x,) * 4)
        error = _error((mean, square, *higher), tf.cast(self.samples, x.dtype))
        return tf.maximum(square - mean**2, 0), {"standard_error": error}

    def _refined(
        self, f: Score, x: tf.Tensor, tolerance: float
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        def variance(found: Moments, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            mean, square, *higher = found.raw(count)
            number = tf.reshape(tf.cast(count, x.dtype), [-1] + [1] * (x.shape.rank - 1))
            error = _error((mean, square, *higher), number)
            return tf.maximum(square - mean**2, 0), error

        return refined(f, x, self._explain_copy, variance, self.samples, tolerance, (x, 1, 4))


def _error(raw: tuple[tf.Tensor, ...], count: tf.Tensor) -> tf.Tensor:
    """The standard error of a variance, of the first four moments about any point."""
    mean, square, third, fourth = raw
    variance = tf.maximum(square - mean**2, 0)
    central = fourth - 4 * mean * third + 6 * mean**2 * square - 3 * mean**4
    return tf.sqrt(tf.maximum(central - (count - 3) / (count - 1) * variance**2, 0) / count)
