"""XGrad-CAM: Grad-CAM with weights that conserve the score."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class XGradCAM(ClassActivationMap):
    """Grad-CAM whose weights average each gradient by the activation at its position.

    Before the ReLU the map adds up to the sum of gradient times activation, as near to the score
    as any weights of whole feature maps come.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Fu et al., "Axiom-based Grad-CAM", BMVC 2020, section 3. arXiv:2008.02312.
        Departure: a feature map that sums to 0 has weight 0, where the equation divides by it.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> XGradCAM(layer="conv")(model, x).values  # weight (1 - 2 + 3 + 4) / 6
        array([[[1., 0.],
                [3., 4.]]], dtype=float32)
    """

    name: ClassVar[str] = "xgrad_cam"

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        total = tf.reduce_sum(a, axis=1)
        weights = tf.math.divide_no_nan(tf.reduce_sum(g * a, axis=1), total)
        return tf.nn.relu(tf.einsum("bk,bpk->bp", weights, a))
