"""tf-explain's GradientsInputsCallback."""

from __future__ import annotations

from typing import Any, ClassVar

from tfxai.compat.tf_explain.callbacks.vanilla_gradients import VanillaGradientsCallback
from tfxai.compat.tf_explain.core.gradients_inputs import GradientsInputs


class GradientsInputsCallback(VanillaGradientsCallback):
    """Writes what `GradientsInputs` shows after each epoch, by default to `logs/gradients_inputs`.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        output_dir: A folder for TensorBoard.
        exact: As for `GradientsInputs`.
    """

    explainer: ClassVar[Any] = GradientsInputs()
    default_output_subdir: ClassVar[str] = "gradients_inputs"
