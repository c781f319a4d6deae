"""Eigen-CAM: what the feature maps of a layer have in common, whatever the class."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.score import Score
from tfxai.methods.cam.base import ClassActivationMap
from tfxai.methods.cam.eigen import principal_map


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class EigenCAM(ClassActivationMap):
    """Projects the activations of a layer on their first principal direction.

    Takes no gradient and knows no class: it shows what the layer reacts to most.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values (B, h, w), signed, in units of the activations.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path; `reshape` does not fit it.

    Reference:
        Muhammad, Yeasin, "Eigen-CAM", IJCNN 2020, section III. arXiv:2008.00299. Departure: the
        sign, which a singular vector leaves open, is that of the summed activations.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> maps = keras.layers.Conv2D(2, 1, kernel_initializer="ones", name="conv")(image)
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(maps))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> EigenCAM(layer="conv")(model, x).values.round(4)  # twice the same map: sqrt(2) x
        array([[[ 1.4142, -2.8284],
                [ 4.2426,  5.6569]]], dtype=float32)
    """

    name: ClassVar[str] = "eigen_cam"

    @property
    def is_signed(self) -> bool:
        """Negative positions are the opposite of the principal direction."""
        return True

    def _map(self, f: Score, x: tf.Tensor, path: str) -> tf.Tensor:
        activations = f.activations(path, x)
        return self._on_grid(principal_map(self._positions(activations)), activations)
