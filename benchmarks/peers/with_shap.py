"""shap's calls, as its users write them: of the class of the highest score."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import shap


def call(given: Any) -> Any:
    """The call, or None where the library has no such method."""
    method = given.cell.method
    if method not in ("gradient_shap", "deep_shap"):
        return None
    model = keras.models.load_model(given.model_file)
    if method == "deep_shap":
        model.layers[-1].activation = keras.activations.linear  # the logit, as tfxai explains it
        deep = shap.DeepExplainer(model, given.background)
        return lambda: _first(deep.shap_values(given.x, ranked_outputs=1, check_additivity=False))
    samples = given.cell.options["samples"]
    gradient = shap.GradientExplainer(model, given.background)
    return lambda: _first(
        gradient.shap_values(given.x, nsamples=samples, ranked_outputs=1, rseed=0)
    )


def _first(answer: Any) -> Any:
    """The values of the first ranked output, (B, H, W, C)."""
    values, _ = answer
    return np.asarray(values)[..., 0]
