"""Owen values by halving groups, those first whose halving may change most."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfxai.core.sampling import passes

AT_ONCE = 8
"""Groups that are halved in one step: as many as are worth a batch of their own."""


_NEVER = -(2**20)
_LEAST = 1e-6  # of the score: rounding of float32


class Owen(NamedTuple):
    """What halving groups gave.

    Args:
        values: (B, M) float64, the values of the features.
        shared: (B, M) float64 in [0, 1]: the share of the orders in which a feature got an even
            share of what a group that was not halved adds.
        samples: (B,) int32, coalitions that were run, the empty and the full one among them.
    """

    values: tf.Tensor
    shared: tf.Tensor
    samples: tf.Tensor


class _Games(NamedTuple):
    """Groups of features that join a context, (B, Q) each; the last column takes what is no game.

    Args:
        node: Number of the group.
        context: (B, Q, M) bool, the features that are there already.
        low: The score of the context.
        high: The score once the group has joined.
        weight: The share of the orders in which it joins so.
        is_open: Whether it is there and was not halved.
    """

    node: tf.Tensor
    context: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor
    weight: tf.Tensor
    is_open: tf.Tensor


def owen_by_halving(
    scores: Callable[[tf.Tensor], tf.Tensor],
    table: tf.Tensor,
    count: int,
    ends: tuple[tf.Tensor, tf.Tensor],
    samples: int,
) -> Owen:
    """Owen values of trees with two parts at each node, of as many coalitions as allowed.

    A game is a group that joins a context, and adds to the score by that. Halved, it becomes four
    games of half the weight: either half joins first. The games whose difference times weight is
    largest are halved first, of those that are about alike the earliest; what is left when the
    samples are used up is shared evenly.

    Args:
        scores: From coalitions (B, K, M) bool, K fixed, to their scores, (B, K) float64.
        table: (B, N, 4) as `node_table` makes it.
        count: M, features in the order of their places in the tree.
        ends: The scores of the empty and of the full coalition, (B,) float64 each.
        samples: Most coalitions of an example, these two among them.
    """
    parts, is_leaf = table[:, :, :2], table[:, :, 0] < 0
    batch, most = tf.shape(table)[0], 1 + 4 * max((samples - 2) // 2, 0)
    place = tf.range(count)

    def inside(node: tf.Tensor) -> tf.Tensor:
        """(B, ..., M) bool, the features of groups."""
        reach = tf.gather(table[:, :, 2:], node, batch_dims=1)
        return (reach[..., :1] <= place) & (place < reach[..., 1:])

    def worth(games: _Games, used: tf.Tensor) -> tf.Tensor:
        """(B, Q) int32 what halving a game may change; `_NEVER` where it cannot be halved."""
        leaf = tf.gather(is_leaf, games.node, batch_dims=1)
        can_be = games.is_open & ~leaf & (used[:, None] + 2 <= samples)
        change = tf.abs(games.high - games.low) * games.weight
        scale = tf.maximum(tf.abs(ends[0]), tf.abs(ends[1]))[:, None]
        return tf.where(can_be, _level(tf.math.divide_no_nan(change, scale)), _NEVER)

    def goes_on(games: _Games, _: tf.Tensor, used: tf.Tensor) -> tf.Tensor:
        return tf.reduce_any(worth(games, used) > _NEVER)

    def halve(games: _Games, filled: tf.Tensor, used: tf.Tensor) -> tuple[Any, ...]:
        best, chosen = tf.math.top_k(worth(games, used), k=min(AT_ONCE, most))  # (B, P)
        number = tf.range(tf.shape(best)[1])[None]
        is_real = (best > _NEVER) & (used[:, None] + 2 * (number + 1) <= samples)
        old = _Games(*(tf.gather(one, chosen, batch_dims=1) for one in games))
        halves = tf.gather(parts, old.node, batch_dims=1)  # (B, P, 2)
        halves = tf.where(is_real[:, :, None], halves, 0)
        larger = old.context[:, :, None] | inside(halves)  # (B, P, 2, M)
        found = scores(tf.reshape(larger, [batch, 2 * best.shape[1], count]))
        found = tf.reshape(found, [batch, -1, 2])
        fresh = _halves(old, halves, larger, found, is_real)
        column = (filled[:, None] + 4 * number)[:, :, None] + tf.range(4)
        column = tf.reshape(tf.where(is_real[:, :, None], column, most), [batch, -1])
        closed = tf.where(is_real, chosen, most)
        games = games._replace(is_open=_put(games.is_open, closed, tf.zeros_like(is_real)))
        games = _Games(*(_put(one, column, new) for one, new in zip(games, fresh, strict=True)))
        halved = tf.reduce_sum(tf.cast(is_real, tf.int32), axis=1)
        return games, filled + 4 * halved, used + 2 * halved

    games = _start(ends, batch, most, count)
    one = tf.ones([batch], tf.int32)
    with passes.unforeseen():
        games, _, used = tf.while_loop(
            goes_on, halve, (games, one, 2 * one), parallel_iterations=1
        )
    return _told(games, table, count, used)


def _level(change: tf.Tensor) -> tf.Tensor:
    """Changes in steps of 4 %: rounding must not decide which of two equal ones comes first."""
    log2 = tf.math.log(tf.maximum(change, _LEAST)) / np.log(2)
    return tf.cast(tf.floor(16 * log2 + 0.5), tf.int32)


def _start(ends: tuple[tf.Tensor, tf.Tensor], batch: tf.Tensor, most: int, count: int) -> _Games:
    """The one game of all features, with room for those that it becomes."""
    first = tf.one_hot(tf.zeros([batch], tf.int32), most + 1, dtype=tf.float64)
    return _Games(
        node=tf.zeros([batch, most + 1], tf.int32),
        context=tf.zeros([batch, most + 1, count], tf.bool),
        low=first * ends[0][:, None],
        high=first * ends[1][:, None],
        weight=first,
        is_open=first > 0,
    )


def _halves(
    old: _Games, halves: tf.Tensor, larger: tf.Tensor, scores: tf.Tensor, is_real: tf.Tensor
) -> _Games:
    """The four games that each of P becomes, (B, 4 P): each half first, each half second."""
    other = [1, 0]
    batch, count = tf.shape(old.context)[0], old.context.shape[2]
    low, high = (tf.repeat(one[:, :, None], 2, axis=2) for one in (old.low, old.high))
    context = tf.repeat(old.context[:, :, None], 2, axis=2)
    made = _Games(
        node=tf.concat([halves, halves], axis=2),
        context=tf.concat([context, tf.gather(larger, other, axis=2)], axis=2),
        low=tf.concat([low, tf.gather(scores, other, axis=2)], axis=2),
        high=tf.concat([scores, high], axis=2),
        weight=tf.repeat(old.weight[:, :, None] / 2, 4, axis=2),
        is_open=tf.repeat(is_real[:, :, None], 4, axis=2),
    )
    flat = {
        name: tf.reshape(one, [batch, 4 * halves.shape[1]])
        for name, one in made._asdict().items()
        if name != "context"
    }
    return made._replace(
        context=tf.reshape(made.context, [batch, 4 * halves.shape[1], count]), **flat
    )


def _put(array: tf.Tensor, column: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """The array, (B, Q, ...), with values (B, P, ...) in columns (B, P); the last one is spare."""
    batch, several = tf.shape(column)[0], tf.shape(column)[1]
    row = tf.repeat(tf.range(batch)[:, None], several, axis=1)
    put = tf.tensor_scatter_nd_update(array, tf.stack([row, column], axis=2), values)
    return tf.ensure_shape(put, array.shape)


def _told(games: _Games, table: tf.Tensor, count: int, used: tf.Tensor) -> Owen:
    """The values, in even shares for the features of each game that is left."""
    games = _Games(*(one[:, :-1] for one in games))
    first, behind = (tf.gather(table[:, :, i], games.node, batch_dims=1) for i in (2, 3))
    size = tf.cast(tf.maximum(behind - first, 1), tf.float64)
    weight = tf.where(games.is_open, games.weight, 0.0)
    share = weight * (games.high - games.low) / size
    several = tf.where(size > 1, weight, 0.0)
    values, shared = (_over(one, first, behind, count) for one in (share, several))
    return Owen(values, shared, used)


def _over(numbers: tf.Tensor, first: tf.Tensor, behind: tf.Tensor, count: int) -> tf.Tensor:
    """(B, M): at each place the sum of the numbers, (B, Q), that reach over it."""
    batch = tf.shape(numbers)[0]
    row = (count + 1) * tf.range(batch)[:, None]
    steps = tf.concat([numbers, -numbers], axis=1)
    place = tf.concat([row + first, row + behind], axis=1)
    total = tf.math.unsorted_segment_sum(
        tf.reshape(steps, [-1]), tf.reshape(place, [-1]), batch * (count + 1)
    )
    return tf.cumsum(tf.reshape(total, [batch, count + 1]), axis=1)[:, :-1]
