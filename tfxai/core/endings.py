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

from tfxai.core import operations

Bounds: TypeAlias = "tuple[float, float] | None"
Build: TypeAlias = Callable[[], tf.Tensor]

_LINE = (-math.inf, math.inf)
_UNIT = (0.0, 1.0)
_RANGES: dict[str, tuple[float, float]] = {
    "Cos": (-1, 1), "Elu": (-1, math.inf), "Erf": (-1, 1), "Exp": (0, math.inf),
    "Relu": (0, math.inf), "Relu6": (0, 6), "Sigmoid": _UNIT, "Sin": (-1, 1), "Softmax": _UNIT,
    "LogSoftmax": (-math.inf, 0), "Softplus": (0, math.inf), "Softsign": (-1, 1),
    "Square": (0, math.inf), "Tanh": (-1, 1),
}  # fmt: skip
_TRANSPARENT = frozenset({"CheckNumerics", "EnsureShape", "Identity", "PreventGradient",
                          "StopGradient"})  # fmt: skip
_OF_SEVERAL = frozenset({"AvgPool", "Max", "MaxPool", "Mean", "Min"})
_DEPTH = 64  # operations behind an output that are looked at
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
    made = _opened(output).op
    logits = logits_of(output)
    if made.type in operations.CALLS:
        return Ending(None, "hidden", made.type)
    if logits is not None:
        gives = "log_probabilities" if _is_logarithm(output) else "probabilities"
        return Ending(logits[0], gives, made.type)
    limits = _bounds(output, {}, 0)
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


def _logits(tensor: tf.Tensor, x: Any, depth: int) -> tuple[str, Build] | None:
    if depth > _DEPTH or tensor.ref() == x:
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
    if op.type not in operations.MOVES and op.type not in _TRANSPARENT:
        return None
    if op.type in ("MirrorPad", "Pad", "PadV2") or not op.inputs[0].dtype.is_floating:
        return None
    inner = _logits(op.inputs[0], x, depth + 1)
    if inner is None or op.type in _TRANSPARENT or not op.outputs[0].dtype.is_floating:
        return inner if op.type in _TRANSPARENT else None
    kind, build = inner
    return kind, lambda: operations.run_again(op, {0: build()})


