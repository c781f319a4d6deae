"""What every library explains: one model, one image, one class, one layer."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tfxai.arrays import Array
from tfxai.errors import UnsupportedModelError
from tfxai.methods import AttributionMethod, GradCAM, IntegratedGradients, Saliency, create


@dataclasses.dataclass(frozen=True, eq=False)
class Setting:
    """The model without its card, so that every library is handed the same numbers.

    Args:
        model: A Keras model that returns (B, N).
        x: One image as the model takes it, float32 (1, H, W, C).
        target: The class to explain.
        layer: Path of the layer for Grad-CAM.
        steps: Number of gradients of an integral.
        samples: Number of noisy copies.
    """

    model: keras.Model
    x: Array
    target: int
    layer: str
    steps: int = 50
    samples: int = 25

    @classmethod
    def of(cls, model: keras.Model, x: Array, layer: str | None = None) -> Setting:
        """The predicted class of one image, and the layer that Grad-CAM itself would choose.

        Raises:
            UnsupportedModelError: The model's output is not (B, N) with several classes.
            LayerNotFoundError: `layer` is not in the model, or it has none for Grad-CAM.
        """
        outputs = model.output_shape
        if not isinstance(outputs, tuple) or len(outputs) != 2 or outputs[1] == 1:
            raise UnsupportedModelError(
                f"The model returns shape {outputs}, and the peers are compared on classifiers "
                "that return (B, classes) with two classes or more. Pass such a model."
            )
        a = GradCAM(layer=layer)(model, x)
        return cls(model, x, int(a.target[0]), a.method["options"]["layer"])

    def integral(self, rule: str, steps: int | None = None) -> Array:
        """Integrated Gradients of the output from zero, shaped like x."""
        method = IntegratedGradients(rule=rule, steps=steps or self.steps, baseline=0.0)
        return self._values(method, self.x, "output")

    def gradient(self, score: str, at: str | None = None) -> Array:
        """Gradient of the logit or output, shaped like x, or like the output of layer `at`."""
        method = Saliency(absolute=False)
        return np.asarray(method(self.model, self.x, self.target, score=score, at=at).values)

    def gradients(self, images: Array, score: str) -> tuple[Array, Array]:
        """Gradient at each of several images, shaped like them, and the score of each, (B,)."""
        a = Saliency(absolute=False)(self.model, images, self.target, score=score)
        return np.asarray(a.values), a.score

    def named(self, name: str, score: str, **options: Any) -> Array:
        """The values of a method by its registry name."""
        return self._values(create(name, **options), self.x, score)

    def _values(self, method: AttributionMethod, images: Array, score: str) -> Array:
        return np.asarray(method(self.model, images, self.target, score=score).values)
