"""`assets.extra/tfxai_explain.json`: what a client of an export has to know."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfxai.core.inputs.frozen_arrays import FrozenArray, replaced
from tfxai.digests import fingerprint
from tfxai.export.heatmaps import Heatmap
from tfxai.export.names import RECORD, SCHEMA, SERVE, TOKENS
from tfxai.export.signatures import MethodSignature
from tfxai.heatmaps import CLIP
from tfxai.methods.prepared import Prepared
from tfxai.subject import Subject


def record(name: str, subject: Subject, signatures: Sequence[MethodSignature]) -> dict[str, Any]:
    """What the file holds, as plain JSON types."""
    card, preprocessing = subject.card, subject.preprocessing
    low, high = preprocessing.input_range if preprocessing is not None else (None, None)
    return {
        "schema": SCHEMA,
        "model": name,
        "card": card.name if card is not None else None,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": _versions(),
        "fingerprint": fingerprint(subject.model),
        "class_names": list(subject.classes) if subject.classes else None,
        "preprocessing": preprocessing.to_dict() if preprocessing is not None else None,
        "input_range": None if low is None else [low, high],
        "serve": SERVE,
        "signatures": {one.name: _signature(one) for one in signatures},
    }


def write_record(folder: Path, content: dict[str, Any]) -> None:
    """Writes the file."""
    text = json.dumps(content, indent=2, allow_nan=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    return {
        "tfxai": importlib.metadata.version("tfxai"),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "python": platform.python_version(),
    }


def _signature(one: MethodSignature) -> dict[str, Any]:
    made: dict[str, Any] = {
        "inputs": _ends(one.inputs),
        "outputs": _ends(one.outputs),
        "input_names": dict(zip(list(one.inputs), one.layout.names, strict=False)),
    }
    return made if one.ready is None else {**made, **_explanation(one, one.ready)}


def _explanation(one: MethodSignature, ready: Prepared) -> dict[str, Any]:
    method = ready.method
    texts = one.texts if TOKENS in one.outputs else None
    return {
        "method": replaced(ready.record, _described),
        "score": ready.score_name,
        "targets": list(ready.axes) if ready.axes else None,
        "at": ready.at,
        "layers": _layers(ready),
        "completes": method.completes,
        "is_map": method.is_map,
        "is_signed": method.is_signed,
        "texts": None if texts is None else texts.record(),
        "heatmaps": {name: _heatmap(how) for name, how in one.heatmaps.items()},
    }


def _layers(ready: Prepared) -> list[str]:
    """The layers that a method looks at, or whose output is explained."""
    layer = getattr(ready.method, "layer", None)
    named = [layer] if isinstance(layer, str) else list(layer or ())
    return [*named, *([ready.at] if ready.at is not None else [])]


def _heatmap(how: Heatmap) -> dict[str, Any]:
    return {
        "channels": how.reduction,
        "range": [-1 if how.is_signed else 0, 1],
        "at_size_of_the_image": how.size is not None,
        "clip_percentile": CLIP,
    }


def _described(content: FrozenArray) -> dict[str, Any]:
    """An array by its digest: backgrounds of images are large."""
    return {"shape": list(content.array.shape), "sha256": content.digest}


def _ends(specs: dict[str, tf.TensorSpec]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "shape": None if spec.shape.rank is None else spec.shape.as_list(),
            "dtype": spec.dtype.name,
        }
        for name, spec in specs.items()
    ]
