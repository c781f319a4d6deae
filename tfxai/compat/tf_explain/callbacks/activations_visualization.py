"""tf-explain's ActivationsVisualizationCallback."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.activations import ExtractActivations


class ActivationsVisualizationCallback(PictureCallback):
    """Writes what `ExtractActivations` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        layers_name: The layer whose feature maps are drawn, alone or as a list of one.
        output_dir: A folder for TensorBoard.
    """

    title: ClassVar[str] = "Activations Visualization"

    def __init__(
        self,
        validation_data: Any,
        layers_name: str | Sequence[str],
        output_dir: str | os.PathLike[str] = Path("logs/activations_visualizations"),
    ) -> None:
        super().__init__(validation_data, output_dir)
        self.layers_name = layers_name

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        return ExtractActivations().explain(self.validation_data, self.model, self.layers_name)
