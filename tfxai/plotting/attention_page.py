"""A page of all heads that needs nothing else: no network, no server."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.files import replacing

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights

MOST_EDGES = 16
"""Keys of each query that are kept for long texts."""
SHORT = 64
"""Tokens up to which every weight is kept."""
_TEMPLATE = Path(__file__).with_name("attention_page.html")


def write_page(weights: AttentionWeights, path: str | os.PathLike[str], index: int = 0) -> Path:
    """The file to which the page was written; see `AttentionWeights.save_html`."""
    page = page_of(weights, index)
    target = Path(path)
    with replacing(target) as beside:
        beside.write_text(page, encoding="utf-8")
    return target


def page_of(weights: AttentionWeights, index: int = 0) -> str:
    """The page of one example.

    Raises:
        InvalidInputError: There is no such example, or layers look at different numbers of tokens.
    """
    weights.check(0, None, index)
    shapes = {one.shape[2:] for one in weights.weights}
    if len(shapes) > 1 or len(set(next(iter(shapes)))) > 1:
        raise InvalidInputError(
            f"The attentions have {sorted(shapes)} queries and keys, and a page shows those of "
            "one set of tokens. Draw the layers one by one with plot()."
        )
    kept = weights.kept(index)
    labels = weights.labels(index)
    layers = [
        {"name": name, "heads": [_edges(head[kept][:, kept]) for head in one[index]]}
        for name, one in zip(weights.layers, weights.weights, strict=True)
    ]
    record = {
        "tokens": [labels[i] for i in kept],
        "edges": min(MOST_EDGES, len(kept)) if len(kept) > SHORT else len(kept),
        "layers": layers,
        "most": weights.most_attended(index),
    }
    data = json.dumps(record, ensure_ascii=True).replace("<", "\\u003c")
    return _TEMPLATE.read_text(encoding="utf-8").replace("__DATA__", data)


def _edges(head: Array) -> dict[str, Any]:
    """The strongest keys of each query and their weights in 65,535 parts, row after row."""
    count = len(head)
    most = min(MOST_EDGES, count) if count > SHORT else count
    keys = np.argsort(-head, axis=1, kind="stable")[:, :most]
    parts = np.take_along_axis(head, keys, axis=1) * 65535
    return {"keys": _packed(keys), "parts": _packed(np.rint(np.clip(parts, 0, 65535)))}


def _packed(numbers: Array) -> str:
    """Whole numbers below 65,536 in base 64, two bytes each, low byte first."""
    return base64.b64encode(np.asarray(numbers, "<u2").tobytes()).decode("ascii")
