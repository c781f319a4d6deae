"""tf-explain's calls, as its users write them."""

from __future__ import annotations

from typing import Any

import keras
from tf_explain.core.grad_cam import GradCAM
from tf_explain.core.integrated_gradients import IntegratedGradients
from tf_explain.core.occlusion_sensitivity import OcclusionSensitivity
from tf_explain.core.smoothgrad import SmoothGrad
from tf_explain.core.vanilla_gradients import VanillaGradients


def call(given: Any) -> Any:
    """The call, or None where the library has no such method."""
    keras.config.disable_interactive_logging()
    model, options = keras.models.load_model(given.model_file), given.cell.options
    data, target, layer = (given.x, None), given.target, given.layer
    method = given.cell.method
    if method == "saliency":
        return lambda: VanillaGradients().explain(data, model, target)
    if method == "grad_cam":
        return lambda: GradCAM().explain(data, model, target, layer_name=layer)
    if method == "integrated_gradients":
        steps = options["steps"]
        return lambda: IntegratedGradients().explain(data, model, target, n_steps=steps)
    if method == "smooth_grad":
        samples, noise = options["samples"], given.noise
        return lambda: SmoothGrad().explain(data, model, target, samples, noise)
    if method == "occlusion" and options["window"] == options["stride"]:  # it has no stride
        window = options["window"]
        return lambda: OcclusionSensitivity().explain(data, model, target, window)
    return None
