"""tf-explain's OcclusionSensitivityCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.occlusion_sensitivity import OcclusionSensitivity


class OcclusionSensitivityCallback(PictureCallback):
    """Writes what `OcclusionSensitivity` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        patch_size: Side of the patches in pixels.
        output_dir: A folder for TensorBoard.
        exact: As for `OcclusionSensitivity`.
    """

    title: ClassVar[str] = "Occlusion Sensitivity"

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        patch_size: int,
        output_dir: str | os.PathLike[str] = Path("logs/occlusion_sensitivity"),
        *,
        exact: bool = False,
    ) -> None:
        super().__init__(validation_data, output_dir)
        self.class_index = class_index
        self.patch_size = patch_size
        self.exact = exact

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        return OcclusionSensitivity(exact=self.exact).explain(
            self.validation_data, self.model, self.class_index, self.patch_size
        )
