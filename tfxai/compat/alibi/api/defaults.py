"""The keys of an explanation by Integrated Gradients."""

from __future__ import annotations

from typing import Any

DEFAULT_META_INTGRAD: dict[str, Any] = {
    "name": None,
    "type": ["whitebox"],
    "explanations": ["local"],
    "params": {},
    "version": None,
}
DEFAULT_DATA_INTGRAD: dict[str, Any] = {
    "attributions": None,
    "X": None,
    "forward_kwargs": None,
    "baselines": None,
    "predictions": None,
    "deltas": None,
}
