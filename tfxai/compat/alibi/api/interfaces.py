"""An explanation: what was found, and how."""

from __future__ import annotations

import dataclasses
import json
import pprint
import warnings
from typing import Any

import numpy as np

from tfxai.errors import InvalidInputError


@dataclasses.dataclass(eq=False, repr=False)
class Explanation:
    """What an explainer found.

    The entries of both dicts can be had as attributes: `explanation.attributions`.

    Args:
        meta: Name, type and parameters of the explainer.
        data: What it found: of `IntegratedGradients` attributions, X, forward_kwargs, baselines,
            predictions, deltas and target.
    """

    meta: dict[str, Any]
    data: dict[str, Any]

    def __post_init__(self) -> None:
        for key, value in {**self.meta, **self.data}.items():
            if key not in ("meta", "data"):
                vars(self)[key] = value

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"The explanation has no {name!r}. It has {sorted(vars(self))}.")

    def __getitem__(self, key: str) -> Any:
        """What alibi's first versions had: the entry of either dict, with a warning."""
        warnings.warn(
            f"An explanation is no dict. Write explanation.{key}.",
            DeprecationWarning,
            stacklevel=2,
        )
        return vars(self)[key]

    def __repr__(self) -> str:
        return f"Explanation(meta={pprint.pformat(self.meta)}, data={pprint.pformat(self.data)})"

    def to_json(self) -> str:
        """Both dicts as JSON: arrays as nested lists, functions by their names."""
        return json.dumps({"meta": self.meta, "data": self.data}, default=_plain)

    @classmethod
    def from_json(cls, jsonrepr: str) -> Explanation:
        """The explanation that `to_json` wrote; arrays come back as nested lists.

        Args:
            jsonrepr: What `to_json` returned.

        Raises:
            InvalidInputError: It is no such JSON.
        """
        try:
            stored = json.loads(jsonrepr)
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidInputError(
                f"The text is no JSON: {error}. Pass what to_json returned."
            ) from error
        meta, data = (
            stored.get(key) if isinstance(stored, dict) else None for key in ("meta", "data")
        )
        if not isinstance(meta, dict) or not isinstance(data, dict):
            raise InvalidInputError(
                "The JSON holds no explanation, which has the objects 'meta' and 'data'. Pass "
                "what to_json returned."
            )
        return cls(meta, data)


def _plain(value: Any) -> Any:
    """What JSON has no word for: arrays, numbers of NumPy, functions."""
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return getattr(value, "__name__", repr(value))
