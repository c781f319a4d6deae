"""Counting the passes of a running program, for a progress display.

A program that is traced with `reported()` calls back after each round of its outermost loops; any
other program has no such operation. The calls go to the one `counted` block that is open.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

Tell = Callable[[int, "int | None"], None]
"""Called with (passes done, passes in all), None where nobody can say how many they are."""


@dataclasses.dataclass
class _Trace:
    """The loops of the program that this thread traces."""

    loops: int = 0
    depth: int = 0
    is_open: bool = False


class _Threads(threading.local):
    trace: _Trace | None = None


class Passes:
    """The passes of one call.

    Args:
        tell: What is told of each.
        slices: How many times the program runs.
    """

    def __init__(self, tell: Tell, slices: int) -> None:
        self._tell = tell
        self._slices = slices
        self._done = 0
        self._before = 0  # this slice

    def next_slice(self) -> None:
        """The program has run once more."""
        self._slices -= 1
        self._before = self._done

    def reached(self, number: int, rounds: int, loops_left: int | None) -> None:
        """A pass is over.

        Args:
            number: Which one of its loop, from 1.
            rounds: Passes of that loop.
            loops_left: Loops of the program from this one on; None where nobody can say how many
                passes they have.
        """
        self._done += 1
        total = None
        if loops_left is not None:
            in_slice = self._done - number - self._before + rounds * loops_left
            total = max(self._before + in_slice * self._slices, self._done)
        self._tell(self._done, total)


_threads = _Threads()
_lock = threading.Lock()
_current: Passes | None = None


@contextlib.contextmanager
def counted(tell: Tell, slices: int) -> Iterator[Passes | None]:
    """Counts the passes of programs that run in the block; None where another block counts."""
    global _current
    if not _lock.acquire(blocking=False):
        yield None
        return
    try:
        _current = Passes(tell, slices)
        yield _current
    finally:
        _current = None
        _lock.release()


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """The program that is traced in the block reports its passes."""
    before, _threads.trace = _threads.trace, _Trace()
    try:
        yield
    finally:
        _threads.trace = before


@contextlib.contextmanager
def unforeseen() -> Iterator[None]:
    """Nobody can say how often the loops that are traced in the block run."""
    trace = _threads.trace
    if trace is None:
        yield
        return
    before, trace.is_open = trace.is_open, True
    try:
        yield
    finally:
        trace.is_open = before


@contextlib.contextmanager
def loop(rounds: Any) -> Iterator[Callable[[tf.Tensor, Any], Any]]:
    """Gives what a loop's body hands its results through: `results = said(i, results)`.

    Where nothing is to be reported, it gives the results back and adds no operation.

    Args:
        rounds: How many rounds the loop has, scalar.
    """
    trace = _threads.trace
    if trace is None:
        yield lambda i, results: results
        return
    is_outermost = trace.depth == 0
    number = trace.loops
    trace.loops += is_outermost
    trace.depth += 1
    is_open = trace.is_open

    def said(i: tf.Tensor, results: Any) -> Any:
        if not is_outermost:
            return results

        def tell(i: Any, rounds: Any) -> None:
            if _current is not None:
                left = None if is_open else trace.loops - number
                _current.reached(int(i) + 1, int(rounds), left)

        with tf.control_dependencies(tf.nest.flatten(results)):
            tf.numpy_function(tell, [i, rounds], [])
        return results

    try:
        yield said
    finally:
        trace.depth -= 1
