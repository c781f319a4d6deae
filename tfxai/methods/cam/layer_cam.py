"""LayerCAM: every position of a feature map weighted by its own gradient."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class LayerCAM(ClassActivationMap):
    """Weights each activation by the positive part of its own gradient.

    Made for shallow layers, whose gradients differ much from place to place: `layer` may be
    several, from fine to coarse.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Jiang et al., "LayerCAM: Exploring Hierarchical Class Activation Maps for
        Localization", IEEE TIP 2021, section III. Departure: the maps of several layers are
        averaged as they are; the paper scales those of shallow layers by a tanh first.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> LayerCAM(layer="conv")(model, x).values
        array([[[1., 0.],
                [3., 4.]]], dtype=float32)
    """

    name: ClassVar[str] = "layer_cam"

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(tf.reduce_sum(tf.nn.relu(g) * a, axis=-1))
