"""The numbers in a tensor that holds a shape, where the sizes behind it are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

Sizes = Callable[[tf.Tensor], Sequence[int | None] | None]
"""The sizes of a tensor, with a number in place of the free one of the examples."""
_DEPTH = 24  # operations behind a shape
_SAME = frozenset({"Cast", "EnsureShape", "Identity"})


def shape_value(tensor: tf.Tensor, sizes: Sizes, depth: int = _DEPTH) -> Any:
    """The numbers as an array of Python's integers, which hold any size; None where not known."""
    value = tf.get_static_value(tensor)
    if value is not None:
        return np.asarray(value).astype(object)
    op = tensor.op
    if op.type == "Shape":
        found = sizes(op.inputs[0])
        return None if found is None or None in found else np.array(found, object)
    if depth == 0 or op.type not in _KNOWN:
        return None
    given = [shape_value(one, sizes, depth - 1) for one in op.inputs]
    if any(one is None for one in given):
        return None
    return np.asarray(_KNOWN[op.type](op, *given), object)


def _strided(op: tf.Operation, value: Any, begin: Any, end: Any, step: Any) -> Any:
    if len(begin) != 1 or op.get_attr("ellipsis_mask") or op.get_attr("new_axis_mask"):
        return None
    if op.get_attr("shrink_axis_mask"):
        return value[int(begin[0])]
    first = None if op.get_attr("begin_mask") else int(begin[0])
    last = None if op.get_attr("end_mask") else int(end[0])
    return value[first : last : int(step[0])]


def _product(op: tf.Operation, value: Any, axis: Any) -> Any:
    found = np.prod(value) if np.size(value) else 1
    return np.array([found], object) if op.get_attr("keep_dims") else found


_KNOWN: dict[str, Callable[..., Any]] = {
    **dict.fromkeys(("Add", "AddV2"), lambda op, one, other: one + other),
    **dict.fromkeys(_SAME, lambda op, value: value),
    "ConcatV2": lambda op, *given: np.concatenate(given[:-1]),
    "ExpandDims": lambda op, value, axis: np.expand_dims(value, int(axis)),
    "FloorDiv": lambda op, one, other: one // other,
    "GatherV2": lambda op, value, index, axis: value[index.astype(int)],
    "Less": lambda op, one, other: one < other,
    "Mul": lambda op, one, other: one * other,
    "Pack": lambda op, *given: np.stack(given),
    "Prod": _product,
    "Reshape": lambda op, value, shape: value.reshape([int(n) for n in shape]),
    "SelectV2": lambda op, which, one, other: np.where(which.astype(bool), one, other),
    "StridedSlice": _strided,
    "Sub": lambda op, one, other: one - other,
}
