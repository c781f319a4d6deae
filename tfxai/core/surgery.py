"""Cutting a Functional or Sequential model at a layer: what comes before it, what after.

The two halves share the model's layers and weights; nothing is copied or changed. Used where
a layer's activations are explained, so that the part before the layer runs once instead of
once a step.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from typing import Any

import keras


@dataclasses.dataclass(frozen=True)
class Cut:
    """A model in two halves.

    Args:
        prefix: From the model's inputs to `[activations, *bypasses]`, where the bypasses are
            the other tensors that the second half needs (residual connections around the
            layer).
        tail: From `[activations, *bypasses]` to the model's outputs.
    """

    prefix: keras.Function
    tail: keras.Function


def cut(model: keras.Model, path: str) -> Cut | None:
    """Cuts `model` at the output of the layer `path`.

    Returns:
        None where a cut is not possible: a subclassed model, a layer inside a nested model, a
        layer that is called more than once. The model is then run whole.
    """
    inputs = getattr(model, "inputs", None)
    outputs = getattr(model, "outputs", None)
    if not inputs or not outputs or "/" in path or "#" in path:
        return None
    activations = _output_of(outputs, path)
    if activations is None:
        return None
    bypasses = _bypasses(outputs, activations)
    ends = [activations, *bypasses]
    if any(hasattr(tensor, "_keras_mask") for tensor in ends):
        return None
    return Cut(keras.Function(list(inputs), ends), keras.Function(ends, list(outputs)))


def _output_of(outputs: list[Any], name: str) -> Any | None:
    """The one tensor that the layer `name` makes on the way to `outputs`."""
    found = [t for t in _reachable(outputs) if t._keras_history.operation.name == name]
    return found[0] if len(found) == 1 else None


def _bypasses(outputs: list[Any], activations: Any) -> list[Any]:
    """What the way from `activations` to `outputs` needs besides them, computed before them."""
    tensors = _reachable(outputs)
    children = defaultdict(list)
    for tensor in tensors:
        for parent in _parents(tensor):
            children[id(parent)].append(tensor)
    after = {id(activations): activations}
    opened = [activations]
    while opened:
        for child in children[id(opened.pop())]:
            if id(child) not in after:
                after[id(child)] = child
                opened.append(child)
    needed = list(outputs)
    for tensor in after.values():
        if tensor is not activations:
            needed.extend(_parents(tensor))
    return list({id(tensor): tensor for tensor in needed if id(tensor) not in after}.values())


def _reachable(outputs: list[Any]) -> list[Any]:
    """Every tensor that `outputs` are computed from, themselves included."""
    seen: dict[int, Any] = {}
    opened = list(outputs)
    while opened:
        tensor = opened.pop()
        if id(tensor) not in seen:
            seen[id(tensor)] = tensor
            opened.extend(_parents(tensor))
    return list(seen.values())


def _parents(tensor: Any) -> list[Any]:
    """The tensors that the operation behind `tensor` read."""
    operation, node_index, _ = tensor._keras_history
    return list(operation._inbound_nodes[node_index].input_tensors)
