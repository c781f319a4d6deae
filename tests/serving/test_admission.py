"""Places for work: none is lost, and what is left out is let go of."""

from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from tests.serving.servers import PATIENCE, until
from tfxai.serving.admission import Admission, WorkKind
from tfxai.serving.limits import ServerLimits
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.models.model import Deadline

PREDICT = WorkKind.PREDICT


class Body(bytearray):
    """What came in a request."""


def work_of(body):
    return lambda: len(body)


def test_bodies_of_requests_that_are_given_up_are_not_kept_by_busy_threads():
    async def run():
        admission, goes_on = Admission(ServerLimits(concurrency=1, queue=2)), threading.Event()
        busy = asyncio.ensure_future(
            admission.run(PREDICT, lambda: goes_on.wait(PATIENCE), Deadline(PATIENCE))
        )
        await asyncio.sleep(0)
        kept = []
        for i in range(30):
            body = Body(1000)
            kept.append(weakref.ref(body))
            given_up = admission.run(
                PREDICT, work_of(body), Deadline(0.001 if i % 2 else PATIENCE)
            )
            del body
            task = asyncio.ensure_future(given_up)
            del given_up
            await asyncio.sleep(0)
            if i % 2:
                with pytest.raises(RequestError, match="took more than"):
                    await task
            else:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            del task
        await asyncio.sleep(0.01)
        alive = sum(one() is not None for one in kept)
        assert admission.inside(PREDICT) == 1
        goes_on.set()
        assert await busy is True
        admission.close()
        return alive

    assert asyncio.run(run()) <= 1


def test_places_come_back_however_work_ends():
    def fails():
        raise ValueError("no")

    async def run():
        admission = Admission(ServerLimits(concurrency=2, queue=100))
        for _ in range(50):
            works = [
                admission.run(PREDICT, work, Deadline(seconds))
                for work in (fails, lambda: 1)
                for seconds in (PATIENCE, 0.0, 0.001)
            ]
            tasks = [asyncio.ensure_future(one) for one in works]
            await asyncio.sleep(0)
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        until(lambda: admission.inside(PREDICT) == 0)
        assert await admission.run(PREDICT, lambda: 3, Deadline(PATIENCE)) == 3
        admission.close()

    asyncio.run(run())
