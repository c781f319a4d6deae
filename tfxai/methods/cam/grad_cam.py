"""Grad-CAM: where in a convolutional layer the evidence for a class lies."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAM(ClassActivationMap):
    """Class-discriminative localisation from one convolutional layer.

    Weights each feature map of `layer` by its spatially averaged gradient and keeps the
    positive part of the weighted sum.

    Args:
        layer: Path of a layer with output (B, h, w, K), K feature maps, such as `"conv3"` or
            `"backbone/conv5"`; of a series (B, t, K) or a volume (B, d, h, w, K); or several
            paths for the mean of their maps, at the finest one's resolution. None is the last
            layer with two spatial axes.
        reshape: (h, w) grid of the last h w positions of the layer, row by row: the patches of a
            vision transformer, whose layers return tokens (B, t, K). `"auto"` reads it from the
            model; where no layer is named, it is the last one of tokens before the last
            attention, since behind that only the class token may count.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.
        `heatmap(size)` resizes them to the image.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, Eqs. 1-2. arXiv:1610.02391. Departure: none.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> GradCAM(layer="conv")(model, x).values  # weight 1/4 per position, ReLU
        array([[[0.25, 0.  ],
                [0.75, 1.  ]]], dtype=float32)
    """

    name: ClassVar[str] = "grad_cam"

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        return grad_cam(a, g)


def grad_cam(a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
    """The map (B, P) of activations a and their gradients g, both (B, P, K)."""
    weights = tf.reduce_mean(g, axis=1)  # Eq. 1: alpha_k^c
    return tf.nn.relu(tf.einsum("bk,bpk->bp", weights, a))  # Eq. 2
