"""Architectures, and training them: TensorFlow is loaded when one is first used."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "ARCHITECTURES": "options",
    "Trained": "training",
    "TrainingConfig": "options",
    "accuracy": "evaluation",
    "equivalent_command": "options",
    "history_path": "history",
    "read_history": "history",
    "resnet18": "resnet",
    "save_model": "saving",
    "save_twin": "saving",
    "three_block_cnn": "cnn",
    "train": "training",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
