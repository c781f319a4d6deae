"""What is held where a signal is to hand on all of the score: gates, weights and statistics.

The gradient of a product counts what both factors share twice, and that of a normalisation not at
all. Where one factor only says how much of the other passes, it is held as a constant.
"""

from __future__ import annotations

from collections.abc import Collection

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.expressions import constant, opened
from tfxai.core.model.attention import attention_weights
from tfxai.core.propagation.steps import PRODUCTS, LiveGraph, NoRuleError

GATES, SOFTMAX = "gates", "softmax"
_GATES = frozenset({"Inv", "Reciprocal", "Rsqrt", "Sigmoid", "Sqrt"})
_CLIPS = frozenset({"ClipByValue", "Maximum", "Minimum"})
_STEPS = 16  # operations between a gate and what it multiplies


def held_operations(
    score: tf.Tensor, x: tf.Tensor, kinds: Collection[str]
) -> frozenset[tf.Operation]:
    """The operations whose results only say how much of another tensor passes.

    Args:
        score: In the graph that is being traced.
        x: What it was computed from.
        kinds: `GATES`, sigmoids and what tensors are divided by; `SOFTMAX`, the weights of
            attentions and of experts.

    Raises:
        NoRuleError: The weights of an attention are not held, and made by no one operation.
    """
    graph, held = LiveGraph(score, x), set[tf.Operation]()
    for op in {one.tensor.op for one in attention_weights(x, [score])}:
        if SOFTMAX in kinds:
            held.add(op)
        elif op.type != "Softmax":
            raise NoRuleError(op, "ends a softmax that is written by hand, which has to be held")
    for op in graph.order:
        if _is_padding(op):
            held.add(op)
        is_gate = op.type in _GATES or _is_hard_sigmoid(op)
        is_asked_for = (GATES in kinds and is_gate) or (SOFTMAX in kinds and op.type == "Softmax")
        if is_asked_for and _multiplies(op.outputs[0], graph):
            held.add(op)
    return frozenset(held)


def _is_padding(op: tf.Operation) -> bool:
    """Whether it says which steps are padding: any or all of x equal to a number, or not."""
    compared = opened(op.inputs[0]).op if op.type in ("All", "Any") else None
    if compared is None or compared.type not in ("Equal", "NotEqual"):
        return False
    return any(constant(opened(tensor)) is not None for tensor in compared.inputs)


def _is_hard_sigmoid(op: tf.Operation) -> bool:
    """Whether it is relu6(u + 3)."""
    shifted = opened(op.inputs[0]).op if op.type == "Relu6" else None
    if shifted is None or shifted.type not in ("Add", "AddV2"):
        return False
    values = [constant(opened(tensor)) for tensor in shifted.inputs]
    return any(value is not None and value.size and (value == 3).all() for value in values)


def _multiplies(gate: tf.Tensor, graph: LiveGraph) -> bool:
    """Whether it multiplies or divides another tensor that depends on x.

    A gate of its own operand, as that of SiLU, makes an activation of both.
    """
    front = [(gate, 0)]
    while front:
        tensor, steps = front.pop()
        for op in tensor.consumers():
            if op not in graph.order or steps > _STEPS:
                continue
            live = graph.operands(op)
            others = [i for i in live if op.inputs[i] is not tensor]
            if others and op.type in PRODUCTS and graph.scalar_function(op) is None:
                return True
            passes = operations.kind(op, live) in ("move", "scale", "shift") or op.type in _CLIPS
            if not others and passes:
                front.append((op.outputs[0], steps + 1))
    return False
