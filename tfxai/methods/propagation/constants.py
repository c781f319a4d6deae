"""What of the score rests on position embeddings and other constants, and on no input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.propagation.steps import Propagation, Rule, Step

_SUMS = frozenset({"Add", "AddV2", "Sub"})

Signal = Callable[[Step, list[Any]], "tf.Tensor | None"]
"""From a step and the signals at its results to what a part of its result counts there."""


def with_constants(
    propagation: Propagation, rule: Rule, start: tf.Tensor, signal: Signal
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The signal at x, and which parts of the score never reach it.

    Args:
        propagation: The way back.
        rule: As for `Propagation.back`.
        start: (B,) the signal at the score.
        signal: What each summand of a step's result is multiplied with to give its share; None
            where the rule of the step has no such number.

    Returns:
        What `back` gives, and `positions` (B,) where constants that differ by position are
        added on the way: their share.
    """
    found: list[tf.Tensor] = []

    def watched(step: Step, signals: list[Any]) -> Any:
        for op in step.ops:
            constant = _positions(op, step)
            weight = None if constant is None else signal(step, signals)
            if weight is not None:
                found.append(_share(op, constant, step, weight, tf.shape(start)[0]))
        return rule(step, signals)

    back = propagation.back(watched, start)
    return back, {"positions": tf.add_n(found)} if found else {}


def _positions(op: tf.Operation, step: Step) -> tf.Tensor | None:
    """The constants that an operation adds, where they differ by position; None where not."""
    if op.type not in _SUMS or (op.outputs[0].shape.rank or 0) < 3:
        return None
    made = {source.ref() for source in step.sources}
    made |= {tensor.ref() for one in step.ops for tensor in one.outputs}
    others = [tensor for tensor in op.inputs if tensor.ref() not in made]
    if len(others) != 1 or not others[0].dtype.is_floating:
        return None
    shape = _before_copies(others[0]).shape
    if shape.rank is None or shape.rank < 2:
        return None
    rank = op.outputs[0].shape.rank
    sides = [1] * (rank - shape.rank) + shape.as_list()
    is_for_all = sides[0] == 1  # examples have it in common
    # a bias of heads, (H, d), differs on other axes, and one of channels first, (C, 1, 1), on one
    return others[0] if is_for_all and sides[1] != 1 and sides[-1] != 1 else None


def _before_copies(tensor: tf.Tensor) -> tf.Tensor:
    """What was repeated for each example."""
    while tensor.op.type in ("BroadcastTo", "Identity"):
        tensor = tensor.op.inputs[0]
    return tensor


def _share(
    op: tf.Operation, constant: Any, step: Step, weight: tf.Tensor, batch: tf.Tensor
) -> tf.Tensor:
    """(B,): what the constant adds to the score."""
    total = op.outputs[0]
    if total is not step.results[0]:
        (weight,) = tf.gradients(
            step.results[0],
            total,
            tf.cast(weight, step.results[0].dtype),
            stop_gradients=step.sources,
        )
    weight = at_least_float32(weight)
    sign = -1.0 if op.type == "Sub" and constant is op.inputs[1] else 1.0
    shares = sign * weight * tf.cast(constant, weight.dtype)
    return tf.reduce_sum(tf.reshape(shares, [batch, -1]), axis=1)


def constants(score: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """(B,): the part of the score that the values do not add up to."""
    flat = tf.reshape(values, [tf.shape(values)[0], -1])
    return score - tf.cast(tf.reduce_sum(flat, axis=1), score.dtype)
