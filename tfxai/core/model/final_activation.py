"""What a model ends in: which logits lie behind its outputs, and what the outputs are.

Read off the traced operations, so that it holds for every way to write a model: an activation
argument, a layer, an operation in `call`, a softmax by hand, a clip or a move after it.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.expressions import (
    DEPTH,
    TRANSPARENT,
    base_of_power,
    constant,
    is_constant,
    is_sum_of,
    negated,
    opened,
    quotient,
    same,
    sum_behind,
)
from tfxai.core.graph.value_ranges import bounds

Build: TypeAlias = Callable[[], tf.Tensor]

_CLOSE = 1e-6  # float32 rounding of what adds up to 1


@dataclasses.dataclass(frozen=True)
class Ending:
    """What the one output of a model is.

    Args:
        activation: `"softmax"` or `"sigmoid"` whose operand is the logit, None where there is no
            such operand.
        gives: What the outputs are: `"probabilities"`, `"log_probabilities"`, `"logits"` (the
            end is linear), `"hidden"` (a compiled call that cannot be looked into), else
            `"unknown"`.
        operation: Type of the operation that made them.
    """

    activation: str | None = None
    gives: str = "unknown"
    operation: str = ""


def ending(output: tf.Tensor) -> Ending:
    """What `output`, in the graph that is being traced, is."""
    made = opened(output).op
    logits = logits_of(output)
    if made.type in operations.CALLS:
        return Ending(None, "hidden", made.type)
    if logits is not None:
        gives = "log_probabilities" if _is_logarithm(output) else "probabilities"
        return Ending(logits[0], gives, made.type)
    limits = bounds(output, {}, 0)
    if limits is not None and limits[0] >= 0 and limits[1] <= 1 + _CLOSE:
        return Ending(None, "probabilities", made.type)
    return Ending(None, "logits" if _is_linear(output, 0) else "unknown", made.type)


def logits_of(output: tf.Tensor, x: tf.Tensor | None = None) -> tuple[str, Build] | None:
    """The final activation and its operand, where there is one behind x.

    Args:
        output: What a model returned, in a graph.
        x: What it was computed from: nothing before x is looked at.

    Returns:
        `"softmax"` or `"sigmoid"`, and a function that makes the logits, shaped like `output`, in
        the graph: what is moved, cut out or joined after the activation is so with them too.
    """
    return _logits(output, None if x is None else x.ref(), 0)


def is_softmax(tensor: tf.Tensor) -> bool:
    """Whether a tensor is what a softmax over its last axis returns, also one by hand."""
    op = tensor.op
    if op.type == "Softmax":
        return True
    found = _by_hand(op, None, 0)
    return found is not None and found[0] == "softmax" and _is_over_last_axis(op)


def _is_over_last_axis(op: tf.Operation) -> bool:
    """Whether the sum of a softmax by hand runs along the last axis."""
    parts = quotient(op)
    total = sum_behind(parts[1]).op if parts else _sum_of_exp(opened(op.inputs[0]).op.inputs[1])
    if total is None or total.type != "Sum":
        return False
    axes, rank = tf.get_static_value(total.inputs[1]), total.inputs[0].shape.rank
    return axes is not None and rank is not None and list(np.ravel(axes) % rank) == [rank - 1]


def _logits(tensor: tf.Tensor, x: Any, depth: int) -> tuple[str, Build] | None:
    if depth > DEPTH or tensor.ref() == x:
        return None
    op = tensor.op
    for find in (_activation, _by_hand, _log, _moved, _clipped, _turned, _joined):
        found = find(op, x, depth)
        if found is not None:
            return found
    if op.type == "IdentityN":
        return _logits(op.inputs[tensor.value_index], x, depth + 1)
    return _cut_out(tensor, x, depth) if op.type in operations.SPLITS else None


def _cut_out(tensor: tf.Tensor, x: Any, depth: int) -> tuple[str, Build] | None:
    """One of the parts that a tensor is split into."""
    op, place = tensor.op, operations.SPLITS[tensor.op.type]
    inner = _logits(op.inputs[place], x, depth + 1)
    if inner is None:
        return None
    kind, build = inner
    number = tensor.value_index
    return kind, lambda: operations.copy_of(op, {place: build()}).outputs[number]


def _activation(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    kind = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}.get(op.type)
    if kind is None:
        return None
    operand = op.inputs[0]
    if kind == "softmax" and operand.shape.as_list()[-1] is None:  # over the examples of a batch
        return None
    return kind, lambda: operand


def _log(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """A logarithm of softmax probabilities."""
    inner = _logits(op.inputs[0], x, depth + 1) if op.type == "Log" else None
    return inner if inner and inner[0] == "softmax" else None


def _moved(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """Elements taken elsewhere, or changed in type only."""
    if op.type not in operations.MOVES and op.type not in TRANSPARENT:
        return None
    if op.type in ("MirrorPad", "Pad", "PadV2") or not op.inputs[0].dtype.is_floating:
        return None
    inner = _logits(op.inputs[0], x, depth + 1)
    if inner is None or op.type in TRANSPARENT or not op.outputs[0].dtype.is_floating:
        return inner if op.type in TRANSPARENT else None
    kind, build = inner
    return kind, lambda: operations.run_again(op, {0: build()})


def _clipped(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """A clip to constants that leaves probabilities room, or next to nothing added to them."""
    if op.type not in ("ClipByValue", "Maximum", "Minimum"):
        return None
    live = [t for t in op.inputs if constant(t) is None]
    if len(live) != 1:
        return None
    limits: list[Any] = [constant(t) for t in op.inputs if t is not live[0]]
    low, high = min(map(np.min, limits)), max(map(np.max, limits))
    outside = {
        "Maximum": high <= 0.5, "Minimum": low >= 0.5, "ClipByValue": low <= 0.5 <= high
    }[op.type]  # fmt: skip
    return _logits(live[0], x, depth + 1) if outside else None


def _turned(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """1 - p of a sigmoid, whose logit is minus that of p."""
    turned = None
    if op.type == "Sub" and is_constant(op.inputs[0], 1.0):
        turned = op.inputs[1]
    elif op.type in ("Add", "AddV2"):
        for one, other in (op.inputs, op.inputs[::-1]):
            if is_constant(other, 1.0):
                turned = negated(one) if turned is None else turned
    inner = None if turned is None else _logits(turned, x, depth + 1)
    if inner is None or inner[0] != "sigmoid" or turned is None:
        return None
    if turned.shape.as_list() != op.outputs[0].shape.as_list():
        return None
    build = inner[1]
    return "sigmoid", lambda: -build()


def _joined(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """Several outputs side by side, all of one activation."""
    if op.type not in ("ConcatV2", "Pack"):
        return None
    count = len(op.inputs) - (op.type == "ConcatV2")
    parts = [_logits(t, x, depth + 1) for t in op.inputs[:count]]
    kinds = {part[0] for part in parts if part}
    if len(kinds) != 1 or None in parts or any(map(_is_logarithm, op.inputs[:count])):
        return None
    builds = [part[1] for part in parts if part]
    return kinds.pop(), lambda: operations.run_again(op, dict(enumerate(b() for b in builds)))


def _by_hand(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """exp(z) / sum(exp(z)), exp(z - logsumexp(z)) and 1 / (1 + exp(-z))."""
    if op.type == "Exp":
        exponent = opened(op.inputs[0])
        if exponent.op.type == "Sub" and _is_log_sum_exp(exponent.op.inputs[1]):
            z = exponent.op.inputs[0]
            if same(_summed(exponent.op.inputs[1]), z):
                return "softmax", lambda: z
        return None
    parts = quotient(op)
    if parts is None:
        return None
    above, below = parts
    if is_constant(above, 1.0):
        return _sigmoid_by_hand(below)
    above, base = opened(above), base_of_power(opened(above).op)
    if not (above.op.type == "Exp" or base) or not is_sum_of(opened(below), above):
        return None
    if base:  # b^z is exp(z log b)
        power = above.op.inputs[1]
        return "softmax", lambda: power * math.log(base)
    z = _without_maximum(above.op.inputs[0])
    return "softmax", lambda: z


def _sigmoid_by_hand(below: tf.Tensor) -> tuple[str, Build] | None:
    below = opened(below)
    if below.op.type not in ("Add", "AddV2"):
        return None
    for one, other in (below.op.inputs, below.op.inputs[::-1]):
        if is_constant(other, 1.0) and opened(one).op.type == "Exp":
            return "sigmoid", functools.partial(_minus, opened(one).op.inputs[0])
    return None


def _minus(z: tf.Tensor) -> tf.Tensor:
    other = negated(z)
    return -z if other is None else other


def _without_maximum(z: tf.Tensor) -> tf.Tensor:
    """Z of z - max(z), which leaves a softmax as it is."""
    op = opened(z).op
    if op.type == "Sub":
        largest = opened(op.inputs[1]).op
        if largest.type == "Max" and same(largest.inputs[0], op.inputs[0]):
            return op.inputs[0]
    return z


def _is_log_sum_exp(tensor: tf.Tensor) -> bool:
    return _summed(tensor) is not None


def _summed(tensor: tf.Tensor) -> tf.Tensor | None:
    """Z of log(sum(exp(z))), with or without its maximum apart."""
    total = _sum_of_exp(tensor)
    if total is None:
        return None
    return _without_maximum_of_any_kind(opened(total.inputs[0]).op.inputs[0])


def _sum_of_exp(tensor: tf.Tensor) -> tf.Operation | None:
    """The sum in log(sum(exp(z))), with or without its maximum apart."""
    total = opened(tensor)
    summands = list(total.op.inputs) if total.op.type in ("Add", "AddV2") else [total]
    for one in map(opened, summands):
        if one.op.type == "Log" and opened(one.op.inputs[0]).op.type == "Sum":
            inner = opened(one.op.inputs[0]).op
            if opened(inner.inputs[0]).op.type == "Exp":
                return inner
    return None


def _without_maximum_of_any_kind(z: tf.Tensor) -> tf.Tensor:
    """Z of z - m, where m is a maximum that is made finite and whose gradient is stopped."""
    op = opened(z).op
    return op.inputs[0] if op.type == "Sub" and _rests_on_maximum(op.inputs[1], 0) else z


def _rests_on_maximum(tensor: tf.Tensor, depth: int) -> bool:
    op = opened(tensor).op
    if op.type == "Max":
        return True
    inside = op.type in ("Select", "SelectV2")
    return inside and depth < 3 and any(_rests_on_maximum(t, depth + 1) for t in op.inputs)


def _is_logarithm(tensor: tf.Tensor) -> bool:
    """Whether log probabilities come out, whatever was moved after them."""
    op = tensor.op
    for _ in range(DEPTH):
        if op.type in ("Log", "LogSoftmax"):
            return True
        if op.type in ("ConcatV2", "Pack"):
            return any(_is_logarithm(t) for t in op.inputs[: 2 if op.type == "Pack" else -1])
        if op.type not in operations.MOVES and op.type not in TRANSPARENT:
            return False
        op = op.inputs[0].op
    return False


def _is_linear(tensor: tf.Tensor, depth: int) -> bool:
    """Whether the last thing that happens is a linear layer, perhaps moved, scaled or shifted."""
    op = tensor.op
    if depth > DEPTH:
        return False
    if op.type in operations.WEIGHTED or op.type.startswith("FusedBatchNorm"):
        return True
    if op.type in TRANSPARENT | operations.MOVES.keys() | {"Mean", "Neg"}:
        return op.inputs[0].dtype.is_floating and _is_linear(op.inputs[0], depth + 1)
    if op.type in ("Add", "AddN", "AddV2", "BiasAdd", "Sub"):
        return any(_is_linear(t, depth + 1) for t in op.inputs)
    if op.type in ("ConcatV2", "Pack"):
        parts = op.inputs[:-1] if op.type == "ConcatV2" else op.inputs
        return all(_is_linear(t, depth + 1) for t in parts)
    if op.type in ("Mul", "RealDiv"):
        live = [t for t in op.inputs if not _is_parameter(t)]
        return len(live) == 1 and _is_linear(live[0], depth + 1)
    return False


def _is_parameter(tensor: tf.Tensor) -> bool:
    """A constant or the value of a variable."""
    return constant(tensor) is not None or opened(tensor).op.type == "ReadVariableOp"
