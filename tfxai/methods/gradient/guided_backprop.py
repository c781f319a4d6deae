"""Guided backpropagation: gradients that may only pass ReLUs forwards and backwards positive."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.gradient.relu_rules import propagate_through_relus


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedBackprop(AttributionMethod):
    """Gradient of the score in which each ReLU stops what would lower its output.

    Shows sharp image structures. It depends little on the weights of the upper layers and on
    the class (Adebayo et al., 2018), so it is no evidence of what the score rests on.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in score per input unit of the
        network with its ReLUs ruled so.

    Raises:
        UnsupportedModelError: No ReLU lies between the input and the score, or part of the
            network runs in a compiled call or a loop of unknown length.

    Reference:
        Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All
        Convolutional Net", ICLR workshop 2015, section 3.4. arXiv:1412.6806. Departure: the
        paper has ReLUs only. A clipped ReLU (ReLU6) and a leaky one pass the positive part of
        the signal times their own derivative; every other operation passes its gradient, gates
        such as that of hard-swish included. Keras' PReLU is two ReLUs, and both are ruled.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> relu = keras.ops.relu(inputs)
        >>> model = keras.Model(inputs, 3.0 * relu[:, :1] - 2.0 * relu[:, 1:])
        >>> GuidedBackprop()(model, np.ones((1, 2), "float32")).values
        array([[3., 0.]], dtype=float32)
    """

    name: ClassVar[str] = "guided_backprop"
    keeps_every_layer: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return guided_gradient(f, x)


def guided_gradient(f: Score, x: tf.Tensor) -> tf.Tensor:
    """The gradient of f at x in which each ReLU stops negative signals too, shaped like x."""
    # R^l = 1[f^l > 0] 1[R^(l+1) > 0] R^(l+1)
    return propagate_through_relus(f, x, lambda relu, r: relu.gradient([tf.nn.relu(r)])[0])
