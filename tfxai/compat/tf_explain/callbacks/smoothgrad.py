"""tf-explain's SmoothGradCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.smoothgrad import SmoothGrad


class SmoothGradCallback(PictureCallback):
    """Writes what `SmoothGrad` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        num_samples: Noisy images for each, at least 1.
        noise: Standard deviation of the noise, in the unit of the images.
        output_dir: A folder for TensorBoard.
        exact: As for `SmoothGrad`.
    """

    title: ClassVar[str] = "SmoothGrad"

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        num_samples: int = 5,
        noise: float = 1.0,
        output_dir: str | os.PathLike[str] = Path("logs/smoothgrad"),
        *,
        exact: bool = False,
    ) -> None:
        super().__init__(validation_data, output_dir)
        self.class_index = class_index
        self.num_samples = num_samples
        self.noise = noise
        self.exact = exact

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        return SmoothGrad(exact=self.exact).explain(
            self.validation_data, self.model, self.class_index, self.num_samples, self.noise
        )
