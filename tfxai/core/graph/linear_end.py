"""The linear map in which a network ends, and what it takes."""

from __future__ import annotations

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.expressions import opened

_SHIFTS = frozenset({"Add", "AddV2", "BiasAdd"})


def before_linear_map(logits: tf.Tensor, x: tf.Tensor) -> tuple[tf.Tensor, bool] | None:
    """The activations a, (B, d), of which the logits are a W + b, and whether b is a weight.

    None where there are no such activations.

    Args:
        logits: (B, N), in a graph.
        x: What they were computed from.
    """
    live = {x.ref()}
    for op in operations.between(x, [logits]):
        if any(tensor.ref() in live for tensor in op.inputs):
            live |= {tensor.ref() for tensor in op.outputs}
    tensor, has_bias = opened(logits), False
    while tensor.ref() in live and tensor.ref() != x.ref():
        op = tensor.op
        operands = [operand for operand in op.inputs if operand.ref() in live]
        if len(operands) != 1:
            return None
        if op.type == "MatMul":
            is_first = operands[0].ref() == op.inputs[0].ref()
            is_linear = is_first and not op.get_attr("transpose_a")
            return (operands[0], has_bias) if is_linear else None
        if op.type not in _SHIFTS:
            return None
        others = [opened(one) for one in op.inputs if one.ref() != operands[0].ref()]
        has_bias |= any(one.op.type == "ReadVariableOp" for one in others)
        tensor = opened(operands[0])
    return None
