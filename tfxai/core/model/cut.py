"""Cutting a Functional or Sequential model at a layer: what comes before it, what after.

The two halves share the model's layers and weights; nothing is copied or changed. Used where
a layer's activations are explained, so that the part before the layer runs once instead of
once a step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

Half: TypeAlias = Callable[[Sequence[tf.Tensor]], Any]


@dataclasses.dataclass(frozen=True)
class Cut:
    """A model in two halves.

    Args:
        prefix: From the model's inputs to `[activations, *bypasses]`, where the bypasses are
            the other tensors that the second half needs (residual connections around the
            layer).
        tail: From `[activations, *bypasses]` to the model's outputs.
    """

    prefix: Half
    tail: Half


def cut(model: keras.Model, path: str) -> Cut | None:
    """Cuts `model` at the output of the layer `path`.

    Returns:
        None where a cut is not possible: a model with a `call` of its own, a layer inside a
        nested model, a layer that is called more than once, a mask. The model is then run whole.
    """
    inputs = getattr(model, "inputs", None)
    outputs = getattr(model, "outputs", None)
    if not inputs or not outputs or "/" in path or "#" in path or not runs_its_graph(model):
        return None
    tensors = _sorted(outputs)
    named = [tensor for tensor in tensors if tensor._keras_history.operation.name == path]
    if len(named) != 1:
        return None
    ends = [*named, *_bypasses(tensors, named[0], outputs)]
    if any(hasattr(tensor, "_keras_mask") for tensor in ends):
        return None
    structure = outputs if isinstance(model, keras.Sequential) else model.output
    prefix, tail = _half(list(inputs), ends), _half(ends, structure)
    return Cut(prefix, lambda tensors: _unpacked(tail(tensors)))


def _half(inputs: list[Any], outputs: Any) -> Half:
    """Runs the graph between as a model does: in inference, whatever its nodes say."""
    function = keras.Function(inputs, outputs)

    def in_inference(operation: Any) -> Any:
        if not isinstance(operation, keras.Layer):
            return operation
        return lambda *args, **kwargs: operation(*args, **{**kwargs, "training": False})

    def run(tensors: Sequence[tf.Tensor]) -> Any:
        with keras.StatelessScope():  # nothing is assigned to the model
            return function._run_through_graph(list(tensors), operation_fn=in_inference)

    return run


def _unpacked(outputs: Any) -> Any:
    """What a model returns: the one tensor where a list holds just one."""
    return outputs[0] if isinstance(outputs, list | tuple) and len(outputs) == 1 else outputs


def runs_its_graph(model: keras.Model) -> bool:
    """Whether the model's `call` is Keras' own, not one that a subclass wrote."""
    return all(
        getattr(type(model), name).__module__.partition(".")[0] == "keras"
        for name in ("call", "__call__")
    )


def _sorted(outputs: list[Any]) -> list[Any]:
    """Every tensor on the way to `outputs`, each after those it is computed from."""
    done: dict[int, Any] = {}
    open_tensors = [(tensor, False) for tensor in outputs]
    while open_tensors:
        tensor, has_parents = open_tensors.pop()
        if id(tensor) in done:
            continue
        if has_parents:
            done[id(tensor)] = tensor
        else:
            open_tensors.append((tensor, True))
            open_tensors.extend((parent, False) for parent in _parents(tensor))
    return list(done.values())


def _bypasses(tensors: list[Any], activations: Any, outputs: list[Any]) -> list[Any]:
    """What the way from `activations` to `outputs` needs besides them, computed before them."""
    after = {id(activations)}
    needed = {id(tensor): tensor for tensor in outputs}
    for tensor in tensors:
        parents = _parents(tensor)
        if id(tensor) not in after and any(id(parent) in after for parent in parents):
            after.add(id(tensor))
            needed.update((id(parent), parent) for parent in parents)
    return [tensor for key, tensor in needed.items() if key not in after]


def _parents(tensor: Any) -> list[Any]:
    """The tensors that the operation behind `tensor` read."""
    operation, node_index, _ = tensor._keras_history
    return list(operation._inbound_nodes[node_index].input_tensors)
