"""Random numbers of the copies of a batch: the same ones wherever they are drawn.

A number is a hash of the seed, the copy and its own position. All examples of a batch share
the numbers of a copy, so that neither chunks, nor batch mates, nor a second machine change a
value. TensorFlow's own stateless generators give other numbers under XLA than without it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.sampling.hashing import UNIFORM, random_bits, unit


def normal(
    seed: int, k: tf.Tensor, copies: int | tf.Tensor, shape: Sequence[int], dtype: Any
) -> tf.Tensor:
    """Standard normal numbers, (K B, *shape), at most 5.8 in size (Box and Muller, 1958).

    Args:
        seed: Seed of all draws.
        k: The copy that each row belongs to, (K B,), copies outermost.
        copies: K.
        shape: Shape of the numbers of one row.
        dtype: Type of the numbers.
    """
    a, b, c, d = _bits(seed, k, copies, -(-math.prod(shape) // 4), stream=0)
    pairs = []
    for first, second in ((a, b), (c, d)):
        radius = tf.sqrt(-2 * tf.math.log(unit(first, dtype, GRAPH) + 2.0**-24))  # of (0, 1]
        angle = 2 * math.pi * unit(second, dtype, GRAPH)
        pairs += [radius * tf.cos(angle), radius * tf.sin(angle)]
    return _rows(tf.concat(pairs, axis=1), k, shape)


def uniform(
    seed: int | tf.Tensor, k: tf.Tensor, copies: int | tf.Tensor, shape: Sequence[int], dtype: Any
) -> tf.Tensor:
    """Numbers in [0, 1), multiples of 2^-24, (K B, *shape), as `normal` draws its own.

    The seed may be a tensor of uint32, too.
    """
    bits = _bits(seed, k, copies, -(-math.prod(shape) // 4), stream=UNIFORM)
    return _rows(tf.concat([unit(part, dtype, GRAPH) for part in bits], axis=1), k, shape)


def _bits(
    seed: int | tf.Tensor, k: tf.Tensor, copies: int | tf.Tensor, count: int, stream: int
) -> list[tf.Tensor]:
    """Four tensors of random bits, (K, count) uint32 each."""
    each = tf.cast(tf.reshape(k, (copies, -1))[:, :1], tf.uint32)  # (K, 1)
    place = tf.cast(tf.range(count), tf.uint32)[None]  # (1, count)
    return random_bits(seed, each, place, stream, GRAPH)


def _rows(draws: tf.Tensor, k: tf.Tensor, shape: Sequence[int]) -> tf.Tensor:
    """(K, at least the size of a row) as (K B, *shape)."""
    draws = tf.reshape(draws[:, : math.prod(shape)], (-1, *shape))
    return tf.repeat(draws, tf.shape(k)[0] // tf.shape(draws)[0], axis=0)
