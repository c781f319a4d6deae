"""What a page says of a model, of one map and of what made it, as plain texts."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from typing import Any

import numpy as np

from tfxai.attribution import Attribution
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.subject import Subject

_PACKAGES = ("tfxai", "tensorflow", "keras", "numpy")
_MOST_CLASSES = 12


def model_facts(subject: Subject) -> list[tuple[str, str]]:
    """Names and texts of what is known about the model."""
    model, card = subject.model, subject.card
    facts = [
        ("Model", card.name if card else model.name),
        ("Inputs", _shapes(getattr(model, "inputs", None))),
        ("Outputs", _shapes(getattr(model, "outputs", None))),
        ("Parameters", f"{model.count_params():,}" if model.built else ""),
        ("Classes", _classes(subject.classes)),
    ]
    if card is not None:
        tested = f" on {card.test_images:,} test images" if card.test_images else ""
        facts += [
            ("Dataset", card.dataset or ""),
            ("Accuracy", "" if card.accuracy is None else f"{card.accuracy:.2%}{tested}"),
            ("Preprocessing", card.preprocessing.name if card.preprocessing else ""),
            ("Licence", card.licence or ""),
            *((f"SHA-256 of {file}", digest) for file, digest in card.sha256.items()),
            *(("Note", note) for note in card.notes),
        ]
    return [(name, text) for name, text in facts if text]


def versions() -> list[tuple[str, str]]:
    """What the page was made with."""
    found = [("Python", platform.python_version())]
    return [*found, *((name, importlib.metadata.version(name)) for name in _PACKAGES)]


def configuration(one: Attribution, score: str | None) -> str:
    """What makes the map again, as JSON: method, options, target and score.

    Args:
        one: The attribution of one example.
        score: As it was asked for.
    """
    record = {
        "method": one.method["name"],
        "options": _plain(one.method["options"]),
        "target": np.asarray(one.target[0]).tolist(),
        "score": score,
        "at": one.at,
    }
    return json.dumps(record, indent=2)


def numbers(one: Attribution) -> list[tuple[str, str]]:
    """Names and texts of the numbers beside a map."""
    facts = [(one.score_name, f"{float(one.score[0]):.4g}")]
    if one.probability is not None:
        facts.append(("probability", f"{float(one.probability[0]):.2%}"))
    if one.baseline_score is not None:
        facts.append(("score at the baseline", f"{float(one.baseline_score[0]):.4g}"))
    if one.completeness_gap is not None:
        facts.append(("completeness gap", f"{float(one.completeness_gap[0]):.2g}"))
    return facts


def _classes(names: tuple[str, ...] | None) -> str:
    if not names:
        return ""
    more = f", and {len(names) - _MOST_CLASSES:,} more" if len(names) > _MOST_CLASSES else ""
    return ", ".join(map(str, names[:_MOST_CLASSES])) + more


def _shapes(tensors: Any) -> str:
    return ", ".join(f"{one.name} {tuple(one.shape)}" for one in tensors or ())


def _plain(value: Any) -> Any:
    """Options as JSON takes them; of an array its shape and digest."""
    if isinstance(value, FrozenArray):
        array = np.ascontiguousarray(value.array)
        if array.size <= 64 and array.dtype.kind in "biuf":
            return array.tolist()
        digest = hashlib.sha256(array.tobytes()).hexdigest()
        return {"array": list(array.shape), "dtype": str(array.dtype), "sha256": digest}
    if isinstance(value, FrozenArrays):
        return {str(name): _plain(part) for name, part in value.parts}
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
