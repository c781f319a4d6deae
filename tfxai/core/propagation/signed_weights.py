"""The matrix of an affine step, split by sign: what rules of relevance weigh.

A step runs from a to z = W a + b through moves, scales, shifts and at most one operation with
weights, so each entry of W is a product of single numbers. A batch normalisation beside a
convolution is thus in W and b, before or after it, and no model is rewritten: the step's
operations are run again, on other operands.
"""

from __future__ import annotations

import tensorflow as tf

from tfxai.core.graph.operations import is_nonnegative, run_again
from tfxai.core.propagation.steps import Step


class Affine:
    """W and b of a step of kind `"affine"`.

    Attributes:
        a: What goes in.
        z: W a + b.
    """

    def __init__(self, step: Step) -> None:
        self._step = step
        (self.a,), (self.z,) = step.sources, step.results

    @property
    def is_nonnegative(self) -> bool:
        """Whether a is known to have no negative elements, as behind a ReLU."""
        return is_nonnegative(self.a)

    def transposed(self, s: tf.Tensor) -> tf.Tensor:
        """W^T s, for s shaped like z."""
        (back,) = self._step.gradient([s])
        return tf.zeros_like(self.a) if back is None else back

    def signed(self, v: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """W+ v and W- v, for v shaped like a: the positive and the negative entries of W."""
        positive: tf.Tensor | None = v
        negative: tf.Tensor | None = None
        for op, kind, i in self._operations():
            if kind == "move":
                positive, negative = _moved(op, i, positive), _moved(op, i, negative)
            elif kind == "weighted":
                positive, negative = _multiplied(op, i, positive, negative)
            elif _negates(op, i):
                positive, negative = _opposite(negative), _opposite(positive)
            elif kind == "scale":
                positive, negative = _scaled(op, i, positive, negative)
        zeros = tf.zeros_like(self.z)
        return (
            zeros if positive is None else positive,
            zeros if negative is None else negative,
        )

    def flat(self, v: tf.Tensor) -> tf.Tensor:
        """W v with 1 in the place of each weight and scale."""
        for op, kind, i in self._operations():
            if kind == "move":
                v = run_again(op, {i: v})
            elif kind == "weighted":
                w = _weights(op, i)
                v = run_again(op, {i: v, w: tf.ones_like(op.inputs[w])})
        return v

    def bias(self) -> tf.Tensor:
        """The bias b, of a shape that goes with z."""
        b = None
        for op, kind, i in self._operations():
            if b is not None or kind == "shift":
                b = run_again(op, {i: tf.zeros_like(op.inputs[i]) if b is None else b})
        return tf.zeros((), self.z.dtype) if b is None else b

    def _operations(self) -> list[tuple[tf.Operation, str, int]]:
        """Each operation, its kind, and the position of the operand that comes from a."""
        found, data = [], self.a
        for op, kind in zip(self._step.ops, self._step.kinds, strict=True):
            found.append((op, kind, next(i for i, t in enumerate(op.inputs) if t is data)))
            data = op.outputs[0]
        return found


def _weights(op: tf.Operation, i: int) -> int:
    """Position of the weights: the other operand, but for sizes that some convolutions take."""
    return next(k for k, t in enumerate(op.inputs) if k != i and t.dtype.is_floating)


def _multiplied(
    op: tf.Operation, i: int, positive: tf.Tensor | None, negative: tf.Tensor | None
) -> tuple[tf.Tensor | None, tf.Tensor | None]:
    """Both parts through an operation with weights."""
    w = _weights(op, i)
    plus, minus = tf.nn.relu(op.inputs[w]), -tf.nn.relu(-op.inputs[w])

    def run(part: tf.Tensor | None, weights: tf.Tensor) -> tf.Tensor | None:
        return None if part is None else run_again(op, {i: part, w: weights})

    return (
        _added(run(positive, plus), run(negative, minus)),
        _added(run(positive, minus), run(negative, plus)),
    )


def _scaled(
    op: tf.Operation, i: int, positive: tf.Tensor | None, negative: tf.Tensor | None
) -> tuple[tf.Tensor | None, tf.Tensor | None]:
    """Both parts through a product with a constant or a quotient by one."""
    scale = op.inputs[1 - i] if op.type.startswith("Mul") else 1 / op.inputs[1 - i]
    plus, minus = tf.nn.relu(scale), -tf.nn.relu(-scale)
    return (
        _added(_times(positive, plus), _times(negative, minus)),
        _added(_times(positive, minus), _times(negative, plus)),
    )


def _moved(op: tf.Operation, i: int, part: tf.Tensor | None) -> tf.Tensor | None:
    return None if part is None else run_again(op, {i: part})


def _negates(op: tf.Operation, i: int) -> bool:
    return op.type == "Neg" or (op.type == "Sub" and i == 1)


def _opposite(part: tf.Tensor | None) -> tf.Tensor | None:
    return None if part is None else -part


def _times(part: tf.Tensor | None, scale: tf.Tensor) -> tf.Tensor | None:
    return None if part is None else part * scale


def _added(a: tf.Tensor | None, b: tf.Tensor | None) -> tf.Tensor | None:
    if a is None or b is None:
        return b if a is None else a
    return a + b
