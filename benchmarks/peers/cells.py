"""What is measured: a method, on a model, on so many images. Read by every environment."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Cell:
    """One row of the table.

    Args:
        name: As it is printed.
        model: Name of the model's files in the folder.
        images: Examples at once.
        method: What is asked of each library.
        options: Of the method, as tfxai calls them.
        rounds: How often each library is timed.
    """

    name: str
    model: str
    images: int
    method: str
    options: dict[str, Any]
    rounds: int

    @property
    def key(self) -> str:
        """For names of files."""
        return "-".join((self.model, str(self.images), self.name.replace(" ", "-")))


METHODS = {
    "alibi": {"integrated_gradients"},
    "captum": {
        "saliency", "grad_cam", "integrated_gradients", "smooth_grad", "occlusion",
        "gradient_shap", "deep_shap",
    },
    "shap": {"gradient_shap", "deep_shap"},
    "tf_explain": {"saliency", "grad_cam", "integrated_gradients", "smooth_grad", "occlusion"},
    "tf_keras_vis": {"saliency", "grad_cam", "smooth_grad", "score_cam"},
    "xplique": {
        "saliency", "grad_cam", "integrated_gradients", "smooth_grad", "occlusion", "rise",
    },
}  # fmt: skip
"""What each library is asked; those that it can of these are in its own module."""
NOISE = 0.15
"""Standard deviation of SmoothGrad's noise, as a share of the image's range."""
BACKGROUND = 10
"""Images of the background of GradientSHAP and DeepSHAP."""
_SINGLE: list[tuple[str, str, dict[str, Any]]] = [
    ("saliency", "saliency", {}),
    ("Grad-CAM", "grad_cam", {}),
    ("IG-50", "integrated_gradients", {"steps": 50}),
    ("SmoothGrad-50", "smooth_grad", {"samples": 50}),
]
_CNN = [
    *_SINGLE,
    ("occlusion 4 by 4", "occlusion", {"window": 4, "stride": 4}),
    ("occlusion 4 by 2", "occlusion", {"window": 4, "stride": 2}),
    ("RISE-500", "rise", {"samples": 500}),
    ("Score-CAM", "score_cam", {}),
    ("GradientSHAP-50", "gradient_shap", {"samples": 50}),
    ("DeepSHAP", "deep_shap", {}),
]
_LARGE = [
    *_SINGLE,
    ("occlusion 32 by 16", "occlusion", {"window": 32, "stride": 16}),
    ("RISE-200", "rise", {"samples": 200}),
    ("GradientSHAP-50", "gradient_shap", {"samples": 50}),
]
CELLS = [
    *(Cell(name, "cnn", 1, method, options, 15) for name, method, options in _CNN),
    *(Cell(name, "cnn", 32, method, options, 5) for name, method, options in _CNN[2:4]),
    *(Cell(name, "resnet50", 1, method, options, 5) for name, method, options in _LARGE),
]
TITLES = {"cnn": "Three-block CNN, 32 x 32", "resnet50": "ResNet50, 224 x 224"}
