"""tf-keras-vis' calls, as its users write them."""

from __future__ import annotations

from typing import Any

import keras
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.saliency import Saliency
from tf_keras_vis.scorecam import Scorecam
from tf_keras_vis.utils.scores import CategoricalScore


def call(given: Any) -> Any:
    """The call, or None where the library has no such method."""
    model = keras.models.load_model(given.model_file)
    x, layer = given.x, given.layer
    score = CategoricalScore([given.target] * len(x))
    method = given.cell.method
    if method in ("saliency", "smooth_grad"):
        samples = given.cell.options.get("samples", 0)
        saliency = Saliency(model, clone=False)
        share = given.noise / float(x.max() - x.min())
        return lambda: saliency(score, x, smooth_samples=samples, smooth_noise=share)
    if method == "grad_cam":
        cam = Gradcam(model, clone=False)
        return lambda: cam(score, x, penultimate_layer=layer)
    if method == "score_cam":
        of_scores = Scorecam(model, clone=False)
        return lambda: of_scores(score, x, penultimate_layer=layer)
    return None
