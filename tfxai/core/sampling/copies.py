"""Sums over many copies of a batch, chunk by chunk, in one loop in the graph.

The memory of a sum is that of one chunk, however many copies there are: a
`tf.while_loop` with one iteration in flight and a running total.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfxai.core.sampling import passes

MOST = 50
"""Rows at once beyond which little speed is gained; the default steps fit into one chunk."""
SPARE = 1.4
"""What the allocator takes over what is alive; up to 1.33 was measured."""
_MOST_LARGE = 25  # rows beyond which large rows gain less than 2 % of speed
_LARGE = 2**29  # bytes of a chunk that is one of large rows


def repeat_batch(tensor: tf.Tensor, copies: int | tf.Tensor) -> tf.Tensor:
    """`copies` of a batch one after the other: (K B, ...) of (B, ...)."""
    return tf.tile(tensor, [copies, *[1] * (tensor.shape.rank - 1)])


def copies_per_chunk(count: int, batch: int | tf.Tensor, chunk: int) -> tf.Tensor:
    """How many copies of a batch to run at once, all chunks as even as they can be.

    Args:
        count: Number of copies in all.
        batch: Examples in the batch.
        chunk: Most rows (copies times examples) at once; one copy always runs.
    """
    most = tf.clip_by_value(chunk // batch, 1, count)
    rounds = -(-count // most)
    return -(-count // rounds)


def padded_copies(
    weights: tf.Tensor, copies: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
    """Rounds of `copies` values of k, the last one filled up.

    Returns:
        The number of rounds; (rounds, K) numbers of copies, their weights, 0 for those that fill
        up, and whether they are real.
    """
    count = weights.shape[0]
    rounds = -(-count // copies)
    number = tf.range(rounds * copies)
    index = tf.reshape(tf.minimum(number, count - 1), (rounds, copies))
    share = tf.where(number < count, tf.gather(weights, tf.minimum(number, count - 1)), 0)
    share = tf.reshape(share, (rounds, copies))
    return rounds, index, share, tf.reshape(number < count, (rounds, copies))


def weighted(so_far: tf.Tensor, values: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
    """A sum, (B, ...), with the values of more copies, (K B, ...), by their weights, (K,)."""
    shape = tf.concat([tf.shape(share), tf.shape(so_far)], axis=0)
    values = tf.reshape(values, shape)  # (K, B, ...)
    return so_far + tf.tensordot(tf.cast(share, values.dtype), values, axes=1)


def weighted_sum(
    step: Callable[[tf.Tensor], Any], weights: tf.Tensor, copies: tf.Tensor, like: Any
) -> Any:
    """sum_k weights[k] step(k), `copies` values of k at a time.

    Args:
        step: From copy numbers (K,) to values of the copies, (K B, ...), copies outermost.
        weights: (count,) weight of each copy.
        copies: K, the same in every round; the last round is filled up with copies of weight 0.
        like: Structure of tensors shaped like one copy's values, (B, ...).

    Returns:
        Structure of tensors shaped like `like`.
    """
    rounds, index, share, _ = padded_copies(weights, copies)

    def body(i: tf.Tensor, total: Any) -> tuple[tf.Tensor, Any]:
        def add(so_far: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
            return weighted(so_far, values, share[i])

        return i + 1, said(tf.nest.map_structure(add, total, step(index[i])))

    start = (tf.constant(0), tf.nest.map_structure(tf.zeros_like, like))
    with passes.loop(rounds) as said:
        _, total = tf.while_loop(
            lambda i, _: i < rounds,
            body,
            start,
            maximum_iterations=rounds,
            parallel_iterations=1,
        )
    return total


def sum_of_active(
    step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    active: tf.Tensor,
    count: tf.Tensor,
    like: tf.Tensor,
    most: int,
    *,
    is_static: bool,
) -> tf.Tensor:
    """sum_k step(example, k) over k < count for each active example; zero for the others.

    The pairs of an active example and a copy are numbered through and run a chunk at a time.

    Args:
        step: From the examples (R,) and copy numbers (R,) of rows to their values, (R, ...).
        active: (B,) bool.
        count: Copies of each active example, scalar.
        like: Tensor shaped like the result, (B, ...).
        most: Most rows at once.
        is_static: Whether every round has `most` rows, wanted or not, as XLA needs it.
    """

    def add(
        sums: tf.Tensor, values: tf.Tensor, example: tf.Tensor, _: tf.Tensor, real: tf.Tensor
    ) -> tf.Tensor:
        values = tf.where(real, values, 0)
        return sums + tf.math.unsorted_segment_sum(values, example, tf.shape(like)[0])

    window = (tf.constant(0), count)
    sums = over_active(step, active, window, tf.zeros_like(like), add, most, is_static=is_static)
    return tf.ensure_shape(sums, like.shape)


def over_active(
    step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    active: tf.Tensor,
    window: tuple[tf.Tensor, tf.Tensor],
    start: Any,
    add: Callable[..., Any],
    most: int,
    *,
    is_static: bool,
) -> Any:
    """Adds up the values of some copies of each active example, a chunk of the pairs at a time.

    Args:
        step: From the examples (R,) and copy numbers (R,) of rows to their values, (R, ...).
        active: (B,) bool.
        window: Number of the first copy, and how many of each example.
        start: The sums at first.
        add: From sums, values, examples, copy numbers, and whether each row is wanted, (R, 1,
            ...), to the sums with them.
        most: Most rows at once.
        is_static: Whether every round has `most` rows, wanted or not, as XLA needs it.
    """
    first, count = window
    order = tf.argsort(tf.cast(active, tf.int32), direction="DESCENDING")
    total = tf.reduce_sum(tf.cast(active, tf.int32)) * count
    rows = tf.constant(most) if is_static else tf.maximum(tf.minimum(most, total), 1)
    rounds = -(-total // rows)

    def body(i: tf.Tensor, sums: Any) -> tuple[tf.Tensor, Any]:
        number = i * rows + tf.range(most if is_static else rows)
        is_real = number < total
        number = tf.minimum(number, tf.maximum(total - 1, 0))
        example = tf.gather(order, number // count)
        k = first + number % count
        values = step(example, k)
        shape = tf.concat([tf.shape(is_real), tf.ones(values.shape.rank - 1, tf.int32)], axis=0)
        return i + 1, said(add(sums, values, example, k, tf.reshape(is_real, shape)))

    with passes.loop(rounds) as said:
        _, sums = tf.while_loop(
            lambda i, _: i < rounds, body, (tf.constant(0), start), parallel_iterations=1
        )
    return sums


def chunk_rows(bytes_per_row: int, budget: int) -> int:
    """Rows per chunk that fit the budget, and no more than gain speed.

    Args:
        bytes_per_row: What a pass of one row takes.
        budget: Bytes that may be used.
    """
    most = MOST if MOST * bytes_per_row <= _LARGE else _MOST_LARGE
    return max(1, min(most, math.floor(budget / (SPARE * bytes_per_row))))
