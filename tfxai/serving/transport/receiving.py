"""Messages of gRPC on their way: a bounded number, of which the slowest gives way."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

from tfxai.serving.messages.problems import RequestError, unavailable

T = TypeVar("T")
_SLOW = 1.0  # seconds after which a message that has not come gives way to others


class Receiving:
    """Waits for messages, of which gRPC holds what has come. Of the event loop's thread.

    Args:
        most: Messages that are waited for at a time. Another one waits for a place, and the one
            that has been on its way for longest gives way once that is more than a second.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._begun: dict[asyncio.Future[None], float] = {}  # the oldest first

    async def receive(self, coming: Coroutine[Any, Any, T], seconds: float) -> T:
        """The message, where it comes in time.

        Raises:
            RequestError: 408, it did not; 503, it gave way.
        """
        ends = time.monotonic() + seconds
        own = asyncio.get_running_loop().create_future()
        reading: asyncio.Future[T] | None = None
        try:
            await self._enter(own, ends)
            reading = asyncio.ensure_future(coming)
            left = max(ends - time.monotonic(), 0)
            waited: set[asyncio.Future[Any]] = {reading, own}
            await asyncio.wait(waited, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                return reading.result()
            if own.done():
                raise unavailable(
                    "The request came slowly, and others wait to be read. Try again later."
                )
            raise RequestError(408, f"The request did not come within {seconds:g} s.")
        finally:
            self._begun.pop(own, None)
            if not own.done():
                own.set_result(None)
            if reading is None:
                coming.close()
            elif not reading.done():
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading

    async def _enter(self, own: asyncio.Future[None], ends: float) -> None:
        while len(self._begun) >= self._most:
            oldest, began = next(iter(self._begun.items()))
            age = time.monotonic() - began
            if age >= _SLOW:
                del self._begun[oldest]
                oldest.set_result(None)
                break
            left = min(_SLOW - age, ends - time.monotonic())
            if left <= 0:
                raise unavailable("Too many requests are being read. Try again later.")
            await asyncio.wait({oldest}, timeout=left)
        self._begun[own] = time.monotonic()
