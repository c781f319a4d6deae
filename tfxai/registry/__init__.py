"""Trained models by name: where they lie, how they are kept whole and loaded safely.

Names are resolved when they are first used: where a folder is all that is asked for, not even
NumPy is loaded.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.registry.entries import Check, Entry
    from tfxai.registry.folders import find, names, roots
    from tfxai.registry.history import history_path, read_history
    from tfxai.registry.loading import load
    from tfxai.registry.model_registry import ModelRegistry

_HOME = {
    "Check": "entries",
    "Entry": "entries",
    "ModelRegistry": "model_registry",
    "find": "folders",
    "history_path": "history",
    "load": "loading",
    "names": "folders",
    "read_history": "history",
    "roots": "folders",
}

__all__ = [
    "Check",
    "Entry",
    "ModelRegistry",
    "find",
    "history_path",
    "load",
    "names",
    "read_history",
    "roots",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
