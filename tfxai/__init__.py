"""Explainability for Keras 3 and TensorFlow models.

Names are resolved when they are first used, so that `import tfxai` is quick and loads no
TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Attribution": "tfxai.attribution",
    "Card": "tfxai.card",
    "Contrast": "tfxai.core.question.scores",
    "DeconvNet": "tfxai.methods",
    "DeepLIFT": "tfxai.methods",
    "DeepSHAP": "tfxai.methods",
    "GradCAM": "tfxai.methods",
    "GuidedBackprop": "tfxai.methods",
    "IntegratedGradients": "tfxai.methods",
    "LRP": "tfxai.methods",
    "Neuron": "tfxai.core.question.scores",
    "Saliency": "tfxai.methods",
    "Subject": "tfxai.subject",
    "TfxaiError": "tfxai.errors",
    "TfxaiWarning": "tfxai.errors",
    "BlurIntegratedGradients": "tfxai.methods",
    "Conductance": "tfxai.methods",
    "GuidedIntegratedGradients": "tfxai.methods",
    "GradientInput": "tfxai.methods",
    "GradientSHAP": "tfxai.methods",
    "InternalInfluence": "tfxai.methods",
    "SmoothGrad": "tfxai.methods",
    "SquaredSmoothGrad": "tfxai.methods",
    "VarGrad": "tfxai.methods",
    "EigenCAM": "tfxai.methods",
    "EigenGradCAM": "tfxai.methods",
    "GradCAMPlusPlus": "tfxai.methods",
    "HiResCAM": "tfxai.methods",
    "LayerCAM": "tfxai.methods",
    "XGradCAM": "tfxai.methods",
    "AblationCAM": "tfxai.methods",
    "ScoreCAM": "tfxai.methods",
    "GuidedGradCAM": "tfxai.methods",
    "Occlusion": "tfxai.methods",
    "RISE": "tfxai.methods",
    "FeatureAblation": "tfxai.methods",
    "KernelSHAP": "tfxai.methods",
    "LIME": "tfxai.methods",
    "ModelRegistry": "tfxai.registry",
    "ShapleySampling": "tfxai.methods",
    "Slic": "tfxai.core.inputs.superpixels",
    "compare_baselines": "tfxai.plotting",
    "inspect_model": "tfxai.inspection",
    "load": "tfxai.registry",
    "register_score": "tfxai.core.question.scores",
    "scan_model": "tfxai.inspection",
    "superpixels": "tfxai.core.inputs.superpixels",
}
_RENAMED = {"inspect_model": "inspect", "scan_model": "scan"}  # too short a name on its own
_MODULES = (
    "baselines",
    "config",
    "data",
    "errors",
    "export",
    "inspection",
    "methods",
    "models",
    "plotting",
    "registry",
    "rules",
)

__all__ = [*_HOME, *_MODULES, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), _RENAMED.get(name, name))
    if name in _MODULES:
        return importlib.import_module(f"tfxai.{name}")
    raise AttributeError(f"module 'tfxai' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
