"""How the contract makes each registered method, and how it moves each of its options."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.builders import images
from tfxai import methods
from tfxai.methods.cam.base import ClassActivationMap

NAMES = methods.names()
TARGET = 1

CAMS = [name for name in NAMES if issubclass(methods.get(name), ClassActivationMap)]

# Another value of each option: one that must change the values on `builders.functional`.
ALTERNATIVES: dict[tuple[str, str], Any] = {
    ("blur_integrated_gradients", "max_sigma"): 1.0,
    ("blur_integrated_gradients", "rule"): "riemann_left",
    ("blur_integrated_gradients", "steps"): 3,
    ("conductance", "baseline"): 0.5,
    ("conductance", "layer"): "conv2",
    ("conductance", "rule"): "riemann_left",
    ("conductance", "steps"): 3,
    ("deep_lift", "baseline"): 0.5,
    ("deep_shap", "background"): np.full((1, 6, 5, 2), 0.25),
    ("feature_ablation", "baseline"): 0.5,
    ("feature_ablation", "mask"): np.arange(30).reshape(6, 5) // 4,
    ("gradient_shap", "background"): np.full((1, 6, 5, 2), 0.25),
    ("gradient_shap", "samples"): 3,
    ("gradient_shap", "seed"): 1,
    ("guided_integrated_gradients", "baseline"): 0.5,
    ("guided_integrated_gradients", "fraction"): 1.0,
    ("guided_integrated_gradients", "max_dist"): 1.0,
    ("guided_integrated_gradients", "steps"): 3,
    ("hsic", "baseline"): 0.5,
    ("hsic", "cells"): 3,
    ("hsic", "samples"): 30,
    ("hsic", "seed"): 1,
    ("integrated_gradients", "baseline"): 0.5,
    ("integrated_gradients", "rule"): "riemann_left",
    ("integrated_gradients", "max_steps"): 9,
    ("integrated_gradients", "steps"): 3,
    ("integrated_gradients", "tolerance"): 1e-4,
    ("internal_influence", "baseline"): 0.5,
    ("internal_influence", "layer"): "conv2",
    ("internal_influence", "rule"): "riemann_left",
    ("internal_influence", "steps"): 3,
    ("kernel_shap", "samples"): 300,
    ("lime", "alpha"): 0.1,
    ("lime", "kernel_width"): 0.5,
    ("lime", "samples"): 300,
    ("lrp", "rule"): "z_plus",
    ("occlusion", "baseline"): 0.5,
    ("occlusion", "reduce"): "max",
    ("occlusion", "stride"): 2,
    ("occlusion", "window"): 3,
    ("rise", "baseline"): 0.5,
    ("rise", "cells"): 3,
    ("rise", "probability"): 0.25,
    ("rise", "samples"): 30,
    ("rise", "seed"): 1,
    ("saliency", "absolute"): False,
    ("score_cam", "channels"): 1,
    ("shapley_sampling", "samples"): 8,
    ("sobol", "baseline"): 0.5,
    ("sobol", "cells"): 3,
    ("sobol", "samples"): 8,
    ("sobol", "seed"): 1,
    ("xrai", "black_and_white"): False,
    ("xrai", "dilation"): 40,
    ("xrai", "min_size"): 9000,
    ("xrai", "of"): "gradient_input",
    ("xrai", "scales"): (5000.0,),
    **{
        (name, option): value
        for name in ("kernel_shap", "lime", "shapley_sampling")
        for option, value in (
            ("baseline", 0.5),
            ("mask", np.arange(30).reshape(6, 5) // 4),
            ("seed", 1),
        )
    },
    **{
        (name, option): value
        for name in CAMS
        for option, value in (("layer", "conv1"), ("reshape", (10, 2)))
    },
    **{
        (name, option): value
        for name in ("smooth_grad", "squared_smooth_grad", "var_grad")
        for option, value in (
            ("of", methods.IntegratedGradients(steps=4)),
            ("samples", 7),
            ("noise", 0.4),
            ("seed", 1),
        )
    },
}
# Options without which another one does nothing.
COMPANIONS: dict[tuple[str, str], dict[str, Any]] = {
    ("integrated_gradients", "max_steps"): {"tolerance": 1e-9, "baseline": 5.0},
    ("occlusion", "reduce"): {"window": 2},
    ("occlusion", "stride"): {"window": 2},
    **{(name, "reshape"): {"layer": "conv2"} for name in CAMS},
}
# They know no target.
WITHOUT_TARGET = {"eigen_cam"}
# Their rules end at the logits: a softmax has none.
OF_LOGITS = {"deep_lift", "deep_shap", "lrp"}
# What an option without a default is given.
REQUIRED: dict[str, Any] = {"layer": "conv1", "background": images(3, seed=2)}
# Smaller numbers than the defaults, which would take long.
FEW: dict[tuple[str, str], Any] = {
    ("hsic", "samples"): 40,
    ("kernel_shap", "samples"): 250,
    ("lime", "samples"): 200,
    ("rise", "samples"): 40,
    ("shapley_sampling", "samples"): 4,
    ("sobol", "samples"): 4,
}


def make(name: str, path: str = "conv1", **options: Any) -> methods.AttributionMethod:
    """The method with its defaults, options that have none filled in: `path` for a layer."""
    for field in dataclasses.fields(methods.get(name)):
        if (name, field.name) in FEW:
            options.setdefault(field.name, FEW[name, field.name])
        defaults = (field.default, field.default_factory)
        if field.name not in options and all(one is dataclasses.MISSING for one in defaults):
            assert field.name in REQUIRED, (
                f"The option {field.name!r} of {name} has no default. Say in REQUIRED of "
                f"{__name__} what the contract gives it."
            )
            options[field.name] = path if field.name == "layer" else REQUIRED[field.name]
    return methods.create(name, **options)


def alternative(name: str, option: str) -> Any:
    assert (name, option) in ALTERNATIVES, (
        f"The option {option!r} of {name} is new. Add ({name!r}, {option!r}): a second value, one "
        f"that changes the values, to ALTERNATIVES of {__name__}."
    )
    return ALTERNATIVES[name, option]


def companions(name: str, option: str) -> dict[str, Any]:
    return COMPANIONS.get((name, option), {})


def options_of(name: str) -> list[str]:
    return [field.name for field in dataclasses.fields(methods.get(name))]


def doubles(count: int = 3, seed: int = 7) -> np.ndarray:
    return images(count, seed=seed).astype(np.float64)


every_method = pytest.mark.parametrize("name", NAMES)
every_option = pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in NAMES for option in options_of(name)]
)
