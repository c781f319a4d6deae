"""tf-explain's VanillaGradientsCallback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from tfxai.arrays import Array
from tfxai.compat.tf_explain.callbacks.writing import PictureCallback
from tfxai.compat.tf_explain.core.vanilla_gradients import VanillaGradients


class VanillaGradientsCallback(PictureCallback):
    """Writes what `VanillaGradients` shows after each epoch.

    Args:
        validation_data: (images, labels): images (B, H, W, C), labels are not used.
        class_index: The output that is explained.
        output_dir: A folder for TensorBoard; None is `logs/vanilla_gradients`.
        exact: As for `VanillaGradients`.
    """

    explainer: ClassVar[Any] = VanillaGradients()
    default_output_subdir: ClassVar[str] = "vanilla_gradients"

    def __init__(
        self,
        validation_data: Any,
        class_index: int,
        output_dir: str | os.PathLike[str] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        super().__init__(validation_data, output_dir or Path("logs") / self.default_output_subdir)
        self.class_index = class_index
        self.exact = exact
        self.score_model: Any = None

    def set_model(self, model: Any) -> None:
        """Called by Keras when training begins."""
        super().set_model(model)
        if not self.exact:
            self.score_model = self.explainer.get_score_model(model)

    @property
    def title(self) -> str:
        """The explainer's name."""
        return type(self.explainer).__name__

    def draw(self) -> Array:
        """The grid by the weights of the moment, as the explainer draws it."""
        if self.exact:
            explainer = type(self.explainer)(exact=True)
            return explainer.explain(self.validation_data, self.model, self.class_index)
        return self.explainer.explain_score_model(
            self.validation_data, self.score_model, self.class_index
        )
