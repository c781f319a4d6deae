"""tf-explain's GradCAMCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.grad_cam import GradCAM


class GradCAMCallback(PictureCallback):
    """Writes what `GradCAM` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        layer_name: As for `GradCAM.explain`.
        output_dir: A folder for TensorBoard.
        use_guided_grads: As for `GradCAM.explain`.
        exact: As for `GradCAM`.
    """

    title: ClassVar[str] = "Grad CAM"

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        layer_name: str | None = None,
        output_dir: str | os.PathLike[str] = Path("logs/grad_cam"),
        use_guided_grads: bool = True,
        *,
        exact: bool = False,
    ) -> None:
        super().__init__(validation_data, output_dir)
        self.class_index = class_index
        self.layer_name = layer_name
        self.use_guided_grads = use_guided_grads
        self.exact = exact

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        return GradCAM(exact=self.exact).explain(
            self.validation_data,
            self.model,
            class_index=self.class_index,
            layer_name=self.layer_name,
            use_guided_grads=self.use_guided_grads,
        )
