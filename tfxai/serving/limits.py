"""How much a request may ask for, and how many of them run at a time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import os
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tfxai.serving.messages.problems import RequestError, late
from tfxai.serving.models.model import Deadline

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server takes; more is answered with 413, 429 or 504.

    Args:
        body: Bytes of a request.
        instances: Examples of a request.
        steps: Runs of the model for one example: steps, samples, masks, windows.
        pixels: Most pixels of an image that is decoded, before it is brought to the model's size.
        concurrency: Requests that run at a time.
        queue: Requests that wait for their turn.
        seconds: From a request's first byte to its answer.
    """

    body: int = 16 * 2**20
    instances: int = 64
    steps: int = 10_000
    pixels: int = 2**25
    concurrency: int = dataclasses.field(default_factory=lambda: max(2, os.cpu_count() or 2))
    queue: int = 64
    seconds: float = 60.0


class Place:
    """A place among the requests that run or wait; left once."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._is_left = False
        gate.inside += 1

    def leave(self) -> None:
        """Gives it to another request."""
        if not self._is_left:
            self._is_left = True
            self._gate.inside -= 1


class Gate:
    """Runs work in threads, a bounded number at a time. Of the event loop's thread.

    Args:
        limits: How many, and how long.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._room = limits.concurrency + limits.queue
        self._threads = concurrent.futures.ThreadPoolExecutor(
            limits.concurrency, thread_name_prefix="tfxai request"
        )
        self.inside = 0
        """Requests that run or wait."""

    def enter(self) -> Place:
        """A place.

        Raises:
            RequestError: 429, there is none.
        """
        if self.inside >= self._room:
            raise RequestError(
                429, f"{self._room} requests are running or waiting already. Try again later.", 1
            )
        return Place(self)

    def close(self) -> None:
        """Ends the threads, after what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(
        self,
        work: Callable[[], T],
        place: Place,
        deadline: Deadline,
        hang_up: Callable[[], Coroutine[Any, Any, None]],
    ) -> T:
        """What the work gives.

        Args:
            work: What to do.
            place: Left when the work ends, which may be after the answer is due.
            deadline: When the answer is due.
            hang_up: Ends when nobody waits for the answer any more. Work that has not begun is
                then left out; what has begun cannot be stopped.

        Raises:
            RequestError: 504, it is late; 499, nobody waits.
        """
        loop = asyncio.get_running_loop()
        waits = self.inside > self._limits.concurrency
        ended = loop.create_future()
        started = self._threads.submit(work)

        def leave() -> None:
            place.leave()
            _set(ended)

        started.add_done_callback(lambda _: _soon(loop, leave))
        timer = loop.call_later(max(deadline.left, 0), _set, ended)
        watch = asyncio.ensure_future(hang_up()) if waits else None
        if watch is not None:
            watch.add_done_callback(lambda _: _set(ended))
        try:
            await ended
        finally:
            timer.cancel()
            has_gone = watch is not None and watch.done()
            if watch is not None:
                watch.cancel()
        if started.done():
            return started.result()
        started.cancel()
        if has_gone:
            raise RequestError(499, "The client closed the connection.")
        raise late(deadline.seconds)


def _set(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> None:
    with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
        loop.call_soon_threadsafe(call)
