"""Grad-CAM++: feature maps weighted by how much each position of theirs matters."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAMPlusPlus(ClassActivationMap):
    """Grad-CAM whose weights let every position that raises the score count alike.

    Several objects of a class, or the whole of one, so weigh as much as its strongest part.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Chattopadhay et al., "Grad-CAM++", WACV 2018, section 3, with the closed form of
        Eq. 19 for Y = exp(S), S the score. arXiv:1710.11063. Departure: the factor exp(S), one
        number for the whole map, is left out: it overflows, and changes no comparison within a
        map. Where the gradient or the whole denominator of Eq. 19 is 0, alpha is 0.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> GradCAMPlusPlus(layer="conv")(model, x).values  # alpha 1 / (2 + 6), weight 4 / 8
        array([[[0.5, 0. ],
                [1.5, 2. ]]], dtype=float32)
    """

    name: ClassVar[str] = "grad_cam_pp"

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        total = tf.reduce_sum(a, axis=1, keepdims=True)
        alpha = tf.math.divide_no_nan(g**2, 2 * g**2 + total * g**3)  # Eq. 19
        weights = tf.reduce_sum(alpha * tf.nn.relu(g), axis=1)
        return tf.nn.relu(tf.einsum("bk,bpk->bp", weights, a))
