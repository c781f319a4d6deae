"""Which output is explained: from a class name, an index or nothing to int32 tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.classes import class_index
from tfxai.errors import InvalidInputError, UnknownNameError

HELD = "tfxai_target"
"""Name of the tensors of targets that are found in a graph."""
PREDICTED = -1
"""Stands for the predicted class: the largest output, found once at x and then held."""


def read_target(
    target: Any, batch: int, axes: tuple[int | None, ...], classes: Sequence[str] | None
) -> Array:
    """Checks a target and returns it as int32 (B,), or (B, r) for outputs with r axes.

    Args:
        target: None for the predicted class, an index, a class name, (B,) of either, or
            (B, r) indices.
        batch: Number of examples B.
        axes: Shape of the outputs without the batch axis.
        classes: Class names in the order of the outputs, where they are known.

    Raises:
        InvalidInputError: A wrong shape or type, or an index outside the outputs.
        UnknownNameError: No class has that name.
    """
    rank = len(axes)
    if target is None:
        if rank > 1:
            raise InvalidInputError(
                f"The outputs have shape (B, {', '.join(map(str, axes))}), so there is no one "
                f"predicted class. Pass target with shape ({batch}, {rank}): one index an axis."
            )
        return np.full((batch,), PREDICTED, np.int32)
    if isinstance(target, np.ndarray) and target.dtype.kind in "OU":
        target = target.tolist()
    if isinstance(target, str):
        target = _class_index(target, classes)
    elif isinstance(target, list | tuple) and any(isinstance(one, str) for one in target):
        target = [_class_index(one, classes) if isinstance(one, str) else one for one in target]
    array = np.asarray(target)
    _check_kind(array, batch, axes)
    if array.ndim == 0 and rank == 1:
        array = np.full((batch,), array)
    if array.ndim == 1 and rank > 1 and array.shape == (rank,):
        array = np.broadcast_to(array, (batch, rank))
    expected = (batch,) if rank == 1 else (batch, rank)
    if array.shape != expected:
        raise InvalidInputError(
            f"target has shape {array.shape} for {batch} examples, and {expected} was expected: "
            "one index an example, or a single one for all."
        )
    _check_range(array.reshape(batch, -1), axes, batch)
    return array.astype(np.int32)


def _check_kind(array: Array, batch: int, axes: tuple[int | None, ...]) -> None:
    if len(axes) == 1 and array.ndim == 2 and array.shape == (batch, axes[0]):
        raise InvalidInputError(
            f"target has shape {array.shape}, a number for each class, and one index an example "
            f"was expected: ({batch},). Pass np.argmax(target, axis=-1) of one-hot labels."
        )
    if array.dtype.kind not in "iu":
        raise InvalidInputError(
            f"target has type {array.dtype}, and integer indices or class names were expected."
        )


def _check_range(array: Array, axes: tuple[int | None, ...], batch: int) -> None:
    for column, size in zip(array.T, axes, strict=True):
        bad = column[(column < 0) | (column >= (size if size is not None else np.inf))]
        if bad.size:
            many = f", or one per example: shape ({batch},)" if batch > 1 else ""
            raise InvalidInputError(
                f"target={bad[0]} is outside the model's {size} outputs. "
                f"Pass an index in [0, {size}){many}."
            )


def _class_index(name: str, classes: Sequence[str] | None) -> int:
    """Position of a class, case ignored; a number that names no class is an index."""
    index = class_index(name, classes)
    if index is not None:
        return index
    if name.isdecimal():
        return int(name)
    if not classes:
        raise InvalidInputError(
            f"target={name!r} is a class name, and the model has no card that names its classes. "
            "Pass an index, or a tfxai.Subject(model, card) whose card lists the classes, such as "
            "that of tfxai.load(path, class_names=[...]) (on the command line: --classes FILE)."
        )
    raise UnknownNameError.of("class", name, classes)


def resolve(target: tf.Tensor, outputs: tf.Tensor) -> tf.Tensor:
    """Puts the largest output in the place of `PREDICTED`, in the graph."""
    if outputs.shape.rank != 2:
        return target
    predicted = tf.argmax(outputs, axis=-1, output_type=tf.int32)
    return tf.identity(tf.where(target == PREDICTED, predicted, target), name=HELD)


def is_held(op: tf.Operation) -> bool:
    """Whether an operation hands on a target that `resolve` found: it is held from there on."""
    return op.type == "Identity" and op.name.rpartition("/")[2].startswith(HELD)


def select(outputs: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """outputs[b, target[b]] as (B,); `target` is (B,) or (B, r)."""
    index = target[:, None] if target.shape.rank == 1 else target
    rows = tf.range(tf.shape(outputs)[0])
    return tf.gather_nd(outputs, tf.concat([rows[:, None], index], axis=1))
