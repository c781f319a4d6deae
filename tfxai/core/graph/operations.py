"""What each type of TensorFlow operation does to the tensors that come from x.

An operation is known by its type and by which of its operands depend on x; weights, shapes and
other constants do not. All knowledge of single types that propagation needs is in these tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf

RELUS = frozenset({"Relu", "Relu6", "LeakyRelu"})
"""The activations that guided backpropagation and the deconvolutional network rule."""

CONSTANTS = frozenset({"OnesLike", "Rank", "Shape", "ShapeN", "Size", "ZerosLike"})
"""Their output rests on a shape only."""

MOVES = {
    "BatchToSpaceND": 0,
    "BroadcastTo": 0,
    "Cast": 0,
    "DepthToSpace": 0,
    "EnsureShape": 0,
    "ExpandDims": 0,
    "Gather": 0,
    "GatherNd": 0,
    "GatherV2": 0,
    "Identity": 0,
    "MirrorPad": 0,
    "Pad": 0,
    "PadV2": 0,
    "Reshape": 0,
    "ResizeNearestNeighbor": 0,
    "ReverseV2": 0,
    "Roll": 0,
    "Slice": 0,
    "SpaceToBatchND": 0,
    "SpaceToDepth": 0,
    "Squeeze": 0,
    "StridedSlice": 0,
    "Tile": 0,
    "Transpose": 0,
}
"""Elements are moved, repeated or left out, never mixed; the value says where data comes in."""
_JOINS = frozenset({"ConcatV2", "Pack"})
SPLITS = {"Split": 1, "SplitV": 0, "Unpack": 0}
"""Operations with several outputs that part one tensor, and where that comes in."""
_SUMS = frozenset({"Add", "AddN", "AddV2", "Sub"})
_SHIFTS = _SUMS | {"BiasAdd"}
# Several elements go into one, with weights that are no parameters.
_MIXES = frozenset(
    {
        "AvgPool",
        "AvgPool3D",
        "Cumsum",
        "FusedBatchNorm",
        "FusedBatchNormV2",
        "FusedBatchNormV3",
        "Mean",
        "ResizeBicubic",
        "ResizeBilinear",
        "Sum",
    }
)
WEIGHTED: dict[str, int | None] = {
    "BatchMatMul": None,
    "BatchMatMulV2": None,
    "BatchMatMulV3": None,
    "Conv2D": 0,
    "Conv2DBackpropInput": 2,
    "Conv3D": 0,
    "Conv3DBackpropInputV2": 2,
    "DepthwiseConv2dNative": 0,
    "Einsum": None,
    "MatMul": None,
}
"""Operations with weights, and where the data comes in; None where either operand may be it."""
DENSE = frozenset({"BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum", "MatMul"})
"""The operations with weights that are no convolution."""

_ACTIVATIONS = RELUS | {
    "Abs",
    "Acos",
    "Asinh",
    "Atan",
    "Ceil",
    "Cos",
    "Cosh",
    "Digamma",
    "Elu",
    "Erf",
    "Erfc",
    "Exp",
    "Expm1",
    "Floor",
    "Inv",
    "Lgamma",
    "Log",
    "Log1p",
    "Reciprocal",
    "Rint",
    "Round",
    "Rsqrt",
    "Selu",
    "Sigmoid",
    "Sign",
    "Sin",
    "Sinh",
    "Softplus",
    "Softsign",
    "Sqrt",
    "Square",
    "Tan",
    "Tanh",
}
# Elementwise in two operands, and no linear function of both together.
_COMBINATIONS = frozenset(
    {
        "Div",
        "DivNoNan",
        "Maximum",
        "Minimum",
        "Mul",
        "MulNoNan",
        "Pow",
        "RealDiv",
        "Select",
        "SelectV2",
        "SquaredDifference",
        "Xdivy",
        "Xlogy",
        "FloorDiv",
        "FloorMod",
        "Mod",
    }
)
CONDITIONS = frozenset(
    {
        "Equal",
        "Greater",
        "GreaterEqual",
        "Less",
        "LessEqual",
        "LogicalAnd",
        "LogicalNot",
        "LogicalOr",
        "NotEqual",
    }
)
ELEMENTWISE = _ACTIVATIONS | _COMBINATIONS | CONDITIONS | _SHIFTS | {"Cast", "Identity", "Neg"}
_NONNEGATIVE = frozenset({"Abs", "Exp", "Relu", "Relu6", "Sigmoid", "Softplus", "Square"})
_POOLS = frozenset({"Max", "MaxPool", "MaxPool3D"})
CALLS = frozenset(
    {
        "Case",
        "If",
        "PartitionedCall",
        "StatefulPartitionedCall",
        "StatelessCase",
        "StatelessIf",
        "StatelessWhile",
        "TensorListFromTensor",
        "TensorListStack",
        "While",
        "XlaCallModule",
    }
)
_SMALL = 64  # elements


def kind(op: tf.Operation, live: Collection[int]) -> str | None:
    """What the operation is of the tensors that come from x.

    Args:
        op: An operation between x and the score.
        live: Positions of the operands that depend on x.

    Returns:
        `"move"`, `"scale"`, `"shift"`, `"weighted"`, `"mix"`, `"sum"` or `"join"` (a move of
        several tensors), all linear up to a constant; `"same"` for a custom gradient's
        identity; `"activation"`, elementwise; `"combination"`, elementwise in several operands
        that depend on x; `"pool"`; `"call"`,
        which cannot be looked into; or None where nothing is known.
    """
    name, only = op.type, set(live)
    if name in CALLS:
        return "call"
    if name == "IdentityN":
        return "same"
    if len(only) > 1:
        return _of_several(name)
    if name in _SHIFTS:
        return "shift"
    if name == "Neg" or _is_scale(name, only):
        return "scale"
    if name in MOVES:
        return "move" if only == {MOVES[name]} else None
    return _of_one(op, only)


def is_elementwise(op: tf.Operation) -> bool:
    """Whether each element of the output rests on the same element of every operand."""
    return op.type in ELEMENTWISE


def run_again(op: tf.Operation, operands: Mapping[int, tf.Tensor], **attributes: Any) -> tf.Tensor:
    """The operation's first output with some of its operands replaced."""
    return copy_of(op, operands, **attributes).outputs[0]


