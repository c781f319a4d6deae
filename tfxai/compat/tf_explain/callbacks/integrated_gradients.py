"""tf-explain's IntegratedGradientsCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.integrated_gradients import IntegratedGradients


class IntegratedGradientsCallback(PictureCallback):
    """Writes what `IntegratedGradients` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        n_steps: Points on the line from zeros, at least 2.
        output_dir: A folder for TensorBoard.
        exact: As for `IntegratedGradients`.
    """

    title: ClassVar[str] = "IntegratedGradients"

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        n_steps: int = 5,
        output_dir: str | os.PathLike[str] = Path("logs/integrated_gradients"),
        *,
        exact: bool = False,
    ) -> None:
        super().__init__(validation_data, output_dir)
        self.class_index = class_index
        self.n_steps = n_steps
        self.exact = exact

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        return IntegratedGradients(exact=self.exact).explain(
            self.validation_data, self.model, self.class_index, self.n_steps
        )
