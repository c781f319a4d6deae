"""The operations that perturbation designs are written with, in the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from tfxai.core.designs.arithmetic import Arithmetic


class _Graph:
    """The operations of TensorFlow."""

    cast = staticmethod(tf.cast)
    reshape = staticmethod(tf.reshape)
    transpose = staticmethod(tf.transpose)
    where = staticmethod(tf.where)
    sum = staticmethod(tf.reduce_sum)
    mean = staticmethod(tf.reduce_mean)
    max = staticmethod(tf.reduce_max)
    maximum = staticmethod(tf.maximum)
    abs = staticmethod(tf.abs)
    square = staticmethod(tf.square)
    sqrt = staticmethod(tf.sqrt)
    matmul = staticmethod(tf.matmul)
    matvec = staticmethod(tf.linalg.matvec)

    @staticmethod
    def broadcast_as(array: Any, like: Any) -> Any:
        return tf.broadcast_to(array, tf.shape(like))

    @staticmethod
    def take(array: Any, index: Any, axis: int) -> Any:
        return tf.gather(array, index, axis=axis)

    @staticmethod
    def take_by_row(array: Any, index: Any) -> Any:
        return tf.gather(array, index, batch_dims=1)

    @staticmethod
    def counts_by_row(index: Any, count: int, dtype: Any) -> Any:
        rows = tf.shape(index)[0]
        number = index + count * tf.range(rows)[:, None, None]
        flat = tf.reshape(number, [-1])
        ones = tf.ones_like(flat, dtype)
        return tf.reshape(tf.math.unsorted_segment_sum(ones, flat, rows * count), [-1, count])

    @staticmethod
    def matmul_transposed(array: Any, other: Any) -> Any:
        return tf.matmul(array, other, transpose_b=True)


GRAPH: Arithmetic = _Graph()
