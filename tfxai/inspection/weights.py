"""Whether the weights of a file are what they say, and what Keras would allocate for a config."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from tfxai.inspection.config.layers import flat, tree
from tfxai.inspection.limits import MIB, Limits
from tfxai.inspection.readers.hdf5 import Tree
from tfxai.inspection.readers.hdf5_arrays import Dataset
from tfxai.inspection.report import Findings

WIDTH = 4  # bytes of a weight in memory
CONVOLUTIONS = {"Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D"}
CONVOLUTIONS |= {"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}
CONVOLUTIONS |= {"Convolution2DTranspose", "Convolution3DTranspose"}
DEPTHWISE = {"DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"}
DEPTHWISE |= {"SeparableConvolution1D", "SeparableConvolution2D"}
EMBEDDINGS = {"Embedding", "ReversibleEmbedding"}
NORMS = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "RMSNormalization"}
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
    stored = sum(dataset.stored for dataset in tree.datasets.values())
    much = total > limits.unstored_bytes + limits.ratio * stored
    if total > limits.weights_bytes or much:
        found.refuse(
            "shape bomb",
            f"Its arrays claim {total:,} bytes together, and {stored:,} are stored.",
            where,
            "CVE-2026-12570",
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


def check_claims(
    config: Any, datasets: Iterable[Dataset], limits: Limits, found: Findings
) -> None:
    """Refuses a config whose layers together make Keras allocate far more than the file holds."""
    held = sum(  # two weights of 4 bits lie in one element
        dataset.elements * (2 if dataset.kind.name in ("int8", "uint8") else 1)
        for dataset in datasets
    )
    wanted = sorted(_wanted(config), key=lambda one: -one[1])
    total = sum(count for _, count in wanted)
    if total > held + limits.unstored_bytes // WIDTH:
        found.refuse(
            "claims more than the file holds",
            f"Building it takes {total:,} weights or more, and the file holds {held:,}: it would "
            "fill the memory before any weight is read.",
            wanted[0][0],
        )


def _wanted(config: Any) -> Iterator[tuple[str, int]]:
    """Name and number of weights of each layer for which its config says it."""
    model = tree(config)
    fed = {id(node.config): _last(list(node.fed)) for node in flat(model)} if model else {}
    todo, shared = [config], set[int]()
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo.extend(one)
        elif isinstance(one, dict):
            number = one.get("shared_object_id")
            if isinstance(number, int) and not isinstance(number, bool):
                if number in shared:  # Keras makes it once
                    continue
                shared.add(number)
            todo.extend(one.values())
            inner = one.get("config")
            if isinstance(inner, dict) and isinstance(one.get("class_name"), str):
                built = one.get("build_config")
                last = _last(built.get("input_shape") if isinstance(built, dict) else None)
                count = _weights(one["class_name"], inner, max(last, fed.get(id(inner), 1)))
                yield str(inner.get("name", one["class_name"]))[:80], count


def _weights(kind: str, config: dict[str, Any], last: int) -> int:
    """Weights of one layer of which an input has that last axis, or a lower bound of them."""
    if kind in EMBEDDINGS:
        return _size(config, "input_dim") * _size(config, "output_dim")
    if kind in CONVOLUTIONS:
        area = _area(config)
        groups = max(1, _whole(config.get("groups")))
        return area * max(1, last // groups) * _size(config, "filters")
    if kind in DEPTHWISE:
        depth = last * _size(config, "depth_multiplier")
        points = depth * _size(config, "filters") if "filters" in config else 0
        return _area(config) * depth + points
    if kind in GATES:
        units = _size(config, "units")
        return GATES[kind] * units * (units + last)
    if kind in NORMS:
        return last
    heads = _size(config, "num_heads") * _size(config, "key_dim")
    kernels = [_size(config, key) * last for key in ("units",) if key in config]
    return max([*kernels, heads * last if "num_heads" in config else 0])


def _area(config: dict[str, Any]) -> int:
    kernel = config.get("kernel_size")
    return max(1, math.prod(map(_whole, kernel if isinstance(kernel, list) else [kernel])))


def _size(config: dict[str, Any], key: str) -> int:
    return max(1, _whole(config.get(key)))


def _whole(value: Any) -> int:
    """A size, at least 0; 0 for what is no whole number."""
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0


def _last(shape: Any) -> int:
    """The largest last axis of a shape, or of a list of shapes."""
    if not isinstance(shape, list | tuple) or not shape:
        return 1
    if any(isinstance(one, list | tuple) for one in shape):
        return max(_last(one) for one in shape)
    return max(1, _whole(shape[-1]))
