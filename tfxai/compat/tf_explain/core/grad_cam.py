"""tf-explain's GradCAM: a weighted sum of a layer's feature maps."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.departures import tell_departure
from tfxai.compat.tf_explain.core.given import images_of
from tfxai.compat.tf_explain.core.layers import LayerGradients, last_layer_with_maps
from tfxai.compat.tf_explain.utils.display import grid_display, heatmap_display
from tfxai.compat.tf_explain.utils.saver import save_rgb
from tfxai.methods import GradCAM as Method
from tfxai.plotting.opencv_colours import VIRIDIS


class GradCAM:
    """Shows where in a layer the evidence for a class lies, over each image.

    Grad-CAM as its paper has it explains the class's score, averages the gradients as they are and
    keeps the positive part of the sum.

    Args:
        exact: Show the paper's maps; `use_guided_grads` counts for nothing then.
    """

    departure: ClassVar[str] = (
        "GradCAM explains the model's output, has no ReLU, and with use_guided_grads (the "
        "default) sets gradients to 0 where they or the activations are not positive before it "
        "averages them, as tf-explain does: a factor of its own for each channel. "
        "GradCAM(exact=True) gives the paper's map."
    )

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int | None = None,
        layer_name: str | None = None,
        use_guided_grads: bool = True,
        colormap: int | str = VIRIDIS,
        image_weight: float = 0.7,
    ) -> Array:
        """Explains one class for each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            class_index: The output that is explained; None is the predicted class of each image.
            layer_name: A layer with output (B, h, w, K), inside nested models a path such as
                `"backbone/conv5"`; None is the last one.
            use_guided_grads: Set gradients to 0 where they or the activations are not positive.
            colormap: OpenCV's number of a colour map, 16 (viridis) by default, or matplotlib's
                name.
            image_weight: Share of the image in the picture, in [0, 1].

        Returns:
            (rows H, columns W, 3) uint8, a grid of B images under their maps.

        Raises:
            TfxaiError: The model or the images cannot be explained; the sentence says why.
        """
        images = images_of(validation_data)
        if self.exact:
            maps = list(Method(layer=layer_name)(model, images, class_index).values)
        else:
            tell_departure(self, self.departure)
            layer_name = layer_name or self.infer_grad_cam_target_layer(model)
            outputs, gradients = self.get_gradients_and_filters(
                model, images, layer_name, class_index, use_guided_grads
            )
            maps = [cam.numpy() for cam in self.generate_ponderated_output(outputs, gradients)]
        shown = [
            heatmap_display(one, image, colormap, image_weight)
            for one, image in zip(maps, images, strict=True)
        ]
        return grid_display(np.array(shown))

    @staticmethod
    def infer_grad_cam_target_layer(model: Any) -> str:
        """Name of the last layer of the model with an output (B, h, w, K).

        Args:
            model: The Keras model.

        Raises:
            LayerNotFoundError: There is none, which is a ValueError too.
        """
        return last_layer_with_maps(model)

    @staticmethod
    def get_gradients_and_filters(
        model: Any,
        images: Any,
        layer_name: str,
        class_index: int | None,
        use_guided_grads: bool,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """A layer's output, and the gradient of a class's output by it.

        Args:
            model: The Keras model.
            images: (B, H, W, C).
            layer_name: Name or path of the layer.
            class_index: The output; None is the predicted class of each image.
            use_guided_grads: Set gradients to 0 where they or the activations are not positive.

        Returns:
            The layer's output and the gradients, (B, h, w, K) both.
        """
        method = LayerGradients(layer=layer_name)
        found = method(model, images, class_index, score="output")
        gradients = tf.convert_to_tensor(found.values)
        outputs = tf.convert_to_tensor(found.details["activations"])
        if use_guided_grads:
            kept = (outputs > 0) & (gradients > 0)
            gradients = tf.where(kept, gradients, tf.zeros_like(gradients))
        return outputs, gradients

    @staticmethod
    def generate_ponderated_output(outputs: Any, grads: Any) -> list[Any]:
        """The map (h, w) of each image.

        Args:
            outputs: (B, h, w, K) a layer's output.
            grads: (B, h, w, K) gradients.
        """
        return [
            GradCAM.ponderate_output(output, grad)
            for output, grad in zip(outputs, grads, strict=True)
        ]

    @staticmethod
    def ponderate_output(output: Any, grad: Any) -> tf.Tensor:
        """The sum of feature maps, each times the mean of its gradients, (h, w).

        Args:
            output: (h, w, K) a layer's output for one image.
            grad: (h, w, K) gradients.
        """
        grad = tf.convert_to_tensor(grad)
        weights = tf.reduce_mean(grad, axis=(0, 1))
        return tf.tensordot(tf.cast(output, grad.dtype), weights, axes=1)

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a picture in colours.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_rgb(grid, output_dir, output_name)
