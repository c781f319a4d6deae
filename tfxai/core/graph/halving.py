"""Features of an image in an order in which each half, and each half of a half, lies together."""

from __future__ import annotations

import itertools

import numpy as np
import tensorflow as tf


def halved_places(centres: tf.Tensor) -> tf.Tensor:
    """The place of each feature in an order of halves across the longer side.

    The first half of the features, of an odd number one more than half, lies on one side of a
    line across the direction in which they reach farthest; each half is halved likewise.

    Args:
        centres: (B, M, d) where the features lie.

    Returns:
        (B, M) int32, from 0 to M - 1.
    """
    count = int(centres.shape[1])
    order = tf.argsort(tf.zeros_like(centres[:, :, 0]), axis=1, stable=True)
    for block in _blocks(count):
        lying = tf.gather(centres, order, batch_dims=1)  # (B, M, d) in order
        by_feature = tf.transpose(lying, [1, 0, 2])
        reach = tf.math.unsorted_segment_max(by_feature, block, int(block[-1]) + 1)
        reach -= tf.math.unsorted_segment_min(by_feature, block, int(block[-1]) + 1)
        axis = tf.gather(tf.argmax(reach, axis=2, output_type=tf.int32), block)  # (M, B)
        along = tf.gather(lying, tf.transpose(axis)[:, :, None], batch_dims=2)[:, :, 0]
        sort = tf.argsort(along, axis=1, stable=True)
        sort = tf.gather(
            sort, tf.argsort(tf.gather(block, sort), axis=1, stable=True), batch_dims=1
        )
        order = tf.gather(order, sort, batch_dims=1)
    return tf.argsort(order, axis=1)


def _blocks(count: int) -> list[np.ndarray]:
    """The number of the block of each place, from one block to those of two or fewer."""
    ends, found = [0, count], []
    while max(np.diff(ends)) > 1:
        found.append(np.repeat(np.arange(len(ends) - 1, dtype=np.int32), np.diff(ends)))
        middles = [a + (b - a + 1) // 2 for a, b in itertools.pairwise(ends)]
        ends = sorted({*ends, *middles})
    return found


def centres_of(numbers: tf.Tensor, count: int) -> tf.Tensor:
    """(B, M, d) the mean position of each feature, on d axes.

    Args:
        numbers: (B, *positions) int32 the feature at each position, all of M there.
        count: M.
    """
    batch, sides = tf.shape(numbers)[0], numbers.shape[1:]
    place = tf.reshape(numbers, [batch, -1]) + count * tf.range(batch)[:, None]
    grid = np.stack(np.meshgrid(*map(np.arange, sides), indexing="ij"), axis=-1)
    where = grid.reshape(1, -1, len(sides)).astype(np.float64)
    ones = tf.ones_like(place, tf.float64)[:, :, None]
    flat = tf.reshape(ones * where, [-1, len(sides)])
    mean = tf.math.unsorted_segment_mean(flat, tf.reshape(place, [-1]), batch * count)
    return tf.reshape(mean, [batch, count, len(sides)])
