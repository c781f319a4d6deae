"""An integral over [0, 1] that is refined until it is good enough, each example on its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfxai.core.sampling import passes
from tfxai.core.score import Score

FIRST = 8
"""Intervals before the first judgement: fewer may look good by chance."""


def refined_mean(
    f: Score,
    x: tf.Tensor,
    value: Callable[[Score, tf.Tensor, tf.Tensor], tf.Tensor],
    ends: tuple[tf.Tensor, tf.Tensor],
    is_open: Callable[[tf.Tensor], tf.Tensor],
    max_steps: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean of `value` over [0, 1] by the trapezoid rule, its intervals halved again and again.

    The nodes of the trapezoid rule are nested: T(2n) = T(n) / 2 + sum of the n midpoints / 2n, so
    no evaluation is wasted, and examples that are done cost nothing more.

    Args:
        f: The score.
        x: The batch, (B, ...).
        value: From f, rows of x and their places t in (0, 1), (R, 1, ...), to values (R, ...).
        ends: The values at t = 0 and t = 1, (B, ...) each.
        is_open: From the means so far to (B,) bool: whether an example needs more.
        max_steps: Most evaluations of an example, both ends included.

    Returns:
        The means (B, ...), and the number of evaluations of each example, (B,) int32.
    """
    trailing = [1] * (x.shape.rank - 1)

    def halved(
        n: tf.Tensor, mean: tf.Tensor, active: tf.Tensor, steps: tf.Tensor
    ) -> tuple[tf.Tensor, ...]:
        width = 1 / tf.cast(n, x.dtype)

        def middle(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            t = (tf.cast(k, x.dtype) + 0.5) * width
            return value(f, x, tf.reshape(t, [-1, *trailing]))

        finer = (mean + f.sum_where(middle, active, n, x) * width) / 2
        mean = tf.where(tf.reshape(active, [-1, *trailing]), finer, mean)
        steps = tf.where(active, 2 * n + 1, steps)
        return 2 * n, mean, active & ((2 * n < FIRST) | is_open(mean)), steps

    def goes_on(n: tf.Tensor, _: Any, active: tf.Tensor, __: Any) -> tf.Tensor:
        return tf.reduce_any(active) & (2 * n + 1 <= max_steps)

    every = tf.ones_like(f(x), tf.bool)
    start = (tf.constant(1), (ends[0] + ends[1]) / 2, every, tf.cast(every, tf.int32) * 2)
    with passes.unforeseen():
        _, mean, _, steps = tf.while_loop(goes_on, halved, start, parallel_iterations=1)
    return mean, steps
