"""VarGrad: the variance of the explanations of noisy copies of the input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.options import option
from tfxai.core.sampling.copies import repeat_batch
from tfxai.core.score import Score
from tfxai.methods.gradient.noise import NoisyMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class VarGrad(NoisyMethod):
    """How much a method's values vary over noisy copies of the input.

    Independent of the gradient itself where the score is linear: there it is zero.

    Args:
        of: The method that explains each copy, a record or its registry name; the signed
            gradient by default.
        samples: Number of noisy copies, at least 2. Memory does not grow with it.
        noise: Standard deviation of the Gaussian noise as a fraction of the input's range, which
            is max(x) - min(x) of each example; above 0.
        seed: Seed of the noise, which all examples of a batch share.

    Returns:
        `Attribution` with values shaped like the inputs, non-negative, in squared units of `of`:
        the population variance (divided by `samples`).

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

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        # Moments about the values at x itself: about zero, the difference of two large means
        # would lose the digits of a small variance.
        centre = self._explain(f, x)  # (B, ...)

        def moments(f: Score, x: tf.Tensor, k: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            copies = tf.shape(x)[0] // tf.shape(centre)[0]
            shift = self._explain_copy(f, x, k) - repeat_batch(centre, copies)
            return shift, shift**2

        shares = [1 / self.samples] * self.samples
        mean, square = f.sum_over_copies(moments, shares, x, like=(x, x))
        return tf.maximum(square - mean**2, 0)