def _clipped(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """A clip to constants that leaves probabilities room, or next to nothing added to them."""
    if op.type not in ("ClipByValue", "Maximum", "Minimum"):
        return None
    live = [t for t in op.inputs if _constant(t) is None]
    if len(live) != 1:
        return None
    limits: list[Any] = [_constant(t) for t in op.inputs if t is not live[0]]
    low, high = min(map(np.min, limits)), max(map(np.max, limits))
    outside = {
        "Maximum": high <= 0.5, "Minimum": low >= 0.5, "ClipByValue": low <= 0.5 <= high
    }[op.type]  # fmt: skip
    return _logits(live[0], x, depth + 1) if outside else None


def _turned(op: tf.Operation, x: Any, depth: int) -> tuple[str, Build] | None:
    """1 - p of a sigmoid, whose logit is minus that of p."""
    turned = None
    if op.type == "Sub" and _is_constant(op.inputs[0], 1.0):
        turned = op.inputs[1]
    elif op.type in ("Add", "AddV2"):
        for one, other in (op.inputs, op.inputs[::-1]):
            if _is_constant(other, 1.0) and (negated := _negated(one)) is not None:
                turned = negated
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
        exponent = _opened(op.inputs[0])
        if exponent.op.type == "Sub" and _is_log_sum_exp(exponent.op.inputs[1]):
            z = exponent.op.inputs[0]
            if _same(_summed(exponent.op.inputs[1]), z):
                return "softmax", lambda: z
        return None
    parts = _quotient(op)
    if parts is None:
        return None
    above, below = parts
    if _is_constant(above, 1.0):
        return _sigmoid_by_hand(below)
    above, total = _opened(above), _opened(below)
    if above.op.type != "Exp" or not _is_sum_of(total, above):
        return None
    z = _without_maximum(above.op.inputs[0])
    return "softmax", lambda: z


def _sigmoid_by_hand(below: tf.Tensor) -> tuple[str, Build] | None:
    below = _opened(below)
    if below.op.type not in ("Add", "AddV2"):
        return None
    for one, other in (below.op.inputs, below.op.inputs[::-1]):
        if _is_constant(other, 1.0) and _opened(one).op.type == "Exp":
            return "sigmoid", functools.partial(_minus, _opened(one).op.inputs[0])
    return None


def _minus(z: tf.Tensor) -> tf.Tensor:
    negated = _negated(z)
    return -z if negated is None else negated


def _quotient(op: tf.Operation) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Numerator and denominator, however the quotient is written."""
    if op.type in ("Div", "DivNoNan", "RealDiv"):
        return op.inputs[0], op.inputs[1]
    if op.type == "Mul":
        for one, other in (op.inputs, op.inputs[::-1]):
            if _opened(other).op.type in ("Inv", "Reciprocal"):
                return one, _opened(other).op.inputs[0]
    if op.type in ("Inv", "Reciprocal"):
        return tf.constant(1.0, op.inputs[0].dtype), op.inputs[0]
    return None


def _without_maximum(z: tf.Tensor) -> tf.Tensor:
    """Z of z - max(z), which leaves a softmax as it is."""
    opened = _opened(z)
    if opened.op.type == "Sub":
        largest = _opened(opened.op.inputs[1])
        if largest.op.type == "Max" and _same(largest.op.inputs[0], opened.op.inputs[0]):
            return opened.op.inputs[0]
    return z


def _is_log_sum_exp(tensor: tf.Tensor) -> bool:
    return _summed(tensor) is not None


def _summed(tensor: tf.Tensor) -> tf.Tensor | None:
    """Z of log(sum(exp(z))), with or without its maximum apart."""
    opened = _opened(tensor)
    summands = list(opened.op.inputs) if opened.op.type in ("Add", "AddV2") else [opened]
    for one in map(_opened, summands):
        if one.op.type == "Log" and _opened(one.op.inputs[0]).op.type == "Sum":
            inner = _opened(_opened(one.op.inputs[0]).op.inputs[0])
            if inner.op.type == "Exp":
                return _without_maximum_of_any_kind(inner.op.inputs[0])
    return None


def _without_maximum_of_any_kind(z: tf.Tensor) -> tf.Tensor:
    """Z of z - m, where m is a maximum that is made finite and whose gradient is stopped."""
    opened = _opened(z)
    if opened.op.type == "Sub" and _rests_on_maximum(opened.op.inputs[1], 0):
        return opened.op.inputs[0]
    return z


def _rests_on_maximum(tensor: tf.Tensor, depth: int) -> bool:
    op = _opened(tensor).op
    if op.type == "Max":
        return True
    inside = op.type in ("Select", "SelectV2")
    return inside and depth < 3 and any(_rests_on_maximum(t, depth + 1) for t in op.inputs)


def _is_logarithm(tensor: tf.Tensor) -> bool:
    """Whether log probabilities come out, whatever was moved after them."""
    op = tensor.op
    for _ in range(_DEPTH):
        if op.type in ("Log", "LogSoftmax"):
            return True
        if op.type in ("ConcatV2", "Pack"):
            return any(_is_logarithm(t) for t in op.inputs[: 2 if op.type == "Pack" else -1])
        if op.type not in operations.MOVES and op.type not in _TRANSPARENT:
            return False
        op = op.inputs[0].op
    return False


def _bounds(tensor: tf.Tensor, known: dict[Any, Bounds], depth: int) -> Bounds:
    """Limits between which every element lies for certain; None where nobody knows."""
    if depth > _DEPTH:
        return None
    key = tensor.ref()
    if key not in known:
        known[key] = None
        known[key] = _bounds_of(tensor, lambda t: _bounds(t, known, depth + 1))
    return known[key]


def _bounds_of(tensor: tf.Tensor, of: Callable[[tf.Tensor], Bounds]) -> Bounds:
    op = tensor.op
    constant = _constant(tensor)
    if constant is not None and constant.size:
        return float(np.min(constant)), float(np.max(constant))
    if op.type in _RANGES:
        return _RANGES[op.type]
    if op.type in _TRANSPARENT or op.type in operations.MOVES or op.type in _OF_SEVERAL:
        if op.type in ("MirrorPad", "Pad", "PadV2"):
            return None
        return _UNIT if op.inputs[0].dtype == tf.bool else of(op.inputs[0])
    if op.type == "IdentityN":
        return of(op.inputs[tensor.value_index])
    if op.type in operations.SPLITS:
        return of(op.inputs[operations.SPLITS[op.type]])
    if _is_share(op, of):
        return _UNIT
    if op.type in _COMBINED:
        return _combined(op, of)
    if op.type in ("ConcatV2", "Pack", "Select", "SelectV2"):
        first = 1 if op.type.startswith("Select") else 0
        last = -1 if op.type == "ConcatV2" else None
        return _hull([of(t) for t in op.inputs[first:last]])
    return _LINE if op.type in operations.WEIGHTED or op.type == "ReadVariableOp" else None


def _is_share(op: tf.Operation, of: Callable[[tf.Tensor], Bounds]) -> bool:
    """Whether it is y / sum(y) of what is not negative."""
    parts = _quotient(op)
    if parts is None:
        return False
    limits = of(parts[0])
    return limits is not None and limits[0] >= 0 and _is_sum_of(_opened(parts[1]), parts[0])


def _is_sum_of(total: tf.Tensor, summands: tf.Tensor) -> bool:
    """Whether it is a sum of these within each example."""
    if total.op.type != "Sum" or not _same(total.op.inputs[0], summands):
        return False
    axes, rank = tf.get_static_value(total.op.inputs[1]), summands.shape.rank
    return axes is not None and rank is not None and 0 not in np.ravel(axes) % rank


def _combined(op: tf.Operation, of: Callable[[tf.Tensor], Bounds]) -> Bounds:
    limits = [of(t) for t in op.inputs]
    if op.type == "ClipByValue":
        value, low, high = limits
        value = value or _LINE
        if low is None or high is None:
            return None
        return min(max(value[0], low[0]), high[0]), min(max(value[1], low[1]), high[1])
    if op.type in ("Maximum", "Minimum"):
        known = [one or _LINE for one in limits]
        pick = max if op.type == "Maximum" else min
        return pick(one[0] for one in known), pick(one[1] for one in known)
    found = [one for one in limits if one is not None]
    if len(found) < len(limits):
        return None
    if op.type in ("Add", "AddN", "AddV2"):
        return sum(one[0] for one in found), sum(one[1] for one in found)
    if op.type == "Neg":
        return -found[0][1], -found[0][0]
    (a, b), (c, d) = found
    if op.type == "Sub":
        return a - d, b - c
    if op.type in ("RealDiv", "Div"):
        if c <= 0 <= d:
            return None
        c, d = 1 / d, 1 / c
    ends = [one * other for one in (a, b) for other in (c, d)]
    return None if any(map(math.isnan, ends)) else (min(ends), max(ends))


_COMBINED = frozenset({"Add", "AddN", "AddV2", "ClipByValue", "Div", "Maximum", "Minimum", "Mul",
                       "Neg", "RealDiv", "Sub"})  # fmt: skip


def _hull(limits: list[Bounds]) -> Bounds:
    found = [one for one in limits if one is not None]
    if len(found) < len(limits) or not found:
        return None
    return min(one[0] for one in found), max(one[1] for one in found)


def _is_linear(tensor: tf.Tensor, depth: int) -> bool:
    """Whether the last thing that happens is a linear layer, perhaps moved, scaled or shifted."""
    op = tensor.op
    if depth > _DEPTH:
        return False
    if op.type in operations.WEIGHTED or op.type.startswith("FusedBatchNorm"):
        return True
    if op.type in _TRANSPARENT | operations.MOVES.keys() | {"Mean", "Neg"}:
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
    return _constant(tensor) is not None or _opened(tensor).op.type == "ReadVariableOp"


def _opened(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor behind identities, casts and reshapes that do nothing to its values."""
    while tensor.op.type in _TRANSPARENT | {"Cast", "Reshape"} and len(tensor.op.inputs):
        tensor = tensor.op.inputs[0]
    return tensor


def _negated(tensor: tf.Tensor) -> tf.Tensor | None:
    """Z of -z."""
    op = _opened(tensor).op
    if op.type == "Neg":
        return op.inputs[0]
    if op.type == "Mul":
        for one, other in (op.inputs, op.inputs[::-1]):
            if _is_constant(other, -1.0):
                return one
    return None


def _constant(tensor: tf.Tensor) -> np.ndarray[Any, Any] | None:
    if tensor.dtype not in (tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.bool):
        return None if not tensor.dtype.is_integer else tf.get_static_value(tensor)
    value = tf.get_static_value(tensor)
    return None if value is None else np.asarray(value)


def _is_constant(tensor: tf.Tensor, wanted: float) -> bool:
    value = _constant(_opened(tensor))
    return value is not None and value.size > 0 and bool((value == wanted).all())


def _same(a: tf.Tensor | None, b: tf.Tensor | None, depth: int = 0) -> bool:
    """Whether two tensors are the same numbers: one tensor, or made in the same way from one."""
    if a is None or b is None:
        return a is b
    a, b = _opened(a), _opened(b)
    if a is b or a.ref() == b.ref():
        return True
    if depth > 8 or a.op.type != b.op.type or len(a.op.inputs) != len(b.op.inputs):
        return False
    if a.op.node_def.attr != b.op.node_def.attr or a.op.op_def.is_stateful:
        return False
    if not len(a.op.inputs):
        first, second = _constant(a), _constant(b)
        return first is not None and second is not None and np.array_equal(first, second)
    return all(_same(t, s, depth + 1) for t, s in zip(a.op.inputs, b.op.inputs, strict=True))
