"""Comparable times of several pieces of work."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


def interleaved(
    work: dict[str, Callable[[], object]], rounds: int, *, is_warm: bool = False
) -> dict[str, list[float]]:
    """Times each piece of work, in rounds that run all of them in a new order.

    A slow spell of the machine thus slows all alike, and none always follows the same one.

    Args:
        work: Functions to run, by name; each is run once before anything is timed.
        rounds: How often each is timed.
        is_warm: Whether that first run was done already.

    Returns:
        `rounds` times in seconds for each name.

    Example:
        >>> times = interleaved({"nothing": lambda: None}, 3)
        >>> len(times["nothing"])
        3
    """
    for run in work.values():
        if not is_warm:
            run()
    times: dict[str, list[float]] = {name: [] for name in work}
    orders = random.Random(0)
    for _ in range(rounds):
        for name in orders.sample(list(work), len(work)):
            start = time.perf_counter()
            work[name]()
            times[name].append(time.perf_counter() - start)
    return times
