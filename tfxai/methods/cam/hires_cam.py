"""HiResCAM: the score shared out over the positions of a layer."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.methods.cam.base import ClassActivationMap


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class HiResCAM(ClassActivationMap):
    """Sums the product of activation and gradient over the feature maps, at each position.

    Where one linear layer follows, the map adds up to the score but for the bias: it shows the
    positions that the model used and no others.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), signed, in units of the score, unnormalised.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Draelos, Carin, "Use HiResCAM instead of Grad-CAM for faithful explanations of
        convolutional neural networks", 2020, section 3.3. arXiv:2011.08891. Departure: none;
        the ReLU that some programs add is none of the paper's equation.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")(image)
        >>> head = keras.layers.Dense(1, kernel_initializer="ones")
        >>> model = keras.Model(image, head(keras.layers.Flatten()(maps)))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> HiResCAM(layer="conv")(model, x).values
        array([[[ 1., -2.],
                [ 3.,  4.]]], dtype=float32)
    """

    name: ClassVar[str] = "hires_cam"

    @property
    def is_signed(self) -> bool:
        """Negative positions speak against the class."""
        return True

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(g * a, axis=-1)
