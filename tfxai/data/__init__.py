"""Images to explain and to train on, and their way into a model."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "CIFAR10_MEAN": "preprocessing",
    "CIFAR10_STD": "preprocessing",
    "CLASSES": "cifar10",
    "Preprocessing": "preprocessing",
    "SAMPLES": "samples",
    "fit_image": "images",
    "list_images": "images",
    "load_cifar10": "cifar10",
    "load_images": "folders",
    "read_classes": "classes",
    "read_image": "images",
    "sample_image": "samples",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
