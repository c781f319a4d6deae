"""tf-explain's IntegratedGradientsCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

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

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called by Keras.

        Raises:
            TfxaiError: As for `IntegratedGradients.explain`, or TensorBoard is not installed.
        """
        grid = IntegratedGradients(exact=self.exact).explain(
            self.validation_data, self.model, self.class_index, self.n_steps
        )
        with self.writing():
            tf.summary.image("IntegratedGradients", np.expand_dims([grid], axis=-1), step=epoch)
