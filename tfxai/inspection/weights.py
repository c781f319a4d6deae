"""Whether the weights of a file are what they say, and what a config would have Keras allocate."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from tfxai.inspection.hdf5 import Tree
from tfxai.inspection.hdf5_arrays import Dataset
from tfxai.inspection.limits import MIB, Limits
from tfxai.inspection.report import Findings

SLACK = 16 * MIB  # elements that a config may ask for beyond those of the weights
CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D"}
CONVOLUTIONS |= {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "SimpleRNN": 1, "SimpleRNNCell": 1}


def check_tree(tree: Tree, where: str, limits: Limits, found: Findings) -> None:
    """Links, origins, types and sizes of all arrays."""
    for path, link in tree.links.items():
        cve = "CVE-2026-1669" if link.kind == "external" else None
        found.refuse(
            "link",
            f"It is {'an external' if link.kind == 'external' else 'a soft'} link to "
            f"{link.target[:120]!r}, which may lead to other files or hide what is loaded.",
            f"{where}:{path}",
            cve,
        )
    for dataset in tree.datasets.values():
        _check_dataset(dataset, f"{where}:{dataset.path}", limits, found)
    total = sum(dataset.claimed for dataset in tree.datasets.values())
    if total > limits.weights_bytes:
        found.refuse(
            "shape bomb", f"Its arrays claim {total:,} bytes together.", where, "CVE-2026-12570"
        )


def _check_dataset(dataset: Dataset, where: str, limits: Limits, found: Findings) -> None:
    if dataset.origin != "inside":
        what = "other files" if dataset.origin == "external" else "other arrays, or other files"
        found.refuse(
            "data outside",
            f"Its values come from {what}, so loading the model reads them.",
            where,
            "CVE-2026-1669",
        )
        return
    if dataset.kind.name == "object" or dataset.kind.varies:
        found.refuse("no numbers", "Its elements are references or objects, no numbers.", where)
    elif dataset.kind.is_text:
        found.warn("no numbers", "Its elements are text, which no weight is.", where)
    claimed = dataset.claimed
    much = claimed > max(MIB, limits.ratio * dataset.stored)
    if much or claimed > limits.dataset_bytes:
        found.refuse(
            "shape bomb",
            f"Its shape {dataset.shape} claims {claimed:,} bytes, and {dataset.stored:,} are "
            "stored: reading it could take all memory.",
            where,
            "CVE-2026-12570",
        )


def check_claims(config: Any, datasets: Iterable[Dataset], found: Findings) -> None:
    """Refuses a config that makes Keras allocate far more than the file holds weights."""
    held = sum(dataset.elements for dataset in datasets)
    for name, wanted in _wanted(config):
        if wanted > held + SLACK:
            found.refuse(
                "claims more than the file holds",
                f"Building it takes {wanted:,} weights, and the file holds {held:,}: it would "
                "fill the memory before any weight is read.",
                name,
            )


def _wanted(config: Any) -> Iterator[tuple[str, int]]:
    """Name and number of weights of each layer for which its config says it."""
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, dict):
            todo.extend(one.values())
            inner = one.get("config")
            if isinstance(inner, dict) and isinstance(one.get("class_name"), str):
                count = _weights(one["class_name"], inner, one.get("build_config"))
                yield str(inner.get("name", one["class_name"]))[:80], count


def _weights(kind: str, config: dict[str, Any], built: Any) -> int:
    """Weights of one layer, or a lower bound of them where its input is not known."""
    last = _last(built.get("input_shape") if isinstance(built, dict) else None)
    if kind == "Embedding":
        return _size(config, "input_dim") * _size(config, "output_dim")
    if kind in CONVOLUTIONS:
        kernel = config.get("kernel_size")
        area = math.prod(_whole(n) for n in (kernel if isinstance(kernel, list) else [kernel]))
        groups = _whole(config.get("groups"))
        return max(1, area) * max(1, last // max(1, groups)) * _size(config, "filters")
    if kind in GATES:
        units = _size(config, "units")
        return GATES[kind] * units * (units + last)
    heads = _size(config, "num_heads") * _size(config, "key_dim")
    return max(_size(config, "units") * last, heads * last, last)


def _size(config: dict[str, Any], key: str) -> int:
    return max(1, _whole(config.get(key)))


def _whole(value: Any) -> int:
    """A size, at least 0; 0 for what is no whole number."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def _last(shape: Any) -> int:
    """The largest last axis of a shape, or of a list of shapes."""
    if not isinstance(shape, list) or not shape:
        return 1
    if any(isinstance(one, list) for one in shape):
        return max(_last(one) for one in shape)
    return max(1, _whole(shape[-1]))
