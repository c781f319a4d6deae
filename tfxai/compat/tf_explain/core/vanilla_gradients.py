"""tf-explain's VanillaGradients: the size of the score's gradient."""

from __future__ import annotations

import os
import warnings
from typing import Any, ClassVar

import keras
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.departures import tell_departure
from tfxai.compat.tf_explain.core.given import grey_maps, images_of
from tfxai.compat.tf_explain.core.layers import submodel
from tfxai.compat.tf_explain.utils.display import grid_display
from tfxai.compat.tf_explain.utils.image import transform_to_normalized_grayscale
from tfxai.compat.tf_explain.utils.saver import save_grayscale
from tfxai.errors import TfxaiWarning
from tfxai.methods import Saliency
from tfxai.methods.base import AttributionMethod

ACTIVATION_LAYER_CLASSES = (
    keras.layers.Activation,
    keras.layers.ELU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ReLU,
    keras.layers.Softmax,
)
UNSUPPORTED_ARCHITECTURE_WARNING = (
    "The model does not end in a layer of class scores and an activation layer of its own, so the "
    "gradient is that of its output, which mostly is a probability. Pass exact=True to the "
    "explainer for the gradient of the class score."
)


class VanillaGradients:
    """Shows how steeply a class's score rises with each pixel.

    Differs from the paper's saliency in what is shown (`transform_to_normalized_grayscale`), and,
    where the softmax is no layer of its own, in that the probability is explained.

    Args:
        exact: Explain the class's logit wherever the softmax stands, and show the gradient's size
            in [0, 255] on each image's own scale.
    """

    departure: ClassVar[str] = (
        "VanillaGradients explains the model's output where its softmax is no layer of its own "
        "(p (1 - p) times the logit's gradient, for one unit), and shows the gradient's size "
        "from the batch's mean (black) to one standard deviation above it (white), as tf-explain "
        "does. "
        "VanillaGradients(exact=True) explains the logit and shows its size."
    )
    method: ClassVar[AttributionMethod] = Saliency(absolute=False)

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact

    def explain(self, validation_data: Any, model: Any, class_index: int) -> Array:
        """Explains one class for each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            class_index: The output that is explained.

        Returns:
            (rows H, columns W) uint8, a grid of B grey maps.

        Raises:
            TfxaiError: The model or the images cannot be explained; the sentence says why.
        """
        if self.exact:
            found = self.method(model, images_of(validation_data), class_index)
            return grid_display(grey_maps(found))
        score_model = self.get_score_model(model)
        return self.explain_score_model(validation_data, score_model, class_index)

    def get_score_model(self, model: Any) -> Any:
        """The model without its last layer, if that is an activation layer; it shares the weights.

        Args:
            model: A Sequential or Functional model.

        Returns:
            A new model, or `model` itself, with a warning, where it ends in another way.
        """
        layers = getattr(model, "layers", [])
        inner = getattr(layers[-1], "input", None) if layers else None
        if inner is None or not self._is_activation_layer(layers[-1]):
            warnings.warn(UNSUPPORTED_ARCHITECTURE_WARNING, TfxaiWarning, stacklevel=2)
            return model
        return submodel(model, inner)

    def _is_activation_layer(self, layer: Any) -> bool:
        """Whether a layer is nothing but an activation."""
        return isinstance(layer, ACTIVATION_LAYER_CLASSES)

    def explain_score_model(
        self, validation_data: Any, score_model: Any, class_index: int
    ) -> Array:
        """Explains one output of a model as it is, as `explain` does.

        Args:
            validation_data: (images, labels).
            score_model: A model whose outputs are class scores.
            class_index: The output that is explained.

        Returns:
            (rows H, columns W) uint8, a grid of B grey maps.
        """
        tell_departure(self, self.departure)
        images = images_of(validation_data)
        gradients = self.compute_gradients(images, score_model, class_index)
        maps = transform_to_normalized_grayscale(tf.abs(gradients)).numpy()
        return grid_display(maps)

    @staticmethod
    def compute_gradients(images: Any, model: Any, class_index: int) -> tf.Tensor:
        """The gradient of one output by the images, (B, H, W, C).

        Args:
            images: (B, H, W, C).
            model: The Keras model.
            class_index: The output.
        """
        return output_values(VanillaGradients.method, images, model, class_index)

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a grey picture.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_grayscale(grid, output_dir, output_name)


def output_values(
    method: AttributionMethod, images: Any, model: Any, class_index: int, at: str | None = None
) -> tf.Tensor:
    """The values of a method for an output as the model returns it."""
    found = method(model, images, class_index, score="output", at=at)
    return tf.convert_to_tensor(found.values)
