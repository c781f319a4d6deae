"""Grad-CAM: where in a convolutional layer the evidence for a class lies."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, Self, final

import tensorflow as tf

from tfxai.core.anatomy import Anatomy
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradCAM(AttributionMethod):
    """Class-discriminative localisation from one convolutional layer.

    Weights each feature map of `layer` by its spatially averaged gradient and keeps the
    positive part of the weighted sum.

    Args:
        layer: Path of a layer with output (B, h, w, K), K feature maps, such as `"conv3"` or
            `"backbone/conv5"`. None is the last layer with two spatial axes.

    Returns:
        `Attribution` with values (B, h, w), non-negative, in units of the score, unnormalised.
        `heatmap(size)` resizes them to the image.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no two spatial axes, or is no path.

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
    is_map: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str | None = None

    def __post_init__(self) -> None:
        if self.layer is not None and not isinstance(self.layer, str):
            raise InvalidInputError(f"layer={self.layer!r} was expected to be a path or None.")

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: the ReLU of Eq. 2 keeps them from it."""
        return False

    def _bound(self, body: Anatomy) -> Self:
        method = self if self.layer else dataclasses.replace(self, layer=body.last_spatial())
        shape = body.find(str(method.layer)).shape
        if shape is None or len(shape) != 3:
            raise InvalidInputError(
                f"Layer {method.layer!r} has output shape {shape} per example, and Grad-CAM needs "
                "(h, w, K). Choose a convolution or pooling layer."
            )
        return method

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        activations, gradients = f.layer_gradient(str(self.layer), x)  # (B, h, w, K) both
        weights = tf.reduce_mean(gradients, axis=(1, 2))  # Eq. 1: alpha_k^c
        return tf.nn.relu(tf.einsum("bk,bhwk->bhw", weights, activations))  # Eq. 2
