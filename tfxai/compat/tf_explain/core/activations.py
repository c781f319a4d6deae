"""tf-explain's ExtractActivations: the feature maps of a layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from tfxai.arrays import Array
from tfxai.compat.tf_explain.core.given import images_of
from tfxai.compat.tf_explain.core.layers import LayerOutputs, submodel
from tfxai.compat.tf_explain.utils.display import filter_display
from tfxai.compat.tf_explain.utils.saver import save_grayscale
from tfxai.errors import InvalidInputError


class ExtractActivations:
    """Shows the feature maps of a layer as one grid.

    Args:
        batch_size: Images that are predicted at once, as `keras.Model.predict` has it.
    """

    def __init__(self, batch_size: int | None = None) -> None:
        self.batch_size = batch_size

    def explain(self, validation_data: Any, model: Any, layers_name: str | Sequence[str]) -> Array:
        """Draws every feature map of each image.

        Args:
            validation_data: (images, labels): images (B, H, W, C), labels are not used.
            model: The Keras model.
            layers_name: A layer with output (B, h, w, K), alone or as a list of one; inside of
                nested models a path such as `"backbone/conv5"`.

        Returns:
            (rows h, columns w) uint8: B K maps, from the least value of all to the greatest.

        Raises:
            InvalidInputError: There are several layers, or the layer returns no feature maps.
            LayerNotFoundError: There is no such layer.
        """
        graph = self.generate_activations_graph(model, layers_name)
        maps = graph.predict(images_of(validation_data), batch_size=self.batch_size)
        grid = filter_display(maps)
        low, high = grid.min(), grid.max()
        spread = np.where(high > low, high - low, 1)
        return np.asarray((np.clip((grid - low) / spread, 0, 1) * 255).astype("uint8"))

    @staticmethod
    def generate_activations_graph(model: Any, layers_name: str | Sequence[str]) -> keras.Model:
        """A model from the same inputs to the output of a layer; it shares the weights.

        Args:
            model: The Keras model.
            layers_name: Name or path of the layer, alone or as a list of one.

        Raises:
            InvalidInputError: There are none or several layers.
            LayerNotFoundError: There is no such layer.
        """
        names = [layers_name] if isinstance(layers_name, str) else list(layers_name)
        if len(names) != 1:
            raise InvalidInputError(
                f"layers_name={names!r} names {len(names)} layers, and a grid shows one. Call "
                "once for each layer."
            )
        by_name = {layer.name: layer for layer in getattr(model, "layers", [])}
        if getattr(model, "inputs", None) and names[0] in by_name:
            return submodel(model, by_name[names[0]].output)
        return LayerOutputs(model, names[0])

    def save(self, grid: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
        """Writes a grid as a grey picture.

        Args:
            grid: What `explain` returned.
            output_dir: A folder, which is made.
            output_name: Name of the file, such as `"map.png"`.
        """
        save_grayscale(grid, output_dir, output_name)
