"""The candidates of which each output of a max-pooling is the largest."""

from __future__ import annotations

import itertools

import tensorflow as tf

from tfxai.errors import UnsupportedModelError


def windows(op: tf.Operation) -> tf.Tensor:
    """The elements that each output of `op` chooses from, (outputs..., K).

    Args:
        op: `MaxPool`, `MaxPool3D` or `Max` (a maximum over axes; axes of size 1 are left out).
    """
    a = op.inputs[0]
    if op.type == "Max":
        return _over_axes(op, a)
    sizes, strides = op.get_attr("ksize"), op.get_attr("strides")
    counts = tf.shape(op.outputs[0])
    missing = tf.maximum((counts - 1) * strides + sizes - tf.shape(a), 0)  # padding="same"
    padding = tf.stack([missing // 2, missing - missing // 2], axis=1)
    padded = tf.pad(a, padding, constant_values=a.dtype.min)
    ends = (counts - 1) * strides + 1
    offsets = itertools.product(*map(range, sizes))
    return tf.stack(
        [tf.strided_slice(padded, offset, ends + offset, strides) for offset in offsets], axis=-1
    )


def _over_axes(op: tf.Operation, a: tf.Tensor) -> tf.Tensor:
    axes = tf.get_static_value(op.inputs[1])
    if axes is None:
        raise UnsupportedModelError(
            f"The maximum {op.name!r} is taken over axes that are computed, so what it chooses "
            "from is not known. Explain a later layer with at=."
        )
    rank = a.shape.rank
    reduced = {int(axis) % rank for axis in axes.reshape(-1)}
    kept = [axis for axis in range(rank) if axis not in reduced]
    last = tf.transpose(a, [*kept, *sorted(reduced)])
    return tf.reshape(last, tf.concat([tf.gather(tf.shape(a), kept), [-1]], axis=0))
