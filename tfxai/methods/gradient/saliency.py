"""Saliency maps: how steeply the score rises with each input element."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Saliency(AttributionMethod):
    """Size of the score's gradient at each input element.

    Says where a small change of the input would change the score most, not how much of the
    score an element makes up.

    Args:
        absolute: Whether to take the gradient's absolute value, as the paper does; False keeps
            its sign.

    Returns:
        `Attribution` with values shaped like the inputs, in score per input unit. Its heatmap
        takes the maximum over the channels, as the paper does, or the sum where signs are kept.

    Raises:
        InvalidInputError: `absolute` is no bool.

    Reference:
        Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks", 2014, section 3.1.
        arXiv:1312.6034. Departure: the maximum over channels is left to the heatmap.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> Saliency()(model, np.ones((1, 2), "float32")).values
        array([[3., 2.]], dtype=float32)
    """

    name: ClassVar[str] = "saliency"
    absolute: bool = option(True)

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: they are where no absolute value is taken."""
        return not self.absolute

    @property
    def reduction(self) -> str:
        """How the heatmap reduces channels."""
        return "max_abs" if self.absolute else "sum"

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        gradient = f.gradient(x)  # w = dS_c/dI
        return tf.abs(gradient) if self.absolute else gradient
