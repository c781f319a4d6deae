"""Architectures and their training; TensorFlow is loaded when one is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.models.cnn import three_block_cnn as three_block_cnn
    from tfxai.models.evaluation import accuracy as accuracy
    from tfxai.models.options import ARCHITECTURES as ARCHITECTURES
    from tfxai.models.options import TrainingConfig as TrainingConfig
    from tfxai.models.options import equivalent_command as equivalent_command
    from tfxai.models.resnet import resnet18 as resnet18
    from tfxai.models.saving import save_model as save_model
    from tfxai.models.saving import save_twin as save_twin
    from tfxai.models.text_training import TextTrainingConfig as TextTrainingConfig
    from tfxai.models.text_training import train_texts as train_texts
    from tfxai.models.training import Trained as Trained
    from tfxai.models.training import train as train
    from tfxai.models.transformer import text_transformer as text_transformer
    from tfxai.models.transformer import vision_transformer as vision_transformer
    from tfxai.registry.history import history_path as history_path
    from tfxai.registry.history import read_history as read_history

_HOME = {
    "ARCHITECTURES": "tfxai.models.options",
    "TextTrainingConfig": "tfxai.models.text_training",
    "Trained": "tfxai.models.training",
    "TrainingConfig": "tfxai.models.options",
    "accuracy": "tfxai.models.evaluation",
    "equivalent_command": "tfxai.models.options",
    "history_path": "tfxai.registry.history",
    "read_history": "tfxai.registry.history",
    "resnet18": "tfxai.models.resnet",
    "save_model": "tfxai.models.saving",
    "save_twin": "tfxai.models.saving",
    "text_transformer": "tfxai.models.transformer",
    "three_block_cnn": "tfxai.models.cnn",
    "train": "tfxai.models.training",
    "train_texts": "tfxai.models.text_training",
    "vision_transformer": "tfxai.models.transformer",
}

if not TYPE_CHECKING:  # a type checker that sees __getattr__ accepts every name
    __all__ = sorted(_HOME)

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(importlib.import_module(_HOME[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME})
