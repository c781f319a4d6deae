"""Attention in a traced graph: softmax weights by which values are added up, wherever they stand.

Nothing rests on layers or their names, so `MultiHeadAttention`, `Attention`, layers of KerasHub
and attention written by hand are all alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, cast

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.dependence import Flow
from tfxai.core.graph.expressions import TRANSPARENT, adds_axes
from tfxai.core.model.final_activation import is_softmax

_HANDED_ON = TRANSPARENT | {
    "BroadcastTo", "Cast", "ExpandDims", "Reshape", "Squeeze", "Tile", "Transpose"
}  # fmt: skip
_STEPS = 16  # operations between a softmax and the product with the values


@dataclasses.dataclass(frozen=True)
class Weights:
    """The weights of one attention.

    Args:
        tensor: (B, ..., T, S), one weight for each query and key; they add up to 1 over S. Heads,
            where there are any, are the axes between.
        product: The operation that adds up the values by them.
    """

    tensor: tf.Tensor
    product: tf.Operation


def attention_weights(
    x: tf.Tensor | Sequence[tf.Tensor], outputs: Sequence[tf.Tensor]
) -> list[Weights]:
    """The weights of every attention on which the outputs rest, in the order of computation.

    Args:
        x: What the outputs are computed from, one tensor or several: weights that depend on none
            of them are left out.
        outputs: In the graph that is being traced.
    """
    leaves = cast("list[tf.Tensor]", list(x) if isinstance(x, list | tuple) else [x])
    ops = list(operations.between(leaves[0] if len(leaves) == 1 else None, outputs))
    flow, inside = Flow(leaves, outputs), set(ops)
    found = []
    for op in ops:
        for tensor in op.outputs:
            if not is_softmax(tensor) or not flow.rests_on(tensor):
                continue
            product = _product(tensor, flow, inside)
            if product is not None and (tensor.shape.rank or 0) >= 3:
                found.append(Weights(tensor, product))
    return found


def _product(weights: tf.Tensor, flow: Flow, inside: set[Any]) -> tf.Operation | None:
    """The operation in which the weights meet values that depend on x, and are added up."""
    front = [(weights, 0)]
    while front:
        tensor, steps = front.pop()
        for op in tensor.consumers():
            if op not in inside or steps > _STEPS:
                continue
            if (_hands_on(op) and op.inputs[0] is tensor) or _hides_some(op, tensor, flow):
                front.append((op.outputs[0], steps + 1))
                continue
            others = [one for one in op.inputs if one is not tensor and flow.rests_on(one)]
            if op.type in operations.DENSE and others:
                return op
            if op.type == "Mul" and others and _summed(op, inside):
                return op
    return None


def _hands_on(op: tf.Operation) -> bool:
    """Whether all elements go on as they are."""
    return adds_axes(op) or op.type in _HANDED_ON


def _hides_some(op: tf.Operation, weights: tf.Tensor, flow: Flow) -> bool:
    """Whether a mask puts a constant in the place of some weights."""
    if op.type not in ("Select", "SelectV2") or op.inputs[0] is weights:
        return False
    others = [one for one in op.inputs[1:] if one is not weights]
    return len(others) == 1 and not flow.rests_on(others[0])


def _summed(op: tf.Operation, inside: set[Any]) -> bool:
    """Whether the products are added up: attention that is written by hand."""
    return any(user in inside and user.type == "Sum" for user in op.outputs[0].consumers())
