"""Deconvolutional networks: signals are rectified on the way back and not by what ran forward."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.gradient.relu_rules import propagate_through_relus


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class DeconvNet(AttributionMethod):
    """Projects the score back to the input with a ReLU on the signal at each ReLU.

    Of what ran forward, only the switches of max-pooling and the operations that are not linear
    and no ReLU enter: in a network of convolutions and ReLUs alone, every image has one map.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in score per input unit of the
        network with its ReLUs ruled so.

    Raises:
        UnsupportedModelError: No ReLU lies between the input and the score, or part of the
            network runs in a compiled call or a loop of unknown length.

    Reference:
        Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014,
        section 2.1, in the form of Springenberg et al., 2015, Figure 1. arXiv:1311.2901.
        Departure: starts from the score and not from one feature map; a max-pooling's switches
        are its gradient; ReLU6 and leaky ReLUs are taken for ReLUs; every other operation
        passes its gradient, gates such as that of hard-swish included. Keras' PReLU is two
        ReLUs, and both are ruled.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> relu = keras.ops.relu(inputs)
        >>> model = keras.Model(inputs, 3.0 * relu[:, :1] - 2.0 * relu[:, 1:])
        >>> DeconvNet()(model, -np.ones((1, 2), "float32")).values
        array([[3., 0.]], dtype=float32)
    """

    name: ClassVar[str] = "deconv_net"
    keeps_every_layer: ClassVar[bool] = True

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return propagate_through_relus(f, x, lambda relu, r: tf.nn.relu(r))  # 1[R > 0] R
