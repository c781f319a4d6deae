"""tf-explain's GradientsInputs: pixels times the score's gradient."""

from __future__ import annotations

from typing import Any, ClassVar

import tensorflow as tf

from tfxai.compat.tf_explain.core.vanilla_gradients import VanillaGradients, output_values
from tfxai.methods import GradientInput
from tfxai.methods.base import AttributionMethod


class GradientsInputs(VanillaGradients):
    """Shows each pixel's value times the gradient of a class's score by it.

    Differs from gradient x input as `VanillaGradients` does from saliency.

    Args:
        exact: As for `VanillaGradients`.
    """

    departure: ClassVar[str] = VanillaGradients.departure.replace(
        "VanillaGradients", "GradientsInputs"
    )
    method: ClassVar[AttributionMethod] = GradientInput()

    @staticmethod
    def compute_gradients(images: Any, model: Any, class_index: int) -> tf.Tensor:
        """The images times the gradient of one output by them, (B, H, W, C).

        Args:
            images: (B, H, W, C).
            model: The Keras model.
            class_index: The output.
        """
        return output_values(GradientsInputs.method, images, model, class_index)
