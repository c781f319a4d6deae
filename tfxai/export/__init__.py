"""Explanations as signatures of a SavedModel, beside the model's own answer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxai.export.checking import check as check
    from tfxai.export.saving import save as save

_HOME = {"check": "checking", "save": "saving"}

if not TYPE_CHECKING:  # a type checker that sees __getattr__ accepts every name
    __all__ = ["check", "save"]

    def __getattr__(name: str) -> Any:
        if name in _HOME:
            return getattr(importlib.import_module(f"tfxai.export.{_HOME[name]}"), name)
        raise AttributeError(f"module 'tfxai.export' has no attribute {name!r}")
