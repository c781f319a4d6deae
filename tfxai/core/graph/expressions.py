"""What the operations of a traced graph say of a tensor: constants, quotients, sums, sameness."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

TRANSPARENT = frozenset({"CheckNumerics", "EnsureShape", "Identity", "PreventGradient",
                          "StopGradient"})  # fmt: skip
"""Operations that hand on their operand as it is."""
DEPTH = 64
"""Operations behind an output that are looked at."""


def opened(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor behind identities, casts and reshapes that do nothing to its values."""
    while len(tensor.op.inputs):
        before = tensor.op.inputs[0]
        is_same = tensor.op.type in TRANSPARENT | {"Reshape"}
        is_cast = (
            tensor.op.type == "Cast" and before.dtype.is_floating and tensor.dtype.is_floating
        )
        if not is_same and not is_cast:
            break
        tensor = before
    return tensor


def negated(tensor: tf.Tensor) -> tf.Tensor | None:
    """Z of -z."""
    op = opened(tensor).op
    if op.type == "Neg":
        return op.inputs[0]
    if op.type == "Mul":
        for one, other in (op.inputs, op.inputs[::-1]):
            if is_constant(other, -1.0):
                return one
    return None


def constant(tensor: tf.Tensor) -> np.ndarray[Any, Any] | None:
    """The value of a tensor that is known while the graph is traced, None for any other."""
    if tensor.dtype not in (tf.float16, tf.bfloat16, tf.float32, tf.float64, tf.bool):
        return None if not tensor.dtype.is_integer else tf.get_static_value(tensor)
    value = tf.get_static_value(tensor)
    return None if value is None else np.asarray(value)


def is_constant(tensor: tf.Tensor, wanted: float) -> bool:
    """Whether every element is that number."""
    value = constant(opened(tensor))
    return value is not None and value.size > 0 and bool((value == wanted).all())


def same(a: tf.Tensor | None, b: tf.Tensor | None, depth: int = 0) -> bool:
    """Whether two tensors are the same numbers: one tensor, or made in the same way from one."""
    if a is None or b is None:
        return a is b
    a, b = opened(a), opened(b)
    if a is b or a.ref() == b.ref():
        return True
    if depth > 8 or a.op.type != b.op.type or len(a.op.inputs) != len(b.op.inputs):
        return False
    if a.op.node_def.attr != b.op.node_def.attr or a.op.op_def.is_stateful:
        return False
    if not len(a.op.inputs):
        first, second = constant(a), constant(b)
        return first is not None and second is not None and np.array_equal(first, second)
    return all(same(t, s, depth + 1) for t, s in zip(a.op.inputs, b.op.inputs, strict=True))


def quotient(op: tf.Operation) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Numerator and denominator, however the quotient is written."""
    if op.type in ("Div", "DivNoNan", "RealDiv"):
        return op.inputs[0], op.inputs[1]
    if op.type == "Mul":
        for one, other in (op.inputs, op.inputs[::-1]):
            if opened(other).op.type in ("Inv", "Reciprocal"):
                return one, opened(other).op.inputs[0]
    if op.type in ("Inv", "Reciprocal"):
        return tf.constant(1.0, op.inputs[0].dtype), op.inputs[0]
    return None


def without_axes(tensor: tf.Tensor) -> tf.Tensor:
    """The tensor behind identities, casts, and axes of length 1 that were added."""
    tensor = opened(tensor)
    while tensor.op.type == "ExpandDims" or adds_axes(tensor.op):
        tensor = opened(tensor.op.inputs[0])
    return tensor


def adds_axes(op: tf.Operation) -> bool:
    """Whether an index only adds axes of length 1, as `t[:, None]` does."""
    if op.type != "StridedSlice":
        return False
    before, after = ([n for n in t.shape if n != 1] for t in (op.inputs[0], op.outputs[0]))
    return before == after


def base_of_power(op: tf.Operation) -> float | None:
    """The base of powers of one positive number, such as 2 ** z, else None."""
    base = constant(opened(op.inputs[0])) if op.type == "Pow" else None
    if base is None or not base.size or (base != base.flat[0]).any() or base.flat[0] <= 0:
        return None
    return float(base.flat[0])


def sum_behind(total: tf.Tensor) -> tf.Tensor:
    """The sum in a denominator that was kept away from 0: sum + 1e-7, max(sum, 1e-7)."""
    total = without_axes(total)
    if total.op.type in ("Add", "AddV2", "Maximum"):
        for one, other in (total.op.inputs, total.op.inputs[::-1]):
            guard = constant(opened(other))
            if guard is not None and guard.size and (guard >= 0).all():
                return without_axes(one)
    return total


def is_sum_of(total: tf.Tensor, summands: tf.Tensor) -> bool:
    """Whether it is a sum of these within each example, perhaps kept away from 0."""
    total = sum_behind(total)
    if total.op.type != "Sum" or not same(total.op.inputs[0], summands):
        return False
    axes, rank = tf.get_static_value(total.op.inputs[1]), summands.shape.rank
    return axes is not None and rank is not None and 0 not in np.ravel(axes) % rank
