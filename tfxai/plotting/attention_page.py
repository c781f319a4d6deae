"""A page of all heads that needs nothing else: no network, no server."""

from __future__ import annotations

import base64
import functools
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.files import replacing
from tfxai.plotting.attention_maps import image_record

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights

MOST_EDGES = 16
"""Keys of each query that are kept for long texts."""
SHORT = 64
"""Tokens of a text up to which every weight is kept."""
MOST_BYTES = 15_000_000
"""Bytes of the weights of an image in a page, of which as many are kept as fit."""
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
    kept, labels = weights.kept(index), weights.labels(index)
    image = image_record(weights, index)
    most = _room(weights, len(kept), is_image=image is not None)
    is_whole = image is not None and most == len(kept)
    pack = _all if is_whole else functools.partial(_edges, most=most)
    layers = [
        {"name": name, "heads": [pack(head[kept][:, kept]) for head in one[index]]}
        for name, one in zip(weights.layers, weights.weights, strict=True)
    ]
    batch = len(weights.weights[0])
    record = {
        "tokens": [labels[i] for i in kept],
        "edges": most,
        "layers": layers,
        "most": weights.most_attended(index),
        "image": image,
        "notes": [f"Example {index} of {batch}, counted from 0."] * (batch > 1)
        + [weights.remark] * bool(weights.remark),
    }
    data = json.dumps(record, ensure_ascii=True).replace("<", "\\u003c")
    return _TEMPLATE.read_text(encoding="utf-8").replace("__DATA__", data)


def _room(weights: AttentionWeights, count: int, *, is_image: bool) -> int:
    """How many keys of each query are kept."""
    if not is_image:
        return min(MOST_EDGES, count) if count > SHORT else count
    rows = count * sum(one.shape[1] for one in weights.weights)
    numbers = MOST_BYTES * 3 // 4 // 2  # two bytes each, in base 64
    return count if rows * count <= numbers else max(1, min(count - 1, numbers // (2 * rows)))


def _all(head: Array) -> dict[str, Any]:
    """All weights of each query in 65,535 parts, and their mean."""
    return {"parts": _parts(head), "mean": _parts(head.mean(axis=0))}


def _edges(head: Array, most: int) -> dict[str, Any]:
    """The strongest keys of each query, their weights, and the mean over the queries."""
    keys = np.argsort(-head, axis=1, kind="stable")[:, :most]
    parts = _parts(np.take_along_axis(head, keys, axis=1))
    return {"keys": _packed(keys), "parts": parts, "mean": _parts(head.mean(axis=0))}


def _parts(weights: Array) -> str:
    return _packed(np.rint(np.clip(weights * 65535, 0, 65535)))


def _packed(numbers: Array) -> str:
    """Whole numbers below 65,536 in base 64, two bytes each, low byte first."""
    return base64.b64encode(np.asarray(numbers, "<u2").tobytes()).decode("ascii")
