"""Messages that are waited for: a bounded number, the slowest of which gives way."""

from __future__ import annotations

import asyncio

import pytest

from tfxai.serving.messages.problems import RequestError
from tfxai.serving.transport import receiving
from tfxai.serving.transport.receiving import Receiving


async def never():
    await asyncio.get_running_loop().create_future()


async def soon(value):
    await asyncio.sleep(0)
    return value


def test_what_comes_is_given():
    async def run():
        one = Receiving(2)
        return await asyncio.gather(*(one.receive(soon(i), 60) for i in range(50)))

    assert asyncio.run(run()) == list(range(50))


def test_what_does_not_come_is_408_and_leaves_its_place():
    async def run():
        one = Receiving(1)
        with pytest.raises(RequestError, match=r"did not come within 0\.01 s") as caught:
            await one.receive(never(), 0.01)
        assert caught.value.status == 408
        return await one.receive(soon(3), 60)

    assert asyncio.run(run()) == 3


def test_the_oldest_gives_way_and_no_other(monkeypatch):
    monkeypatch.setattr(receiving, "_SLOW", 0.05)
    monkeypatch.setattr(receiving, "_SOON", 0.05)

    async def run():
        one = Receiving(2)
        slow = [asyncio.ensure_future(one.receive(never(), 60)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert await one.receive(soon(3), 60) == 3
        assert [task.done() for task in slow] == [True, False]
        with pytest.raises(RequestError, match="others wait to be read") as caught:
            await slow[0]
        assert caught.value.status == 503
        slow[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow[1]
        assert not one._begun

    asyncio.run(run())


def test_a_failure_of_the_reader_is_passed_on():
    async def fails():
        raise ValueError("no")

    async def run():
        with pytest.raises(ValueError, match="no"):
            await Receiving(1).receive(fails(), 60)

    asyncio.run(run())


def test_the_connection_with_the_most_gives_way_and_the_one_with_the_fewest_is_next(monkeypatch):
    monkeypatch.setattr(receiving, "_SLOW", 0.05)
    monkeypatch.setattr(receiving, "_SOON", 0.05)

    async def run():
        one = Receiving(3)
        first = asyncio.ensure_future(one.receive(never(), 60, "slow"))
        many = [asyncio.ensure_future(one.receive(never(), 60, "many")) for _ in range(40)]
        await asyncio.sleep(0.01)
        assert await asyncio.gather(*(one.receive(soon(i), 60, "other") for i in range(5))) == [
            *range(5)
        ]
        assert not first.done()
        gone = [task for task in many if task.done()]
        assert 1 <= len(gone) < 10
        assert gone[0] is many[0]
        for task in (first, *many):
            task.cancel()
        await asyncio.gather(first, *many, return_exceptions=True)
        assert not one._begun
        assert not one._waiting

    asyncio.run(run())


def test_of_too_many_that_wait_those_of_the_connection_with_the_most_give_way():
    async def run():
        one = Receiving(1, waiting=4)
        many = [asyncio.ensure_future(one.receive(never(), 60, "many")) for _ in range(5)]
        await asyncio.sleep(0.01)
        few = asyncio.ensure_future(one.receive(soon(7), 60, "few"))
        await asyncio.sleep(0.01)
        assert [task.done() for task in many] == [False, True, False, False, False]
        with pytest.raises(RequestError, match="Too many requests are being read") as caught:
            await many[1]
        assert caught.value.status == 503
        many[0].cancel()
        assert await few == 7
        for task in many[2:]:
            task.cancel()
        await asyncio.gather(*many, return_exceptions=True)

    asyncio.run(run())


def test_a_message_that_is_given_up_on_while_it_waits_leaves_no_place():
    async def run():
        one = Receiving(1)
        first = asyncio.ensure_future(one.receive(never(), 60))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(one.receive(never(), 60))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()  # its turn comes in between
        await asyncio.gather(first, second, return_exceptions=True)
        assert await one.receive(soon(3), 60) == 3
        assert not one._begun
        assert one._timer is None

    asyncio.run(run())
