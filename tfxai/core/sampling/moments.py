"""Sums of powers of samples, from which their mean, their spread and its own spread follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfxai.core.sampling import passes
from tfxai.core.sampling.copies import over_active, padded_copies, weighted


class Moments(NamedTuple):
    """Sums over samples d = value - shift, where the shift is the first sample of all.

    A shift that lies among the samples keeps the digits of a spread that is small beside the mean.

    Args:
        shift: (B, ...).
        first: (R, B, ...) sums of d, of each of R strata by itself: sample k is of stratum k % R.
        powers: (B, ...) each, sums of d^2, d^3, ... over all samples.
    """

    shift: tf.Tensor
    first: tf.Tensor
    powers: tuple[tf.Tensor, ...]

    def mean(self, count: tf.Tensor) -> tf.Tensor:
        """The mean of `count` samples, (B, ...)."""
        number = _wide(count, self.shift)
        return self.shift + tf.reduce_sum(self.first, axis=0) / number

    def standard_error(self, count: tf.Tensor) -> tf.Tensor:
        """The standard error of the mean of `count` samples, (B, ...), within strata if several.

        Args:
            count: (B,) numbers of samples, at least two for each stratum.
        """
        strata, number = self.first.shape[0], _wide(count, self.shift)
        within = self.powers[0]
        for r in range(strata):
            own = _wide((count - r + strata - 1) // strata, self.shift)
            within -= self.first[r] ** 2 / own
        return tf.sqrt(tf.maximum(within, 0) / (number - strata) / number)

    def raw(self, count: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """The means of d, d^2, d^3, ..., (B, ...) each."""
        number = _wide(count, self.shift)
        return tuple(one / number for one in (tf.reduce_sum(self.first, axis=0), *self.powers))


def start(shift: tf.Tensor, strata: int, order: int) -> Moments:
    """Of no sample but the shift itself."""
    first = tf.zeros(tf.concat([[strata], tf.shape(shift)], axis=0), shift.dtype)
    first = tf.ensure_shape(first, [strata, *shift.shape])
    return Moments(shift, first, (tf.zeros_like(shift),) * (order - 1))


def sum_and_moments(
    step: Callable[[tf.Tensor], tf.Tensor],
    weights: tf.Tensor,
    copies: tf.Tensor,
    like: tf.Tensor,
    strata: int,
) -> tuple[tf.Tensor, Moments]:
    """What `weighted_sum` gives, and the moments of the same values, in one loop.

    Args:
        step: As for `weighted_sum`.
        weights: (count,) weight of each copy.
        copies: K, the same in every round.
        like: Tensor shaped like one copy's values, (B, ...).
        strata: R, copy k being of stratum k % R.
    """
    rounds, index, share, is_real = padded_copies(weights, copies)

    def body(i: tf.Tensor, total: tf.Tensor, known: Moments) -> tuple[Any, ...]:
        values = step(index[i])
        each = tf.reshape(values, tf.concat([tf.shape(share)[1:], tf.shape(like)], axis=0))
        shift = tf.where(i == 0, each[0], known.shift)
        real = tf.reshape(is_real[i], tf.concat([[-1], tf.ones(like.shape.rank, tf.int32)], 0))
        off = tf.where(real, each - shift, 0)
        first = known.first + tf.math.unsorted_segment_sum(off, index[i] % strata, strata)
        first = tf.ensure_shape(first, known.first.shape)
        powers = tuple(
            one + tf.reduce_sum(off**n, axis=0) for n, one in enumerate(known.powers, 2)
        )
        shift = tf.ensure_shape(shift, known.shift.shape)
        total = weighted(total, values, share[i])
        return i + 1, *said((total, Moments(shift, first, powers)))

    with passes.loop(rounds) as said:
        _, total, found = tf.while_loop(
            lambda i, *_: i < rounds,
            body,
            (tf.constant(0), tf.zeros_like(like), start(tf.zeros_like(like), strata, 2)),
            maximum_iterations=rounds,
            parallel_iterations=1,
        )
    return total, found


def moments_of_active(
    step: Callable[[tf.Tensor, tf.Tensor], tf.Tensor],
    active: tf.Tensor,
    window: tuple[tf.Tensor, tf.Tensor],
    known: Moments,
    most: int,
    *,
    is_static: bool,
) -> Moments:
    """The moments with more samples of each active example; those of the others as they are.

    Args:
        step: As for `sum_of_active`.
        active: (B,) bool.
        window: Number of the first sample that is new, and how many are.
        known: The moments so far.
        most: Most rows at once.
        is_static: As for `sum_of_active`.
    """
    start_at, count = window
    strata, batch = known.first.shape[0], tf.shape(known.shift)[0]
    flat = tf.reshape(known.first, tf.concat([[strata * batch], tf.shape(known.shift)[1:]], 0))

    def add(sums: Any, values: tf.Tensor, example: tf.Tensor, k: tf.Tensor, real: Any) -> Any:
        so_far, powers = sums
        off = tf.where(real, values - tf.gather(known.shift, example), 0)
        place = (k % strata) * batch + example
        more = tf.math.unsorted_segment_sum(off, place, strata * batch)
        powers = tuple(
            tf.ensure_shape(one + tf.math.unsorted_segment_sum(off**n, example, batch), one.shape)
            for n, one in enumerate(powers, 2)
        )
        return tf.ensure_shape(so_far + more, so_far.shape), powers

    flat, powers = over_active(
        step, active, (start_at, count), (flat, known.powers), add, most, is_static=is_static
    )
    first = tf.ensure_shape(tf.reshape(flat, tf.shape(known.first)), known.first.shape)
    return Moments(known.shift, first, powers)


def _wide(count: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """(B,) or a scalar as numbers that divide (B, ...)."""
    number = tf.cast(count, like.dtype)
    if number.shape.rank == 0:
        return number
    return tf.reshape(number, tf.concat([[-1], tf.ones(like.shape.rank - 1, tf.int32)], 0))
