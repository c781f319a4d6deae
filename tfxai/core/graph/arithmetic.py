"""The operations of what runs in the graph and on the host, in the graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import tensorflow as tf

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic


class _Graph:
    """The operations of TensorFlow."""

    cast = staticmethod(tf.cast)
    reshape = staticmethod(tf.reshape)
    transpose = staticmethod(tf.transpose)
    where = staticmethod(tf.where)
    sum = staticmethod(tf.reduce_sum)
    mean = staticmethod(tf.reduce_mean)
    min = staticmethod(tf.reduce_min)
    max = staticmethod(tf.reduce_max)
    minimum = staticmethod(tf.minimum)
    clip = staticmethod(tf.clip_by_value)
    divide = staticmethod(tf.math.divide_no_nan)
    maximum = staticmethod(tf.maximum)
    abs = staticmethod(tf.abs)
    square = staticmethod(tf.square)
    sqrt = staticmethod(tf.sqrt)
    exp = staticmethod(tf.exp)
    xor = staticmethod(tf.bitwise.bitwise_xor)
    matmul = staticmethod(tf.matmul)
    matvec = staticmethod(tf.linalg.matvec)

    @staticmethod
    def broadcast_as(array: Any, like: Any) -> Any:
        return tf.broadcast_to(array, tf.shape(like))

    @staticmethod
    def each(function: Callable[[Any], Any], array: Any) -> Any:
        spec = tf.TensorSpec(None, array.dtype)
        return tf.map_fn(function, array, parallel_iterations=1, fn_output_signature=spec)

    @staticmethod
    def right_shift(array: Any, places: int) -> Any:
        return tf.bitwise.right_shift(array, tf.cast(places, tf.uint32))

    @staticmethod
    def norm(array: Any, axis: int) -> Any:
        return tf.norm(array, axis=axis)

    @staticmethod
    def flat(array: Any) -> Any:
        return tf.reshape(array, [tf.shape(array)[0], -1])

    @staticmethod
    def percentiles(array: Any, percentile: float) -> Any:
        ordered = tf.sort(array, axis=1)
        place = tf.cast(tf.shape(array)[1] - 1, tf.float64) * (percentile / 100)
        below = tf.cast(tf.floor(place), tf.int32)
        above = tf.minimum(below + 1, tf.shape(array)[1] - 1)
        share = tf.cast(place - tf.floor(place), array.dtype)
        low, high = tf.gather(ordered, below, axis=1), tf.gather(ordered, above, axis=1)
        return low + share * (high - low)

    @staticmethod
    def totals(array: Any) -> Any:
        wide = tf.cast(array, tf.float64)
        return tf.reduce_sum(tf.reshape(wide, [tf.shape(wide)[0], -1]), axis=1)

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
