"""Guided Grad-CAM: guided backpropagation where Grad-CAM finds evidence."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.graph.resize import linear_resize
from tfxai.core.graph.tensor_axes import channels_back
from tfxai.core.program import Values
from tfxai.core.score import Score
from tfxai.methods.cam.base import ClassActivationMap, check_axes, over_input
from tfxai.methods.cam.grad_cam import grad_cam
from tfxai.methods.gradient.guided_backprop import guided_gradient


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedGradCAM(ClassActivationMap):
    """Guided backpropagation times the Grad-CAM map at the resolution of the input.

    As sharp as the one and as much of the class as the other; what holds of the first one as
    evidence holds here too.

    Args:
        layer: Path of a layer with feature maps, several, or None, as for `GradCAM`.
        reshape: (h, w) grid of a vision transformer's patches, as for `GradCAM`.

    Returns:
        `Attribution` with values shaped like the inputs, signed, in squared units of the score
        per input unit.

    Raises:
        LayerNotFoundError: `layer` is not in the model, or the model has no such layer.
        InvalidInputError: `layer` has no positions, or is no path, or has other axes than the
            input; `reshape` does not fit it.
        UnsupportedModelError: No ReLU lies between the input and the score, or part of the
            network runs in a loop or a compiled call.

    Reference:
        Selvaraju et al., "Grad-CAM", ICCV 2017, section 3.2. arXiv:1610.02391. Departure: as
        for `GuidedBackprop`.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((2, 2, 1))
        >>> conv = keras.layers.Conv2D(1, 1, kernel_initializer="ones", name="conv")
        >>> relu = keras.layers.ReLU()(conv(image))
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(relu))
        >>> x = np.array([[1.0, -2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
        >>> GuidedGradCAM(layer="conv")(model, x).values[..., 0]  # slope 1/4, weight 3/16
        array([[[0.046875, 0.      ],
                [0.140625, 0.1875  ]]], dtype=float32)
    """

    name: ClassVar[str] = "guided_grad_cam"
    keeps_every_layer: ClassVar[bool] = True
    is_map: ClassVar[bool] = False
    takes_any_input: ClassVar[bool] = False

    @property
    def is_signed(self) -> bool:
        """The sign is that of guided backpropagation."""
        return True

    def _attribute(self, f: Score, x: tf.Tensor) -> Values:
        maps = super()._attribute(f, x)
        alone, one, name = over_input(f, x, self.paths[0])
        check_axes(maps, one, ", ".join(self.paths))
        resized = linear_resize(maps, one.shape[1:-1])
        values = guided_gradient(alone, one) * tf.cast(resized, one.dtype)[..., None]
        return values if name is None else {name: channels_back(values, alone.parts[0].axes)}

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        return grad_cam(a, g)
