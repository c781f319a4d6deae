"""Architectures, and training them: TensorFlow is loaded when one is first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ARCHITECTURES": "tfxai.models.options",
    "Trained": "tfxai.models.training",
    "TrainingConfig": "tfxai.models.options",
    "accuracy": "tfxai.models.evaluation",
    "equivalent_command": "tfxai.models.options",
    "history_path": "tfxai.registry.history",
    "read_history": "tfxai.registry.history",
    "resnet18": "tfxai.models.resnet",
    "save_model": "tfxai.models.saving",
    "save_twin": "tfxai.models.saving",
    "three_block_cnn": "tfxai.models.cnn",
    "train": "tfxai.models.training",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
