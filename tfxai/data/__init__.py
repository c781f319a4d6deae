"""Images to explain and to train on, and their preprocessing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.data.cifar10 import CLASSES as CLASSES
    from tfxai.data.cifar10 import load_cifar10 as load_cifar10
    from tfxai.data.classes import read_classes as read_classes
    from tfxai.data.folders import load_images as load_images
    from tfxai.data.images import fit_image as fit_image
    from tfxai.data.images import list_images as list_images
    from tfxai.data.images import read_image as read_image
    from tfxai.data.preprocessing import CIFAR10_MEAN as CIFAR10_MEAN
    from tfxai.data.preprocessing import CIFAR10_STD as CIFAR10_STD
    from tfxai.data.preprocessing import Preprocessing as Preprocessing
    from tfxai.data.samples import SAMPLES as SAMPLES
    from tfxai.data.samples import sample_image as sample_image

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

if not TYPE_CHECKING:  # a type checker that sees __getattr__ accepts every name
    __all__ = sorted(_HOME)

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME})
