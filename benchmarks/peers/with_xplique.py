"""Xplique's calls, as its users write them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from xplique import attributions


def call(given: Any) -> Any:
    """The call, or None where the library has no such method."""
    model = keras.models.load_model(given.model_file)
    options, layer = given.cell.options, given.layer
    made: dict[str, Any] = {
        "saliency": lambda: attributions.Saliency(model),
        "grad_cam": lambda: attributions.GradCAM(model, conv_layer=layer),
        "integrated_gradients": lambda: attributions.IntegratedGradients(
            model, steps=options["steps"]
        ),
        "smooth_grad": lambda: attributions.SmoothGrad(
            model, nb_samples=options["samples"], noise=given.noise
        ),
        "occlusion": lambda: attributions.Occlusion(
            model, patch_size=options["window"], patch_stride=options["stride"]
        ),
        "rise": lambda: attributions.Rise(model, nb_samples=options["samples"]),
    }
    if given.cell.method not in made:
        return None
    explainer = made[given.cell.method]()
    targets = np.zeros((len(given.x), model.output_shape[-1]), np.float32)
    targets[:, given.target] = 1
    return lambda: np.asarray(explainer(given.x, targets))
