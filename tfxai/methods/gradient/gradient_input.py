"""Gradient times input: the first-order term of the score around zero."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientInput(AttributionMethod):
    """Multiplies each input element by the score's gradient at it.

    On a network of ReLUs without biases the values add up to the score.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score.

    Reference:
        Shrikumar et al., "Not Just a Black Box", 2016, section 2. arXiv:1605.01713.
        Departure: none.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:])
        >>> GradientInput()(model, np.array([[3.0, 4.0]])).values
        array([[12., 12.]], dtype=float32)
    """

    name: ClassVar[str] = "gradient_input"

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return x * f.gradient(x)