def copy_of(
    op: tf.Operation,
    operands: Mapping[int, tf.Tensor],
    name: str | None = None,
    **attributes: Any,
) -> tf.Operation:
    """The operation in the graph that is being traced, with some operands and attributes replaced.

    Args:
        op: The operation.
        operands: New operands by their position.
        name: Name of the copy, numbered where it is taken; that of its type by default.
        attributes: New attributes, strings or lists of integers.
    """
    tensors = [operands.get(i, _here(tensor)) for i, tensor in enumerate(op.inputs)]
    attrs = dict(op.node_def.attr)
    types = _types(op, tensors, attrs)
    for attribute, value in attributes.items():
        if attribute in attrs:
            attrs[attribute] = _attribute(value)
    graph = tf.compat.v1.get_default_graph()
    return graph.create_op(op.type, tensors, types, attrs=attrs, name=name)


def between(x: tf.Tensor | None, outputs: Sequence[tf.Tensor]) -> Iterator[tf.Operation]:
    """The operations on which the outputs rest, no further than x, operands before users."""
    done: set[tf.Operation] = set()
    stack: list[tuple[tf.Operation, bool]] = [(output.op, False) for output in outputs]
    while stack:
        op, complete = stack.pop()
        if complete:
            yield op
        elif op not in done:
            done.add(op)
            stack.append((op, True))
            stack += [(tensor.op, False) for tensor in op.inputs if tensor is not x]


def is_nonnegative(tensor: tf.Tensor) -> bool:
    """Whether the operations that made it say that no element is negative."""
    op = tensor.op
    if op.type in _SUMS - {"Sub"}:
        return all(is_nonnegative(summand) for summand in op.inputs)
    passes = op.type in _POOLS | {"AvgPool", "AvgPool3D", "Mean", "Sum"} or (
        op.type in MOVES and MOVES[op.type] == 0 and op.type not in ("PadV2", "Cast")
    )
    return is_nonnegative(op.inputs[0]) if passes else op.type in _NONNEGATIVE


def _of_several(name: str) -> str | None:
    if name in _SUMS:
        return "sum"
    if name in _JOINS:
        return "join"
    return "combination" if name in _COMBINATIONS else None


def _is_scale(name: str, only: set[int]) -> bool:
    """Whether it is a product with a constant or a quotient by one."""
    return name in ("Mul", "MulNoNan") or (name in ("RealDiv", "Div", "DivNoNan") and only == {0})


def _of_one(op: tf.Operation, only: set[int]) -> str | None:
    """The kind of what has one operand that depends on x and is no scale, shift or move."""
    name = op.type
    if name in _JOINS:
        return "move"
    if name in SPLITS:
        return "join"
    if name in WEIGHTED:
        return "weighted" if WEIGHTED[name] is None or only == {WEIGHTED[name]} else None
    if name in _MIXES:
        trains = name.startswith("Fused") and op.get_attr("is_training")
        return "mix" if only == {0} and not trains else None
    if name in _POOLS:
        return "pool"
    return "activation" if name in _ACTIVATIONS | _COMBINATIONS else None


def _types(
    op: tf.Operation, tensors: Sequence[tf.Tensor], attrs: dict[str, Any]
) -> list[tf.DType]:
    """The types of the outputs, and those in `attrs`, where an operand has another type."""
    changed, names = dict[str, tf.DType](), list[str]()
    for arg in op.op_def.input_arg:
        names += [arg.type_attr] * (op.get_attr(arg.number_attr) if arg.number_attr else 1)
    if len(names) == len(tensors):  # not so where one argument takes tensors of several types
        for name, before, now in zip(names, op.inputs, tensors, strict=True):
            if name and now.dtype != before.dtype:
                changed[name] = now.dtype
    for name, dtype in changed.items():
        attrs[name] = tf.compat.v1.AttrValue(type=dtype.as_datatype_enum)
    made = op.op_def.output_arg
    given = [arg.type_attr for arg in made] if len(made) == len(op.outputs) else []
    if not given and len(made) == 1:
        given = [made[0].type_attr] * len(op.outputs)
    given = given or [""] * len(op.outputs)
    return [changed.get(n, out.dtype) for n, out in zip(given, op.outputs, strict=True)]


def _here(tensor: tf.Tensor) -> tf.Tensor:
    """A small constant in the graph that is being traced: axes and shapes that are to be known."""
    is_here = tensor.graph is tf.compat.v1.get_default_graph()
    if is_here or tensor.op.type != "Const" or (tensor.shape.num_elements() or 0) > _SMALL:
        return tensor
    return tf.constant(tf.get_static_value(tensor), tensor.dtype)


def _attribute(value: str | list[int]) -> tf.compat.v1.AttrValue:
    if isinstance(value, str):
        return tf.compat.v1.AttrValue(s=value.encode())
    return tf.compat.v1.AttrValue(list=tf.compat.v1.AttrValue.ListValue(i=value))
