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
class _Outermost:
    """A loop that lies in no other one."""

    number: int
    rounds: Any
    has_finer: bool = False


@dataclasses.dataclass
class _Trace:
    """The loops of the program that this thread traces."""

    loops: int = 0
    depth: int = 0
    is_open: bool = False
    outermost: _Outermost | None = None


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
        self._begun: dict[int, int] = {}  # passes of the loops of this slice that have begun

    def next_slice(self) -> None:
        """The program has run once more."""
        self._slices -= 1
        self._before = self._done
        self._begun.clear()

    def reached(self, loop: int, rounds: int, loops: int | None) -> None:
        """A pass is over.

        Args:
            loop: Number of the loop.
            rounds: Passes of that loop.
            loops: Loops of the program, of which those that have not begun are taken to be like
                this one; None where nobody can say how many passes they have.
        """
        self._done += 1
        self._begun[loop] = rounds
        total = None
        if loops is not None:
            in_slice = sum(self._begun.values()) + rounds * (loops - len(self._begun))
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
def loop(rounds: Any, *, is_finer: bool = False) -> Iterator[Callable[[Any], Any]]:
    """Gives what a loop's body hands its results through: `results = said(results)`.

    Where nothing is to be reported, it gives the results back and adds no operation.

    Args:
        rounds: How many rounds the loop has, scalar.
        is_finer: Whether the rounds of this loop are the passes where it lies in an outermost
            one, each of whose rounds runs it once.
    """
    trace = _threads.trace
    if trace is None:
        yield lambda results: results
        return
    if trace.outermost is None:
        trace.outermost = _Outermost(trace.loops, rounds)
        trace.loops += 1
    around, depth, is_open = trace.outermost, trace.depth, trace.is_open
    around.has_finer |= is_finer and depth == 1
    trace.depth += 1

    def said(results: Any) -> Any:
        is_pass = not around.has_finer if depth == 0 else is_finer and depth == 1
        if not is_pass:
            return results

        def tell(in_all: Any) -> None:
            if _current is not None:
                _current.reached(around.number, int(in_all), None if is_open else trace.loops)

        in_all = tf.convert_to_tensor(rounds)
        if depth:
            in_all *= tf.cast(around.rounds, in_all.dtype)
        with tf.control_dependencies(tf.nest.flatten(results)):
            tf.numpy_function(tell, [in_all], [])
        return results

    try:
        yield said
    finally:
        trace.depth = depth
        if depth == 0:
            trace.outermost = None
