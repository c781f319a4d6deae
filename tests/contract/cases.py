"""How the contract makes each registered method, and how it moves each of its options."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.builders import images
from tfxai import methods

NAMES = methods.names()
TARGET = 1

# Another value of each option: one that must change the values on `builders.functional`.
ALTERNATIVES: dict[tuple[str, str], Any] = {
    ("grad_cam", "layer"): "conv1",
    ("integrated_gradients", "baseline"): 0.5,
    ("integrated_gradients", "rule"): "riemann_left",
    ("integrated_gradients", "steps"): 3,
    ("saliency", "absolute"): False,
}
# What an option without a default is given.
REQUIRED: dict[str, Any] = {"layer": "conv2"}


def make(name: str, **options: Any) -> methods.AttributionMethod:
    """The method with its defaults, options that have none filled in."""
    for field in dataclasses.fields(methods.get(name)):
        defaults = (field.default, field.default_factory)
        if field.name not in options and all(one is dataclasses.MISSING for one in defaults):
            assert field.name in REQUIRED, (
                f"The option {field.name!r} of {name} has no default. Say in REQUIRED of "
                f"{__name__} what the contract gives it."
            )
            options[field.name] = REQUIRED[field.name]
    return methods.create(name, **options)


def alternative(name: str, option: str) -> Any:
    assert (name, option) in ALTERNATIVES, (
        f"The option {option!r} of {name} is new. Add ({name!r}, {option!r}): a second value, one "
        f"that changes the values, to ALTERNATIVES of {__name__}."
    )
    return ALTERNATIVES[name, option]


def options_of(name: str) -> list[str]:
    return [field.name for field in dataclasses.fields(methods.get(name))]


def doubles(count: int = 3, seed: int = 7) -> np.ndarray:
    return images(count, seed=seed).astype(np.float64)


every_method = pytest.mark.parametrize("name", NAMES)
every_option = pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in NAMES for option in options_of(name)]
)
