"""How much memory a traced graph takes at once: which tensors are alive while each operation runs.

Operations run in the order in which they were traced, so the way back follows the pass itself. A
tensor lives from the operation that makes it to the last one that reads it. TensorFlow takes the
memory of an operand for the result where it can, and so does the count.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfxai.core.graph import operations

_VIEWS = frozenset(
    {"EnsureShape", "ExpandDims", "Identity", "IdentityN", "PlaceholderWithDefault",
     "PreventGradient", "Reshape", "Snapshot", "Squeeze", "StopGradient"}
)  # fmt: skip
"""Operations whose results are their operands under another shape."""
_HIDDEN = frozenset({"Case", "If", "StatelessCase", "StatelessIf", "StatelessWhile", "While"})
"""Operations that run others, nobody knows how often."""
_IN_PLACE = operations.ELEMENTWISE | {
    "AddN",
    "EluGrad",
    "LeakyReluGrad",
    "Relu6Grad",
    "ReluGrad",
    "RsqrtGrad",
    "SeluGrad",
    "SigmoidGrad",
    "Softmax",
    "SoftplusGrad",
    "SqrtGrad",
    "TanhGrad",
}
"""Operations that write over an operand which nobody else reads."""


class _Step(NamedTuple):
    """One operation, its operands replaced by the equal ones that were computed before it."""

    op: tf.Operation
    inputs: list[Any]
    outputs: list[Any]


def peak_bytes(x: Sequence[tf.Tensor], outputs: Sequence[tf.Tensor]) -> int | None:
    """Most bytes that the tensors resting on x take at once, x included; free axes count as 1.

    Args:
        x: Where the graph begins; they are kept to its end.
        outputs: Where it ends, in the same graph.

    Returns:
        None where nobody can say: in a loop, and where tensors are kept in lists.
    """
    found = _steps(x, outputs)
    if any(step.op.type in _HIDDEN or tf.variant in _types(step.op) for step in found.steps):
        return None
    buffers = _Buffers(x, [found.first.get(t.ref(), t.ref()) for t in outputs], found.steps)
    return max([buffers.alive, *(buffers.run(step) for step in found.steps)])


class _Steps(NamedTuple):
    """Steps in order, and for each tensor that is computed twice the first one."""

    steps: list[_Step]
    first: dict[Any, Any]


def _steps(x: Sequence[tf.Tensor], outputs: Sequence[tf.Tensor]) -> _Steps:
    """What runs between x and the outputs; what is written twice is computed once."""
    order = {op: i for i, op in enumerate(outputs[0].graph.get_operations())}
    ops = sorted(operations.between(None, outputs), key=order.__getitem__)
    live, steps = {tensor.ref() for tensor in x}, list[_Step]()
    known, first = dict[Any, list[Any]](), dict[Any, Any]()
    for op in ops:
        inputs = [first.get(t.ref(), t.ref()) for t in op.inputs]
        rests = op.type not in operations.CONSTANTS and not live.isdisjoint(inputs)
        if not rests and op.type != "Const":
            continue
        made = [tensor.ref() for tensor in op.outputs]
        attributes = sorted((k, v.SerializeToString()) for k, v in op.node_def.attr.items())
        same = known.setdefault((op.type, tuple(inputs), tuple(attributes)), made)
        if same is not made and not (rests and op.op_def.is_stateful):
            first.update(zip(made, same, strict=True))
        elif rests:
            live.update(made)
            steps.append(_Step(op, inputs, made))
    return _Steps(steps, first)


def _types(op: tf.Operation) -> list[tf.DType]:
    return [tensor.dtype for tensor in op.outputs]


class _Buffers:
    """Pieces of memory, each of one tensor after the other."""

    def __init__(
        self, x: Sequence[tf.Tensor], outputs: Sequence[Any], steps: Sequence[_Step]
    ) -> None:
        self._readers = Counter(ref for step in steps for ref in step.inputs)
        self._readers.update([*(t.ref() for t in x), *outputs])  # kept to the end
        self._buffer_of: dict[Any, int] = {}
        self._size: list[int] = []
        self._tensors: list[int] = []  # of each buffer: those that are still to be read
        self.alive = 0
        for tensor in x:
            self._make(tensor.ref())

    def run(self, step: _Step) -> int:
        """Runs one operation, and says how many bytes were alive at that."""
        taken = self._taken_over(step)
        for i, ref in enumerate(step.outputs):
            buffer = taken[i] if i < len(taken) else None
            if not self._readers[ref]:
                continue
            if buffer is None:
                self._make(ref)
            else:
                self._buffer_of[ref] = buffer
                self._tensors[buffer] += 1
        most = self.alive
        for ref in step.inputs:
            self._read(ref)
        return most

    def _taken_over(self, step: _Step) -> list[int | None]:
        """For each output the buffer that it takes over."""
        if step.op.type in _VIEWS:
            several = step.inputs if step.op.type == "IdentityN" else step.inputs[:1]
            return [self._buffer_of.get(ref) for ref in several]
        if step.op.type not in _IN_PLACE:
            return []
        size = _bytes(step.op.outputs[0])
        for ref in step.inputs:
            buffer = self._buffer_of.get(ref)
            if buffer is None or self._size[buffer] != size or self._tensors[buffer] > 1:
                continue
            if self._readers[ref] == step.inputs.count(ref):  # read for the last time
                return [buffer]
        return []

    def _make(self, ref: Any) -> None:
        size = _bytes(ref.deref())
        self._buffer_of[ref] = len(self._size)
        self._size.append(size)
        self._tensors.append(1)
        self.alive += size

    def _read(self, ref: Any) -> None:
        buffer = self._buffer_of.get(ref)
        if buffer is None:  # it does not rest on x
            return
        self._readers[ref] -= 1
        if not self._readers[ref]:
            self._tensors[buffer] -= 1
            if not self._tensors[buffer]:
                self.alive -= self._size[buffer]


def _bytes(tensor: tf.Tensor) -> int:
    sizes = tensor.shape.as_list() if tensor.shape.rank else []
    return math.prod(n or 1 for n in sizes) * tensor.dtype.size
