"""Times of several pieces of work that may be compared with one another."""

from __future__ import annotations

import random
import time
from collections.abc import Callable


def interleaved(
    work: dict[str, Callable[[], object]], rounds: int, *, is_warm: bool = False
) -> dict[str, list[float]]:
    """Seconds of each piece of work, in rounds of every one, in another order each round.

    A slow spell of the machine so slows all alike, and none always runs after the same one.

    Args:
        work: What is run, by name; each is run once before any time is taken.
        rounds: How often each is timed.
        is_warm: Whether that first run was done already.

    Returns:
        `rounds` times for each name.

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
