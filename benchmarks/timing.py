"""Times of pieces of work beside each other, from interleaved runs in one process."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import tensorflow as tf

from tfxai.crosscheck.timing import interleaved

__all__ = ["bare_pass", "interleaved", "milliseconds", "ratio"]


def bare_pass(model: object, target: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """One compiled forward and backward pass to the input, with nothing around it."""

    @tf.function(autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = model(x, training=False)[:, target]
        return tape.gradient(score, x)

    return gradient


def ratio(a: list[float], b: list[float]) -> tuple[float, float, float]:
    """Median, smallest and largest of the ratios of each round."""
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def milliseconds(seconds: list[float]) -> str:
    """The median."""
    return f"{statistics.median(seconds) * 1e3:.1f}"
