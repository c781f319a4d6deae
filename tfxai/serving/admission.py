"""Places for requests, whatever protocol they came by: work runs in threads, a bounded number.

Each kind of work has places and threads of its own, so that explanations, which take long, never
keep a prediction from running.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import enum
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tfxai.export.names import EXPLAIN
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.problems import RequestError, late
from tfxai.serving.models.model import Deadline

T = TypeVar("T")


class WorkKind(enum.Enum):
    """What a request asks for, as far as it says what the answer costs."""

    PREDICT = "predict"
    EXPLAIN = "explain"
    LOOK = "look"
    """States, metadata, lists: nothing runs a model."""


def kind_of(signature: str) -> WorkKind:
    """The kind of work that a call of a signature is, by whichever road it is called."""
    return WorkKind.EXPLAIN if signature.startswith(EXPLAIN) else WorkKind.PREDICT


class OtherKindError(Exception):
    """The work is of another kind than the place it runs at: it has to be admitted again.

    Args:
        kind: Of which kind it is.
    """

    def __init__(self, kind: WorkKind) -> None:
        super().__init__(kind)
        self.kind = kind


def check_kind(signature: str, kind: WorkKind) -> None:
    """Raises `OtherKindError` where a place of that kind is none for a call of a signature."""
    needed = kind_of(signature)
    if needed is WorkKind.EXPLAIN and kind is not WorkKind.EXPLAIN:
        raise OtherKindError(needed)


class _Place:
    """A place among the requests of a kind that run or wait."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.is_running = False


class _Lane:
    """The places of one kind."""

    def __init__(self, kind: WorkKind, limits: ServerLimits) -> None:
        self._running = limits.concurrency
        self._room = limits.concurrency + limits.queue
        self._lock = threading.Lock()
        self._inside: set[_Place] = set()
        self._threads = concurrent.futures.ThreadPoolExecutor(
            limits.concurrency, thread_name_prefix=f"tfxai {kind.value}"
        )

    @property
    def inside(self) -> int:
        return len(self._inside)

    @property
    def waits(self) -> bool:
        """Whether the next one has to wait for a thread."""
        return len(self._inside) > self._running

    def enter(self, deadline: Deadline) -> _Place:
        with self._lock:
            if len(self._inside) >= self._room:
                raise RequestError(
                    429,
                    f"{self._room} requests are running or waiting already. Try again later.",
                    retry_after=1,
                )
            place = _Place(deadline)
            self._inside.add(place)
        return place

    def leave(self, place: _Place) -> None:
        with self._lock:
            self._inside.discard(place)

    def submit(self, place: _Place, work: Callable[[], T]) -> concurrent.futures.Future[T]:
        """Has the work done by a thread; its place is left when it ends.

        What is late before it begins is not begun: the future raises `RequestError`, 504.
        """
        kept = [work]  # until it ends: threads that are at work hold on to what was cancelled

        def run() -> T:
            place.is_running = True
            place.deadline.check()
            return kept[0]()

        try:
            future = self._threads.submit(run)
        except BaseException:
            self.leave(place)
            raise
        del work
        future.add_done_callback(lambda _: kept.clear())
        future.add_done_callback(lambda _: self.leave(place))
        return future

    def close(self) -> None:
        """Ends the threads, after what they do."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @property
    def is_blocked(self) -> bool:
        """Whether a request would get no place, or none that runs before it is late.

        Each thread is then at work of which the answer is overdue, and which cannot be stopped.
        """
        with self._lock:
            overdue = sum(one.is_running and one.deadline.left <= 0 for one in self._inside)
            return len(self._inside) >= self._room or overdue >= self._running


class Admission:
    """Takes work in, a bounded number at a time, and runs it in threads.

    A place is taken when the whole request is there, and left when its work ends, which may be
    after its answer was due.

    Args:
        limits: How many of each kind run and wait.
    """

    def __init__(self, limits: ServerLimits) -> None:
        self._lanes = {kind: _Lane(kind, limits) for kind in WorkKind}

    def inside(self, kind: WorkKind) -> int:
        """How many requests of that kind run or wait."""
        return self._lanes[kind].inside

    def waits_for(self) -> str | None:
        """Why no prediction and no explanation can be taken now, None where one can."""
        if all(self._lanes[kind].is_blocked for kind in (WorkKind.PREDICT, WorkKind.EXPLAIN)):
            return "All places are taken by requests that run or wait."
        return None

    async def run(
        self,
        kind: WorkKind,
        work: Callable[[], T],
        deadline: Deadline,
        hang_up: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> T:
        """What the work gives; the event loop goes on meanwhile.

        Args:
            kind: Of which kind the work is.
            work: What to do.
            deadline: When the answer is due.
            hang_up: Ends when nobody waits for the answer any more. Work that has not begun is
                then left out; what has begun cannot be stopped.

        Raises:
            RequestError: 429, there is no place; 504, it is late; 499, nobody waits.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes[kind]
        future = lane.submit(lane.enter(deadline), work)
        ended = loop.create_future()
        future.add_done_callback(lambda _: _soon(loop, lambda: _set(ended)))
        timer = loop.call_later(max(deadline.left, 0), _set, ended)
        watch = asyncio.ensure_future(hang_up()) if hang_up is not None and lane.waits else None
        if watch is not None:
            watch.add_done_callback(lambda _: _set(ended))
        try:
            await ended
        finally:
            timer.cancel()
            has_gone = watch is not None and watch.done()
            if watch is not None:
                watch.cancel()
            if not future.done():
                future.cancel()
        if future.done() and not future.cancelled():
            return future.result()
        if has_gone:
            raise RequestError(499, "The client closed the connection.")
        raise late(deadline.seconds)

    def close(self) -> None:
        """Ends the threads, after what they do."""
        for lane in self._lanes.values():
            lane.close()


def _set(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> None:
    with contextlib.suppress(RuntimeError):  # the server has ended meanwhile
        loop.call_soon_threadsafe(call)
