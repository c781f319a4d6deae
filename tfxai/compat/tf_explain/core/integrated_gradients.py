"""tf-explain's IntegratedGradients: the mean gradient on the way from black."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.departures import tell_departure
from tfxai.compat.tf_explain.core.given import grey_maps, images_of, mean_over_copies
from tfxai.compat.tf_explain.core.vanilla_gradients import VanillaGradients
from tfxai.compat.tf_explain.utils.display import grid_display
from tfxai.compat.tf_explain.utils.image import transform_to_normalized_grayscale
from tfxai.compat.tf_explain.utils.saver import save_grayscale
from tfxai.errors import InvalidInputError
from tfxai.methods import IntegratedGradients as Method


class IntegratedGradients:
    """Shows the mean of an output's gradients on the straight line from zeros to the images.

    The paper's values are these times x - x', with zeros for x' the images themselves, and add up
    to the score's difference; tf-explain leaves the factor out.

    Args:
        exact: Show the paper's values: x - x' times the integral of the logit's gradient
            (Gauss-Legendre), their size in [0, 255] on each image's own scale.
    """

    departure: ClassVar[str] = (
        "IntegratedGradients leaves out the factor x - x' (here the image itself), takes the "
        "plain mean of the output's gradients at n_steps points with both ends, and shows it "
        "from the batch's mean (black) to one standard deviation above it (white), as tf-explain "
        "does. "
        "IntegratedGradients(exact=True) shows the paper's values."
    )

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact

    def explain(
        self, validation_data: Any, model: Any, class_index: int, n_steps: int = 10
    ) -> Array:
        """Explains one class for each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            class_index: The output that is explained.
            n_steps: Points on the line, at least 2.

        Returns:
            (rows H, columns W) uint8, a grid of B grey maps.

        Raises:
            TfxaiError: The model or the images cannot be explained; the sentence says why.
        """
        images = images_of(validation_data)
        if self.exact:
            found = Method(steps=n_steps, baseline=0.0)(model, images, class_index)
            return grid_display(grey_maps(found))
        tell_departure(self, self.departure)
        path = self.generate_interpolations(np.asarray(images), n_steps)
        gradients = self.get_integrated_gradients(path, model, class_index, n_steps)
        maps = transform_to_normalized_grayscale(tf.abs(gradients)).numpy()
        return grid_display(maps)

    @staticmethod
    def get_integrated_gradients(
        interpolated_images: Any, model: Any, class_index: int, n_steps: int
    ) -> tf.Tensor:
        """The mean gradient of an output at the points of each path, (N, H, W, C).

        Args:
            interpolated_images: (N n_steps, H, W, C), one path after the other.
            model: The Keras model.
            class_index: The output.
            n_steps: Points of a path.
        """
        gradient, name = VanillaGradients.method, IntegratedGradients.__name__
        return mean_over_copies(
            name, gradient, interpolated_images, model, class_index, n_steps, "output"
        )

    @staticmethod
    def generate_interpolations(images: Any, n_steps: int) -> Array:
        """The paths from zeros to each image, (N n_steps, H, W, C), one after the other.

        Args:
            images: (N, H, W, C).
            n_steps: Points of a path, at least 2.
        """
        paths = [
            IntegratedGradients.generate_linear_path(np.zeros(image.shape), image, n_steps)
            for image in images
        ]
        return np.array([point for path in paths for point in path])

    @staticmethod
    def generate_linear_path(baseline: Any, target: Any, n_steps: int) -> list[Array]:
        """Points at equal distances from one image to another, both included.

        Args:
            baseline: The first, of any shape.
            target: The last, of the same shape.
            n_steps: How many, at least 2.

        Raises:
            InvalidInputError: There are fewer than two.
        """
        if n_steps < 2:
            raise InvalidInputError(
                f"n_steps={n_steps!r} was expected to be at least 2: the path has two ends."
            )
        way = (target - baseline) / (n_steps - 1)
        return [baseline + step * way for step in range(n_steps)]

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a grey picture.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_grayscale(grid, output_dir, output_name)
