"""tf-explain's OcclusionSensitivity: what is left of a class's probability without a patch."""

from __future__ import annotations

import math
import os
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.compat.departures import tell_departure
from tfxai.compat.tf_explain.core.given import images_of
from tfxai.compat.tf_explain.utils import opencv as cv2
from tfxai.compat.tf_explain.utils.display import grid_display, heatmap_display
from tfxai.compat.tf_explain.utils.image import GREY, apply_grey_patch
from tfxai.compat.tf_explain.utils.saver import save_rgb
from tfxai.errors import InvalidInputError
from tfxai.methods import Occlusion
from tfxai.plotting.opencv_colours import VIRIDIS


class OcclusionSensitivity:
    """Shows 1 - p of a class where patches of an image are grey, over each image.

    Args:
        batch_size: Patches that are predicted at once, as `keras.Model.predict` has it.
        exact: Show by how much a patch lowers the probability, and cover with the middle of the
            images' range, [0, 255], [0, 1] or [-1, 1], not with 127.5 in all of them.
    """

    departure: ClassVar[str] = (
        "OcclusionSensitivity shows 1 - p, which is the drop of the probability and 1 minus the "
        "probability of the whole image, and covers with 127.5 whatever the images' range, as "
        "tf-explain does. OcclusionSensitivity(exact=True) shows the drop, covered with the "
        "middle of the range."
    )

    def __init__(self, batch_size: int | None = None, *, exact: bool = False) -> None:
        self.batch_size = batch_size
        self.exact = exact

    def explain(
        self,
        validation_data: Any,
        model: Any,
        class_index: int,
        patch_size: int,
        colormap: int | str = VIRIDIS,
    ) -> Array:
        """Explains one class for each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            class_index: The output that is explained.
            patch_size: Side of the patches in pixels; they lie side by side.
            colormap: OpenCV's number of a colour map, 16 (viridis) by default, or matplotlib's
                name.

        Returns:
            (rows H, columns W, 3) uint8, a grid of B images under their maps.

        Raises:
            TfxaiError: The model or the images cannot be explained; the sentence says why.
        """
        images = images_of(validation_data)
        if self.exact:
            maps = _drops(model, np.asarray(images), class_index, patch_size)
        else:
            tell_departure(self, self.departure)
            maps = np.array(
                [self.get_sensitivity_map(model, one, class_index, patch_size) for one in images]
            )
        shown = [
            heatmap_display(one, image, colormap) for one, image in zip(maps, images, strict=True)
        ]
        return grid_display(np.array(shown))

    def get_sensitivity_map(
        self, model: Any, image: Any, class_index: int, patch_size: int
    ) -> Array:
        """1 - p of a class for each patch that is covered, resized to the image.

        Args:
            model: The Keras model, or anything with its `predict`.
            image: (H, W, C).
            class_index: The output.
            patch_size: Side of the patches in pixels, at least 1.

        Returns:
            (H, W) float64, linear between the centres of the patches.

        Raises:
            InvalidInputError: The side is below 1.
        """
        if patch_size < 1:
            raise InvalidInputError(f"patch_size={patch_size!r} was expected to be at least 1.")
        height, width = image.shape[:2]
        rows, columns = math.ceil(height / patch_size), math.ceil(width / patch_size)
        covered = [
            apply_grey_patch(image, column * patch_size, row * patch_size, patch_size)
            for column in range(columns)
            for row in range(rows)
        ]
        predicted = np.asarray(model.predict(np.array(covered), batch_size=self.batch_size))
        if not 0 <= class_index < predicted.shape[-1]:
            raise InvalidInputError(
                f"class_index={class_index!r} is outside the model's {predicted.shape[-1]} "
                "outputs. Pass an index from 0."
            )
        left = 1 - predicted[:, class_index].astype(np.float64)
        return cv2.resize(left.reshape(columns, rows).T, (width, height))

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a picture in colours.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_rgb(grid, output_dir, output_name)


def _drops(model: Any, images: Array, class_index: int, patch_size: int) -> Array:
    """(B, H, W) drops of the class's probability."""
    grey = GREY
    if images.min() < 0:
        grey = 0.0
    elif images.max() <= 1:
        grey = 0.5
    method = Occlusion(window=patch_size, stride=patch_size, baseline=grey)
    return np.asarray(method(model, images, class_index).values)
