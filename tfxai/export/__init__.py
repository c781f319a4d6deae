"""Explanations as signatures of a SavedModel, beside the model's own answer."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {"check": "checking", "save": "saving"}

__all__ = ["check", "save"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"tfxai.export.{_HOME[name]}"), name)
    raise AttributeError(f"module 'tfxai.export' has no attribute {name!r}")
