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
_SLOW = 1.0  # seconds after which a message that has not come may have to give way
_SOON = 0.2  # the same, for one of several of a connection
_AT_ONCE = 0.05  # the same, for one of many of a connection while another connection waits
_FRESH = 3  # times as many messages are read at a time, as long as they are not slow
_TICK = 0.02  # seconds between two looks for slow ones


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

    gRPC does not tell how much of a message has come, so what is bounded is how many are read, and
    how many of these are slow: those that are not there after a second, or a fifth of it where
    their connection has several on their way. Neither one connection nor messages that never come
    keep others from being read.

    Args:
        most: Slow messages at a time. Of more, the oldest one of the connection that has most
            gives way. Three times as many are read at a time, and as many of one connection; a
            free place goes to the connection that has the fewest, and there to the newest message.
            Where none is free, a connection with many gives one to a connection that waits.
        waiting: Messages that wait to be read. Of more, again one gives way.
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
        """Gives free places to those that wait, and has a look for slow ones if need be."""
        while self._waiting and len(self._begun) < _FRESH * self._most:
            reads = collections.Counter(one.peer for one in self._begun)
            every = self._count()
            newest_first = reversed(self._waiting)
            chosen = min(newest_first, key=lambda one: (reads[one.peer], every[one.peer]))
            if reads[chosen.peer] >= self._most:
                break
            del self._waiting[chosen]
            chosen.began = time.monotonic()
            chosen.turn.set_result(None)
            self._begun[chosen] = None
        if self._timer is None and (self._waiting or len(self._begun) > self._most):
            self._timer = asyncio.get_running_loop().call_later(_TICK, self._look)

    def _look(self) -> None:
        """Has slow messages give way where there are too many."""
        self._timer = None
        now, every = time.monotonic(), self._count()
        slow = [
            one
            for one in self._begun
            if now - one.began >= (_SOON if every[one.peer] > 1 else _SLOW)
        ]
        while len(slow) > self._most:
            slow.remove(self._give_up(self._begun, slow))
        for peer in {one.peer for one in self._waiting}:
            own = [one for one in slow if one.peer == peer]
            if len(own) >= self._most:  # it has all places that it may have
                self._give_up(self._begun, own)
        self._share(now)
        self._pass_on()

    def _share(self, now: float) -> None:
        """Where all places are taken, takes one for each connection that waits with far fewer."""
        reads = collections.Counter(one.peer for one in self._begun)
        if len(self._begun) < _FRESH * self._most:
            return
        for peer in {one.peer for one in self._waiting}:
            some = [
                one
                for one in self._begun
                if now - one.began >= _AT_ONCE and reads[one.peer] > reads[peer] + 1
            ]
            if some:
                reads[self._give_up(self._begun, some).peer] -= 1

    def _give_up(self, among: dict[_Message, None], some: Iterable[_Message]) -> _Message:
        """Has one of some give way: the oldest one of the connection that has most."""
        every = self._count()
        chosen = max(some, key=lambda one: every[one.peer])
        del among[chosen]
        chosen.gives_way.set_result(None)
        return chosen

    def _count(self) -> collections.Counter[str]:
        """How many messages of each connection are on their way."""
        return collections.Counter(one.peer for one in (*self._begun, *self._waiting))


async def _first_of(one: asyncio.Future[Any], other: asyncio.Future[Any], ends: float) -> None:
    """Waits for one of two, until a moment of the monotonic clock."""
    left = max(ends - time.monotonic(), 0)
    await asyncio.wait({one, other}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
