"""tf-explain's SmoothGrad: the mean gradient of noisy images."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.departures import tell_departure
from tfxai.compat.tf_explain.core.given import images_of, mean_over_copies
from tfxai.compat.tf_explain.utils.display import grid_display
from tfxai.compat.tf_explain.utils.image import transform_to_normalized_grayscale
from tfxai.compat.tf_explain.utils.saver import save_grayscale
from tfxai.core.question.scores import register_score
from tfxai.errors import InvalidInputError
from tfxai.methods import Saliency

_GRADIENT = Saliency(absolute=False)
_SCORES: dict[int, str] = {}


class SmoothGrad:
    """Shows the mean gradient of the cross-entropy of a class, over noisy images.

    The paper averages the gradient of the class's score: the cross-entropy's is -1 / p times that
    of the probability p at each sample. The noise is in the unit of the images, of which the paper
    takes a share of the range.

    Args:
        exact: Average the gradient of the class's logit over the same noisy images, and show its
            size in [0, 255] on each image's own scale.
    """

    departure: ClassVar[str] = (
        "SmoothGrad averages the gradient of the cross-entropy, which is -1 / p times that of the "
        "probability p of the class at each sample, and shows it from the batch's mean "
        "(black) to one standard deviation above it (white), as tf-explain does. "
        "SmoothGrad(exact=True) averages the gradient of the class's logit."
    )

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int,
        num_samples: int = 5,
        noise: float = 1.0,
    ) -> Array:
        """Explains one class for each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            class_index: The output that is explained.
            num_samples: Noisy images for each, at least 1.
            noise: Standard deviation of the noise, in the unit of the images.

        Returns:
            (rows H, columns W) uint8, a grid of B grey maps.

        Raises:
            TfxaiError: The model or the images cannot be explained; the sentence says why.
        """
        images = images_of(validation_data)
        noisy = self.generate_noisy_images(images, num_samples, noise)
        if self.exact:
            asked = (_GRADIENT, noisy, model, class_index, num_samples)
            sizes = np.abs(mean_over_copies(type(self).__name__, *asked)).sum(axis=-1)
            largest = sizes.max(axis=(1, 2), keepdims=True)
            scaled = sizes / np.where(largest > 0, largest, 1)
            return grid_display(np.rint(255 * scaled).astype(np.uint8))
        tell_departure(self, self.departure)
        gradients = self.get_averaged_gradients(noisy, model, class_index, num_samples)
        maps = transform_to_normalized_grayscale(tf.abs(gradients)).numpy()
        return grid_display(maps)

    @staticmethod
    def generate_noisy_images(images: Any, num_samples: int, noise: float) -> Array:
        """Copies of each image with noise of their own, drawn from NumPy's global generator.

        Args:
            images: (B, H, W, C).
            num_samples: Copies of each.
            noise: Standard deviation, in the unit of the images.

        Returns:
            (B num_samples, H, W, C), the copies of the first image first.
        """
        copies = np.repeat(np.asarray(images), num_samples, axis=0)
        drawn = np.random.normal(0, noise, copies.shape)  # noqa: NPY002 - set by np.random.seed
        return np.asarray(copies + np.asarray(drawn, np.float32))

    @staticmethod
    def get_averaged_gradients(
        noisy_images: Any, model: Any, class_index: int, num_samples: int
    ) -> tf.Tensor:
        """The mean gradient of the cross-entropy for each image, (B, H, W, C).

        Args:
            noisy_images: (B num_samples, H, W, C), the copies of the first image first.
            model: The Keras model.
            class_index: The output of which the cross-entropy is.
            num_samples: Copies of each image.
        """
        name, score = SmoothGrad.__name__, _cross_entropy(int(class_index))
        return mean_over_copies(name, _GRADIENT, noisy_images, model, None, num_samples, score)

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a grey picture.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_grayscale(grid, output_dir, output_name)


def _cross_entropy(class_index: int) -> str:
    """The registered name of the cross-entropy between the outputs and one class."""
    if class_index not in _SCORES:

        def cross_entropy(outputs: tf.Tensor) -> tf.Tensor:
            if not 0 <= class_index < outputs.shape[-1]:
                raise InvalidInputError(
                    f"class_index={class_index} is outside the model's {outputs.shape[-1]} "
                    f"outputs. Pass an index in [0, {outputs.shape[-1]})."
                )
            wanted = tf.one_hot([class_index], outputs.shape[-1], dtype=outputs.dtype)
            wanted = tf.broadcast_to(wanted, tf.shape(outputs))
            return keras.losses.categorical_crossentropy(wanted, outputs)

        name = f"tf_explain_cross_entropy_{class_index}"
        register_score(name)(cross_entropy)
        _SCORES[class_index] = name
    return _SCORES[class_index]
