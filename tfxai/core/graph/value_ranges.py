"""Limits between which the elements of a tensor lie for certain, from the operations behind it."""

from __future__ import annotations

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
    is_sum_of,
    opened,
    quotient,
)

Bounds: TypeAlias = "tuple[float, float] | None"

_LINE = (-math.inf, math.inf)
_UNIT = (0.0, 1.0)
_RANGES: dict[str, tuple[float, float]] = {
    "Cos": (-1, 1), "Elu": (-1, math.inf), "Erf": (-1, 1), "Exp": (0, math.inf),
    "Relu": (0, math.inf), "Relu6": (0, 6), "Sigmoid": _UNIT, "Sin": (-1, 1), "Softmax": _UNIT,
    "LogSoftmax": (-math.inf, 0), "Softplus": (0, math.inf), "Softsign": (-1, 1),
    "Square": (0, math.inf), "Tanh": (-1, 1),
}  # fmt: skip
_OF_SEVERAL = frozenset({"AvgPool", "Max", "MaxPool", "Mean", "Min"})
_COMBINED = frozenset({"Add", "AddN", "AddV2", "ClipByValue", "Div", "Maximum", "Minimum", "Mul",
                       "Neg", "RealDiv", "Sub"})  # fmt: skip


def bounds(tensor: tf.Tensor, known: dict[Any, Bounds], depth: int) -> Bounds:
    """Limits between which every element lies for certain; None where nobody knows."""
    if depth > DEPTH:
        return None
    key = tensor.ref()
    if key not in known:
        known[key] = None
        known[key] = _bounds_of(tensor, lambda t: bounds(t, known, depth + 1))
    return known[key]


def _bounds_of(tensor: tf.Tensor, of: Callable[[tf.Tensor], Bounds]) -> Bounds:
    op = tensor.op
    value = constant(tensor)
    if value is not None and value.size:
        return float(np.min(value)), float(np.max(value))
    if op.type in _RANGES or base_of_power(op) is not None:
        return _RANGES.get(op.type, (0.0, math.inf))
    if op.type in TRANSPARENT or op.type in operations.MOVES or op.type in _OF_SEVERAL:
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
    parts = quotient(op)
    if parts is None:
        return False
    limits = of(parts[0])
    return limits is not None and limits[0] >= 0 and is_sum_of(opened(parts[1]), parts[0])


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


def _hull(limits: list[Bounds]) -> Bounds:
    found = [one for one in limits if one is not None]
    if len(found) < len(limits) or not found:
        return None
    return min(one[0] for one in found), max(one[1] for one in found)
