"""Messages of gRPC on their way: a bounded number, of which the slowest gives way."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import time
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from tfxai.serving.messages.problems import RequestError, unavailable

T = TypeVar("T")
_SLOW = 1.0  # seconds after which a message that has not come gives way to others
_SOON = 0.2  # the same, for a message of a connection that has fewer on their way


@dataclasses.dataclass(eq=False)
class _Message:
    """A message that is on its way.

    Args:
        peer: Whose it is.
        turn: Done when it may be read.
        gives_way: Done when it is given up for another one.
        began: When it was its turn.
    """

    peer: str
    turn: asyncio.Future[None]
    gives_way: asyncio.Future[None]
    began: float = 0.0


class Receiving:
    """Waits for messages, of which gRPC holds what has come. Of the event loop's thread.

    A free place goes to the connection that has the fewest, and among equals to the newest
    message: neither one connection nor messages that never come keep others from being read.

    Args:
        most: Messages that are read at a time, a quarter of them of connections that have no other
            one. Where more are on their way, those that have been read for more than a second give
            way, first those of the connection that has most, and these after a fifth of a second.
        waiting: Messages that wait to be read. Of more, the oldest one of the connection that has
            most gives way.
    """

    def __init__(self, most: int, waiting: int = 512) -> None:
        self._most = most
        self._most_waiting = waiting
        self._begun: dict[_Message, None] = {}  # the oldest first
        self._waiting: dict[_Message, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def receive(self, coming: Coroutine[Any, Any, T], seconds: float, peer: str = "") -> T:
        """The message, where it comes in time.

        Args:
            coming: Gives it.
            seconds: In which it has to come.
            peer: The connection by which it comes.

        Raises:
            RequestError: 408, it did not come in time; 503, it gave way.
        """
        loop = asyncio.get_running_loop()
        ends = time.monotonic() + seconds
        own = _Message(peer, loop.create_future(), loop.create_future())
        reading: asyncio.Future[T] | None = None
        try:
            self._enter(own)
            if not own.turn.done():
                await _first_of(own.turn, own.gives_way, ends)
            if not own.turn.done():
                raise unavailable("Too many requests are being read. Try again later.")
            reading = asyncio.ensure_future(coming)
            await _first_of(reading, own.gives_way, ends)
            if reading.done():
                return reading.result()
            if own.gives_way.done():
                raise unavailable(
                    "The request came slowly, and others wait to be read. Try again later."
                )
            raise RequestError(408, f"The request did not come within {seconds:g} s.")
        finally:
            self._waiting.pop(own, None)
            self._begun.pop(own, None)
            self._pass_on()
            if reading is None:
                coming.close()
            elif not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    def _enter(self, own: _Message) -> None:
        if len(self._waiting) >= self._most_waiting:
            self._give_up(self._waiting, self._waiting)
        self._waiting[own] = None
        self._pass_on()

    def _pass_on(self) -> None:
        """Gives places to those that wait, as long as there are free or slow ones."""
        while self._waiting:
            reads = collections.Counter(one.peer for one in self._begun)
            every = reads + collections.Counter(one.peer for one in self._waiting)
            newest_first = reversed(self._waiting)
            chosen = min(newest_first, key=lambda one: (reads[one.peer], every[one.peer]))
            kept = self._most // 4 if reads[chosen.peer] else 0  # for connections that have none
            if len(self._begun) >= self._most - kept and not self._end_a_slow_one(chosen.peer):
                break
            del self._waiting[chosen]
            chosen.began = time.monotonic()
            chosen.turn.set_result(None)
            self._begun[chosen] = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            left = max(0.1 * _SOON, next(iter(self._begun)).began + _SOON - time.monotonic())
            self._timer = asyncio.get_running_loop().call_later(left, self._pass_on)

    def _end_a_slow_one(self, peer: str) -> bool:
        """Whether a message that has been read for long gives way to one of a connection."""
        now = time.monotonic()
        reads = collections.Counter(one.peer for one in self._begun)
        every = reads + collections.Counter(one.peer for one in self._waiting)

        def is_slow(one: _Message) -> bool:
            if one.peer != peer and reads[one.peer] <= reads[peer]:
                return False
            most = _SOON if every[one.peer] > every[peer] else _SLOW
            return now - one.began >= 0.9 * most  # what began at nearly the same time is alike

        slow = [one for one in self._begun if is_slow(one)]
        if slow:
            self._give_up(self._begun, slow)
        return bool(slow)

    def _give_up(self, among: dict[_Message, None], some: Iterable[_Message]) -> None:
        """Has one of some give way: the oldest one of the connection that has most."""
        counts = collections.Counter(one.peer for one in (*self._begun, *self._waiting))
        chosen = max(some, key=lambda one: counts[one.peer])
        del among[chosen]
        chosen.gives_way.set_result(None)


async def _first_of(one: asyncio.Future[Any], other: asyncio.Future[Any], ends: float) -> None:
    """Waits for one of two, until a moment of the monotonic clock."""
    left = max(ends - time.monotonic(), 0)
    await asyncio.wait({one, other}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
