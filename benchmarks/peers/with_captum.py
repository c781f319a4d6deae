"""Captum's calls on the network that was rebuilt in PyTorch, as its users write them."""

from __future__ import annotations

from typing import Any

import captum.attr
import torch

from benchmarks.peers.torch_network import rebuilt

ROWS = 50
"""Rows at once, where a call takes such a number: that of steps and samples."""


def call(given: Any) -> Any:
    """The call, or None where the library has no such method."""
    model = rebuilt(given.model_file, is_logit=given.cell.method == "deep_shap")
    x = torch.from_numpy(given.x).permute(0, 3, 1, 2).contiguous()
    background = torch.from_numpy(given.background).permute(0, 3, 1, 2).contiguous()
    found = _made(model, x, background, given)
    if found is None:
        return None
    return lambda: found().detach().permute(0, 2, 3, 1).numpy()


def outputs(given: Any) -> Any:
    """What the network returns for the images."""
    x = torch.from_numpy(given.x).permute(0, 3, 1, 2)
    with torch.no_grad():
        return rebuilt(given.model_file)(x).numpy()


def _made(model: Any, x: Any, background: Any, given: Any) -> Any:
    options, target, method = given.cell.options, given.target, given.cell.method
    saliency = captum.attr.Saliency(model)
    if method == "saliency":
        return lambda: saliency.attribute(x, target=target, abs=False)
    if method == "grad_cam":
        cam = captum.attr.LayerGradCam(model, model.of(given.layer))
        return lambda: cam.attribute(x, target=target, relu_attributions=True)
    if method == "integrated_gradients":
        integral, steps = captum.attr.IntegratedGradients(model), options["steps"]
        rows = ROWS * max(1, len(x) // 8)
        return lambda: integral.attribute(
            x, target=target, n_steps=steps, internal_batch_size=rows
        )
    if method == "smooth_grad":
        smooth, samples = captum.attr.NoiseTunnel(saliency), options["samples"]
        size = ROWS if len(x) == 1 else max(1, ROWS // len(x))
        return lambda: smooth.attribute(
            x,
            nt_type="smoothgrad",
            nt_samples=samples,
            nt_samples_batch_size=size,
            stdevs=given.noise,
            target=target,
            abs=False,
        )
    if method == "occlusion":
        occlusion, window, stride = (
            captum.attr.Occlusion(model),
            options["window"],
            options["stride"],
        )
        return lambda: occlusion.attribute(
            x,
            (x.shape[1], window, window),
            strides=(x.shape[1], stride, stride),
            target=target,
            perturbations_per_eval=ROWS,
        )
    if method == "gradient_shap":
        shap, samples = captum.attr.GradientShap(model), options["samples"]
        return lambda: shap.attribute(x, background, n_samples=samples, target=target)
    if method == "deep_shap":
        deep = captum.attr.DeepLiftShap(model)
        return lambda: deep.attribute(x, background, target=target)
    return None
