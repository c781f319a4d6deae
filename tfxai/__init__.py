"""Explainability for Keras 3 and TensorFlow models.

Names are resolved when they are first used, so that `import tfxai` is quick and loads no
TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the names of _HOME and _MODULES, for type checkers and editors
    from tfxai import baselines as baselines
    from tfxai import config as config
    from tfxai import data as data
    from tfxai import errors as errors
    from tfxai import export as export
    from tfxai import inspection as inspection
    from tfxai import methods as methods
    from tfxai import models as models
    from tfxai import plotting as plotting
    from tfxai import registry as registry
    from tfxai import rules as rules
    from tfxai.attribution import Attribution as Attribution
    from tfxai.card import Card as Card
    from tfxai.core.inputs.superpixels import Slic as Slic
    from tfxai.core.inputs.superpixels import superpixels as superpixels
    from tfxai.core.question.scores import Contrast as Contrast
    from tfxai.core.question.scores import Neuron as Neuron
    from tfxai.core.question.scores import register_score as register_score
    from tfxai.errors import TfxaiError as TfxaiError
    from tfxai.errors import TfxaiWarning as TfxaiWarning
    from tfxai.methods import HSIC as HSIC
    from tfxai.methods import LIME as LIME
    from tfxai.methods import LRP as LRP
    from tfxai.methods import RISE as RISE
    from tfxai.methods import XRAI as XRAI
    from tfxai.methods import AblationCAM as AblationCAM
    from tfxai.methods import BlurIntegratedGradients as BlurIntegratedGradients
    from tfxai.methods import Conductance as Conductance
    from tfxai.methods import DeconvNet as DeconvNet
    from tfxai.methods import DeepLIFT as DeepLIFT
    from tfxai.methods import DeepSHAP as DeepSHAP
    from tfxai.methods import EigenCAM as EigenCAM
    from tfxai.methods import EigenGradCAM as EigenGradCAM
    from tfxai.methods import FeatureAblation as FeatureAblation
    from tfxai.methods import GradCAM as GradCAM
    from tfxai.methods import GradCAMPlusPlus as GradCAMPlusPlus
    from tfxai.methods import GradientInput as GradientInput
    from tfxai.methods import GradientSHAP as GradientSHAP
    from tfxai.methods import GuidedBackprop as GuidedBackprop
    from tfxai.methods import GuidedGradCAM as GuidedGradCAM
    from tfxai.methods import GuidedIntegratedGradients as GuidedIntegratedGradients
    from tfxai.methods import HiResCAM as HiResCAM
    from tfxai.methods import IntegratedGradients as IntegratedGradients
    from tfxai.methods import InternalInfluence as InternalInfluence
    from tfxai.methods import KernelSHAP as KernelSHAP
    from tfxai.methods import LayerCAM as LayerCAM
    from tfxai.methods import Occlusion as Occlusion
    from tfxai.methods import Saliency as Saliency
    from tfxai.methods import ScoreCAM as ScoreCAM
    from tfxai.methods import ShapleySampling as ShapleySampling
    from tfxai.methods import SmoothGrad as SmoothGrad
    from tfxai.methods import Sobol as Sobol
    from tfxai.methods import SquaredSmoothGrad as SquaredSmoothGrad
    from tfxai.methods import VarGrad as VarGrad
    from tfxai.methods import XGradCAM as XGradCAM
    from tfxai.plotting import compare_baselines as compare_baselines
    from tfxai.registry import ModelRegistry as ModelRegistry
    from tfxai.registry import load as load
    from tfxai.subject import Subject as Subject

    inspect_model = inspection.inspect
    scan_model = inspection.scan

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
    "XRAI": "tfxai.methods",
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
    "HSIC": "tfxai.methods",
    "LIME": "tfxai.methods",
    "Sobol": "tfxai.methods",
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

if not TYPE_CHECKING:  # a type checker that sees __getattr__ accepts every name
    __all__ = [*_HOME, *_MODULES, "__version__"]

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(importlib.import_module(_HOME[name]), _RENAMED.get(name, name))
        if name in _MODULES:
            return importlib.import_module(f"tfxai.{name}")
        raise AttributeError(f"module 'tfxai' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted(__all__)
