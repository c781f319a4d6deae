"""Loops written out: the operations of each round one after the other, in the graph itself.

A recurrent layer runs in a loop, and so do `tf.while_loop`, `tf.scan` and `tf.map_fn`. Where the
number of rounds follows from shapes and constants, the same operations can stand in the graph
without the loop, and rules reach them. Lists of tensors, in which loops keep their steps, become
lists of Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.expressions import constant
from tfxai.core.propagation.steps import LiveGraph, NoRuleError

MOST_ROUNDS = 512
"""Rounds of a loop that are written out: each adds its operations to the program."""
MOST_OPERATIONS = 60_000
"""Operations that the loops of one score may make in all."""
LOOPS = frozenset({"StatelessWhile", "While"})
_READS = frozenset({"ReadVariableOp", "ResourceGather", "ResourceGatherNd", "VarHandleOp"})
_NUMBERS = {
    "Add": np.add,
    "AddV2": np.add,
    "Equal": np.equal,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "NotEqual": np.not_equal,
    "Sub": np.subtract,
}
"""What loops compute their counters and conditions with."""

Value: TypeAlias = "tf.Tensor | list[tf.Tensor | None]"
"""What stands for a tensor: another one, or the tensors that a list holds, None for none yet."""


def unrolled(score: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """The score without the loops between x and it; itself where there are none.

    Args:
        score: In the graph that is being traced.
        x: What it was computed from, in the same graph.

    Raises:
        NoRuleError: The number of rounds of a loop is not known, or too large, or what it does
            cannot be written out.
    """
    graph = LiveGraph(score, x)
    if not any(_has_lists(op) for op in graph.order):
        return score
    run = _Run()
    run.all(list(graph.order))
    return run.tensor(score)


def _has_lists(op: tf.Operation) -> bool:
    """Whether it is a loop or works on a list of tensors."""
    return op.type in LOOPS or any(t.dtype == tf.variant for t in (*op.inputs, *op.outputs))


class _Run:
    """Operations that are run again, in the graph that is being traced."""

    def __init__(self) -> None:
        self._of: dict[Any, Value] = {}
        self._left = MOST_OPERATIONS

    def all(self, ops: Sequence[tf.Operation]) -> None:
        """Runs operations of this graph again, as far as they rest on a loop."""
        for op in ops:
            if _has_lists(op):
                self._loop(op)
            elif any(tensor.ref() in self._of for tensor in op.inputs):
                self._copy(op)

    def value(self, tensor: tf.Tensor) -> Value:
        """What stands for a tensor; lists that do not depend on x are made when they are read."""
        if tensor.dtype == tf.variant and tensor.ref() not in self._of:
            self._loop(tensor.op)
        return self._of.get(tensor.ref(), tensor)

    def tensor(self, tensor: tf.Tensor) -> tf.Tensor:
        """What stands for a tensor that is no list."""
        found = self.value(tensor)
        if isinstance(found, list):
            raise NoRuleError(tensor.op, "hands on a list of tensors")
        return found

    def _loop(self, op: tf.Operation) -> None:
        """Runs a loop, or an operation on lists of tensors."""
        self._keep(op, self._rounds(op) if op.type in LOOPS else self._lists(op))

    def _keep(self, op: tf.Operation, values: Sequence[Value]) -> None:
        for output, value in zip(op.outputs, values, strict=True):
            self._of[output.ref()] = value

    def _copy(self, op: tf.Operation) -> None:
        """The operation on what stands for its operands; a number where all of them are."""
        operands = [self.tensor(tensor) for tensor in op.inputs]
        if op.type == "Identity":
            self._keep(op, operands)
            return
        number = _number(op, operands)
        if number is not None:
            self._keep(op, [tf.constant(number, op.outputs[0].dtype)])
            return
        self._left -= 1
        if self._left < 0:
            raise NoRuleError(
                op, f"is one of more than {MOST_OPERATIONS} operations that loops make"
            )
        copy = operations.copy_of(op, dict(enumerate(operands)), name=op.name)
        self._keep(op, copy.outputs)

    def _rounds(self, op: tf.Operation) -> list[Value]:
        """What the tensors of a loop are after its last round."""
        again, once = _function(op, "cond"), _function(op, "body")
        state = [self.value(tensor) for tensor in op.inputs]
        for rounds in range(MOST_ROUNDS + 1):
            (goes_on,) = self._call(again, state)
            known = None if isinstance(goes_on, list) else _known(goes_on)
            if known is None:
                raise NoRuleError(op, "is a loop whose number of rounds is not known beforehand")
            if not known.all():
                return state
            if rounds < MOST_ROUNDS:
                state = self._call(once, state)
        raise NoRuleError(
            op, f"is a loop of more than {MOST_ROUNDS} rounds, the most that are written out"
        )

    def _call(self, body: _Body, values: Sequence[Value]) -> list[Value]:
        """The outputs of a function whose arguments are `values`."""
        held = self._of
        self._of = dict(zip(body.arguments, values, strict=True))
        self._of.update(body.constants)
        try:
            for op in body.ops:
                self._run(op, body)
            return [self.value(tensor) for tensor in body.outputs]
        finally:
            self._of = held

    def _run(self, op: tf.Operation, body: _Body) -> None:
        """Runs one operation of a function, once where it is the same in all rounds."""
        if op.outputs and op.outputs[0].ref() in self._of:
            return
        if _has_lists(op):
            self._loop(op)
        elif op.op_def.is_stateful and op.type not in _READS:
            raise NoRuleError(op, "draws or changes something in every round of a loop")
        else:
            self._copy(op)
            if op in body.steady:
                body.constants.update({t.ref(): self._of[t.ref()] for t in op.outputs})

    def _lists(self, op: tf.Operation) -> list[Value]:
        """The results of an operation on lists of tensors."""
        of = [self.value(tensor) for tensor in op.inputs]
        if op.type == "Identity":
            return of
        made = _LISTS.get(op.type)
        if made is None:
            raise NoRuleError(op, "works on a list of tensors in a way that cannot be written out")
        result = made(op, *of)
        return [result] if op.type != "TensorListPopBack" else list(result)


class _Body:
    """A function that a loop calls.

    Attributes:
        arguments: References of its arguments.
        ops: What its outputs rest on, operands before users.
        outputs: Its results.
        steady: The operations whose results are the same in all rounds.
        constants: These results, once they are known.
    """

    def __init__(self, graph: Any, is_steady: Sequence[bool]) -> None:
        self.arguments = [tensor.ref() for tensor in graph.inputs]
        self.outputs = list(graph.outputs)
        own = set(self.arguments)
        self.ops = [
            op
            for op in operations.between(None, self.outputs)
            if not (op.outputs and op.outputs[0].ref() in own)
        ]
        pairs = zip(self.arguments, is_steady, strict=True)
        steady = {ref for ref, one in pairs if one}
        self.steady: set[tf.Operation] = set()
        for op in self.ops:
            if not _has_lists(op) and all(tensor.ref() in steady for tensor in op.inputs):
                self.steady.add(op)
                steady |= {tensor.ref() for tensor in op.outputs}
        self.constants: dict[Any, Value] = {}


def _function(op: tf.Operation, attribute: str) -> _Body:
    """The condition or the body of a loop."""
    name, graph, found = op.get_attr(attribute).name, op.graph, None
    while found is None and graph is not None:
        found = graph._get_function(name)
        graph = getattr(graph, "outer_graph", None)
    traced = getattr(found, "graph", None)
    if traced is None:
        raise NoRuleError(op, "is a loop whose operations cannot be read")
    body = traced if attribute == "body" else None
    steady = [
        body is not None and body.outputs[i] is body.inputs[i] for i in range(len(traced.inputs))
    ]
    return _Body(traced, steady)


def _known(tensor: tf.Tensor) -> np.ndarray[Any, Any] | None:
    """The value of whole numbers or truths that follows from constants and shapes."""
    if not (tensor.dtype.is_integer or tensor.dtype == tf.bool):
        return None
    value: Any = constant(tensor)
    op = tensor.op
    if value is not None:
        return np.asarray(value)
    if op.type == "StridedSlice" and op.inputs[0].op.type == "Shape":
        value = _size(op)
    elif op.type in ("Max", "Min") and not tensor.shape.rank:
        of = _known(op.inputs[0])
        value = None if of is None else (of.max() if op.type == "Max" else of.min())
    return None if value is None else np.asarray(value)


def _size(op: tf.Operation) -> int | None:
    """The one size that is taken out of a shape, where it is known."""
    sizes = op.inputs[0].op.inputs[0].shape
    index = tf.get_static_value(op.inputs[1])
    if sizes.rank is None or index is None or op.get_attr("shrink_axis_mask") != 1:
        return None
    return sizes.as_list()[int(index[0])]


def _number(op: tf.Operation, operands: Sequence[tf.Tensor]) -> np.ndarray[Any, Any] | None:
    """The result of arithmetic with whole numbers and truths that are known."""
    function = _NUMBERS.get(op.type)
    values = [_known(tensor) for tensor in operands] if function is not None else [None]
    if function is None or any(value is None for value in values):
        return None
    return np.asarray(function(*values))


def _index(op: tf.Operation, index: Value, length: int) -> int:
    """A place in a list."""
    known = None if isinstance(index, list) else _known(index)
    if known is None or not 0 <= int(known) < length:
        raise NoRuleError(op, "reads or writes a place in a list that is not known beforehand")
    return int(known)


def _length(op: tf.Operation, count: Value) -> int:
    known = None if isinstance(count, list) else _known(count)
    if known is None or not 0 <= int(known) <= MOST_ROUNDS:
        raise NoRuleError(
            op,
            f"makes a list of tensors whose length is not known or more than {MOST_ROUNDS}, the "
            "most steps that are written out",
        )
    return int(known)


def _reserve(op: tf.Operation, _: Value, count: Value) -> Value:
    return [None] * _length(op, count)


def _from_tensor(op: tf.Operation, tensor: tf.Tensor, _: Value) -> Value:
    sizes = tensor.shape
    length = tf.constant(-1 if not sizes.rank or sizes[0] is None else sizes[0])
    return list(tf.unstack(tensor, _length(op, length)))


def _get(op: tf.Operation, held: list[Any], index: Value, _: Value) -> Value:
    return _present(op, held[_index(op, index, len(held))])


def _set(op: tf.Operation, held: list[Any], index: Value, value: Value) -> Value:
    place = _index(op, index, len(held))
    return [*held[:place], value, *held[place + 1 :]]


def _pop(op: tf.Operation, held: list[Any], _: Value) -> tuple[Value, Value]:
    return held[:-1], _present(op, held[-1] if held else None)


def _stack(op: tf.Operation, held: list[Any], _: Value) -> Value:
    return tf.stack([_present(op, one) for one in held])


def _present(op: tf.Operation, tensor: tf.Tensor | None) -> tf.Tensor:
    if tensor is None:
        raise NoRuleError(op, "reads a place in a list to which nothing was written")
    return tensor


_LISTS: dict[str, Any] = {
    "EmptyTensorList": lambda op, *_: [],
    "TensorListFromTensor": _from_tensor,
    "TensorListGetItem": _get,
    "TensorListLength": lambda op, held: tf.constant(len(held)),
    "TensorListPopBack": _pop,
    "TensorListPushBack": lambda op, held, value: [*held, value],
    "TensorListReserve": _reserve,
    "TensorListSetItem": _set,
    "TensorListStack": _stack,
}
