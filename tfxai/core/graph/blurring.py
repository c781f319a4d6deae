"""Gaussian blur in the graph."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfxai.arithmetic import along
from tfxai.core.graph.arithmetic import GRAPH

TRUNCATE = 4.0
"""Standard deviations at which the kernel ends, as in `scipy.ndimage.gaussian_filter`."""
_SHARPEST = 1e-3  # elements: a kernel this narrow leaves everything as it is


def blurred(
    x: tf.Tensor, sigma: tf.Tensor, axes: Sequence[int], largest: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """X smoothed by a Gaussian along some of its axes, and its derivative by the Gaussian's width.

    What lies outside is as the nearest element inside. All kernels end where the widest one does,
    so that the blur is a smooth function of its width.

    Args:
        x: The rows, (R, ...).
        sigma: (R,) standard deviation in elements, at least 0.
        axes: The axes that are smoothed.
        largest: The largest sigma, known when the graph is traced.

    Returns:
        Both shaped like x.
    """
    sigma = tf.maximum(tf.cast(sigma, x.dtype), _SHARPEST)
    derivative = tf.zeros_like(x)
    for axis in axes:
        weights, slope = _matrices(int(x.shape[axis]), sigma, largest, x.dtype)
        derivative = _along(derivative, weights, axis) + _along(x, slope, axis)
        x = _along(x, weights, axis)
    return x, derivative


def _matrices(
    side: int, sigma: tf.Tensor, largest: float, dtype: tf.DType
) -> tuple[tf.Tensor, tf.Tensor]:
    """(R, side, side): what each element counts at each other one, and the derivative of that."""
    reach = int(TRUNCATE * largest + 0.5)
    offsets = np.arange(-reach, reach + 1)
    square = tf.constant(np.square(offsets), dtype)
    sigma = sigma[:, None]
    exponent = -square / (2 * tf.square(sigma))
    kernel = tf.nn.softmax(exponent)  # (R, 2 reach + 1), the sum is 1
    # d log k_d / d sigma = d^2 / sigma^3 - its mean under k
    growth = -2 * exponent / sigma
    growth = tf.where(kernel > 0, growth, 0)
    slope = kernel * (growth - tf.reduce_sum(kernel * growth, axis=1, keepdims=True))
    # Element j counts at i once for each offset that leads from i to j, or to outside beside j.
    source = np.clip(np.arange(side)[:, None] + offsets, 0, side - 1)  # (side, 2 reach + 1)
    places = tf.constant(source + side * np.arange(side)[:, None], tf.int32)

    def matrix(numbers: tf.Tensor) -> tf.Tensor:
        flat = tf.tile(numbers[:, None, :], [1, side, 1])
        flat = tf.reshape(flat, [-1, side * len(offsets)])
        sums = tf.math.unsorted_segment_sum(
            tf.transpose(flat), tf.reshape(places, [-1]), side * side
        )
        return tf.reshape(tf.transpose(sums), [-1, side, side])

    return matrix(kernel), matrix(slope)


def _along(x: tf.Tensor, matrices: tf.Tensor, axis: int) -> tf.Tensor:
    """Each row's matrix applied along an axis."""
    order = [0, axis, *[i for i in range(1, x.shape.rank) if i != axis]]
    moved = tf.transpose(x, order)
    shape = tf.shape(moved)
    flat = tf.reshape(moved, [shape[0], x.shape[axis], math.prod(x.shape[1:]) // x.shape[axis]])
    result = tf.reshape(tf.matmul(matrices, flat), shape)
    return tf.transpose(result, np.argsort(order).tolist())


def smoothed(x: tf.Tensor, sigma: float | None) -> tf.Tensor:
    """As `tfxai.baselines.Blur` makes it, in float64, of inputs whose sides need not be known.

    Args:
        x: (B, ..., C).
        sigma: Standard deviation in elements; None is a tenth of the longest side.
    """
    axes = range(1, x.shape.rank - 1)
    sides = tf.shape(x)
    values = tf.cast(x, tf.float64)
    longest = tf.reduce_max(tf.stack([sides[axis] for axis in axes]))
    width = tf.constant(sigma, tf.float64) if sigma else tf.cast(longest, tf.float64) / 10
    reach = tf.cast(TRUNCATE * width + 0.5, tf.int32)
    offsets = tf.range(-reach, reach + 1)
    kernel = tf.exp(-0.5 * tf.square(tf.cast(offsets, tf.float64) / width))
    kernel /= tf.reduce_sum(kernel)
    for axis in axes:
        side = sides[axis]
        places = tf.clip_by_value(tf.range(-reach, side + reach), 0, side - 1)
        padded = tf.gather(values, places, axis=axis)
        values = along(padded, axis, functools.partial(_convolved, kernel=kernel), GRAPH)
    return values


def _convolved(rows: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Rows (..., n) convolved where the kernel, (m,), lies within them: (..., n - m + 1)."""
    flat = tf.reshape(rows, [-1, tf.shape(rows)[-1], 1])
    mixed = tf.nn.conv1d(flat, kernel[:, None, None], stride=1, padding="VALID")
    return tf.reshape(mixed, tf.concat([tf.shape(rows)[:-1], tf.shape(mixed)[1:2]], axis=0))
