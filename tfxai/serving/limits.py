"""How much a request may ask for, and how many of them run at a time."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import os
from collections.abc import Callable
from typing import Any, TypeVar

from tfxai.serving.models import Deadline
from tfxai.serving.problems import RequestError, late

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server takes; more is answered with 413, 429 or 504.

    Args:
        body: Bytes of a request.
        instances: Examples of a request.
        steps: Runs of the model for one example: steps, samples, masks, windows.
        pixels: Of an image that is decoded, before it is brought to the model's size.
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
        self, work: Callable[[], T], place: Place, deadline: Deadline, gone: asyncio.Future[Any]
    ) -> T:
        """What the work gives.

        Args:
            work: What to do.
            place: Left when the work ends, which may be after the answer is due.
            deadline: When the answer is due.
            gone: Is done when nobody waits for the answer any more; work that has not begun is
                then left out.

        Raises:
            RequestError: 504, it is late; 499, nobody waits.
        """
        loop = asyncio.get_running_loop()
        started = self._threads.submit(work)
        started.add_done_callback(lambda _: _soon(loop, place.leave))
        done = asyncio.wrap_future(started)
        await asyncio.wait(
            {done, gone}, timeout=max(deadline.left, 0), return_when=asyncio.FIRST_COMPLETED
        )
        if done.done():
            return done.result()
        done.add_done_callback(_seen)
        started.cancel()
        if gone.done():
            raise RequestError(499, "The client closed the connection.")
        raise late(deadline.seconds)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
        loop.call_soon_threadsafe(call)


def _seen(done: asyncio.Future[Any]) -> None:
    """Takes an error of which nobody waits to hear."""
    if not done.cancelled():
        done.exception()
