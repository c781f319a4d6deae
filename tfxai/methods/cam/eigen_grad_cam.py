"""Eigen-Grad-CAM: the principal direction of gradient times activation."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap
from tfxai.methods.cam.eigen import principal_map


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class EigenGradCAM(ClassActivationMap):
    """Eigen-CAM of gradient times activation, which makes it a map of the class.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), signed, in units of the score.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Gildenblat and contributors, "PyTorch library for CAM methods", 2021, where it is
        described in words; after Muhammad, Yeasin, "Eigen-CAM", IJCNN 2020. Departure: the sign
        is that of the summed products, as in `HiResCAM`.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> EigenGradCAM(layer="conv")(model, x).values.round(4)
        array([[[ 1., -2.],
                [ 3.,  4.]]], dtype=float32)
    """

    name: ClassVar[str] = "eigen_grad_cam"

    @property
    def is_signed(self) -> bool:
        """Negative positions speak against the class."""
        return True

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        return principal_map(g * a)
