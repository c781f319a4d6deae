"""Times of pieces of work beside each other, from interleaved runs in one process."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable

import tensorflow as tf


def bare_pass(model: object, target: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """One compiled forward and backward pass to the input, with nothing around it."""

    @tf.function(autograph=False)
    def gradient(x: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            score = model(x, training=False)[:, target]
        return tape.gradient(score, x)

    return gradient


def interleaved(work: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each piece of work, in rounds of every one, in another order each round.

    A slow spell of the machine so slows all alike, and none always runs after the same one.
    """
    for run in work.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in work}
    orders = random.Random(0)
    for _ in range(rounds):
        for name in orders.sample(list(work), len(work)):
            start = time.perf_counter()
            work[name]()
            times[name].append(time.perf_counter() - start)
    return times


def ratio(a: list[float], b: list[float]) -> tuple[float, float, float]:
    """Median, smallest and largest of the ratios of each round."""
    ratios = [x / y for x, y in zip(a, b, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)


def milliseconds(seconds: list[float]) -> str:
    """The median."""
    return f"{statistics.median(seconds) * 1e3:.1f}"
