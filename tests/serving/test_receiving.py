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


@pytest.fixture
def quick(monkeypatch):
    """Messages are slow soon."""
    for name, seconds in (("_SLOW", 0.05), ("_SOON", 0.05), ("_TICK", 0.01)):
        monkeypatch.setattr(receiving, name, seconds)


async def ended(*tasks):
    """Takes what is left back."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def holds(what):
    """Waits until it holds."""
    for _ in range(3000):
        if what():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to hold")


def test_of_too_many_slow_ones_the_oldest_gives_way_and_no_other(quick):
    async def run():
        one = Receiving(2)
        slow = [asyncio.ensure_future(one.receive(never(), 60, str(i))) for i in range(3)]
        assert await one.receive(soon(3), 60) == 3
        await holds(slow[0].done)
        await asyncio.sleep(0.1)
        assert [task.done() for task in slow] == [True, False, False]
        with pytest.raises(RequestError, match="others wait to be read") as caught:
            await slow[0]
        assert caught.value.status == 503
        await ended(*slow)
        assert not one._begun

    asyncio.run(run())


def test_as_many_slow_ones_as_may_be_go_on(quick):
    async def run():
        one = Receiving(3)
        slow = [asyncio.ensure_future(one.receive(never(), 60)) for _ in range(3)]
        await asyncio.sleep(0.1)
        assert await asyncio.gather(*(one.receive(soon(i), 60, "other") for i in range(9))) == [
            *range(9)
        ]
        assert not any(task.done() for task in slow)
        await ended(*slow)

    asyncio.run(run())


def test_a_failure_of_the_reader_is_passed_on():
    async def fails():
        raise ValueError("no")

    async def run():
        with pytest.raises(ValueError, match="no"):
            await Receiving(1).receive(fails(), 60)

    asyncio.run(run())


def test_the_connection_with_the_most_gives_way_and_the_one_with_the_fewest_is_next(quick):
    async def run():
        one = Receiving(3)
        first = asyncio.ensure_future(one.receive(never(), 60, "slow"))
        many = [asyncio.ensure_future(one.receive(never(), 60, "many")) for _ in range(40)]
        await asyncio.sleep(0)
        others = [one.receive(soon(i), 60, "other") for i in range(5)]
        assert await asyncio.gather(*others) == [*range(5)]
        await holds(lambda: sum(task.done() for task in many) >= 38)
        await asyncio.sleep(0.1)
        assert [task.done() for task in (first, *many)].count(False) == 3
        assert not first.done()
        await ended(first, *many)
        assert not one._begun
        assert not one._waiting

    asyncio.run(run())


def test_one_message_of_a_connection_has_longer_than_one_of_several(monkeypatch):
    monkeypatch.setattr(receiving, "_SOON", 0.05)
    monkeypatch.setattr(receiving, "_SLOW", 60)

    async def run():
        one = Receiving(1)
        alone = asyncio.ensure_future(one.receive(never(), 60, "alone"))
        pairs = [
            asyncio.ensure_future(one.receive(never(), 60, f"pair {i // 2}")) for i in range(4)
        ]
        await holds(lambda: pairs[0].done() and pairs[2].done())
        await asyncio.sleep(0.2)
        assert [task.done() for task in (alone, *pairs)] == [False, True, False, True, False]
        await ended(alone, *pairs)

    asyncio.run(run())


def test_of_too_many_that_wait_those_of_the_connection_with_the_most_give_way():
    async def run():
        one = Receiving(3, waiting=4)
        others = [asyncio.ensure_future(one.receive(never(), 60, str(i))) for i in range(6)]
        many = [asyncio.ensure_future(one.receive(never(), 60, "many")) for _ in range(7)]
        await asyncio.sleep(0)
        few = asyncio.ensure_future(one.receive(soon(7), 60, "few"))
        await asyncio.sleep(0.01)
        assert [task.done() for task in many] == [False] * 3 + [True] + [False] * 3
        with pytest.raises(RequestError, match="Too many requests are being read") as caught:
            await many[3]
        assert caught.value.status == 503
        others[0].cancel()
        assert await few == 7
        await ended(*others, *many)


def test_slow_messages_of_a_connection_keep_its_others_from_being_read_for_a_moment(quick):
    async def run():
        one = Receiving(2)
        slow = [asyncio.ensure_future(one.receive(never(), 60, "own")) for _ in range(2)]
        await asyncio.sleep(0)
        assert await one.receive(soon(3), 60, "own") == 3
        assert [task.done() for task in slow] == [True, False]
        await ended(*slow)

    asyncio.run(run())


def test_one_connection_never_has_all_places():
    async def run():
        one = Receiving(2)
        many = [asyncio.ensure_future(one.receive(never(), 60, "many")) for _ in range(50)]
        await asyncio.sleep(0)
        assert len(one._begun) == 2
        assert await asyncio.wait_for(one.receive(soon(3), 60, "other"), 60) == 3
        assert not any(task.done() for task in many)
        await ended(*many)

    asyncio.run(run())

    asyncio.run(run())


@pytest.mark.parametrize(("many", "comes"), [(2, True), (1, False)])
def test_a_connection_with_many_gives_a_place_to_one_that_waits(monkeypatch, many, comes):
    """Nothing is slow yet: those that have one message each keep it."""
    monkeypatch.setattr(receiving, "_SOON", 3600)
    monkeypatch.setattr(receiving, "_SLOW", 3600)

    async def run():
        one = Receiving(2)  # six places
        tasks = [
            asyncio.ensure_future(one.receive(never(), 3600, f"{i // many}")) for i in range(6)
        ]
        await holds(lambda: len(one._begun) == 6)
        if comes:
            assert await one.receive(soon(3), 60, "other") == 3
            assert [task.done() for task in tasks].count(True) == 1
        else:
            with pytest.raises(RequestError, match="Too many requests are being read"):
                await one.receive(soon(3), 0.5, "other")
            assert not any(task.done() for task in tasks)
        await ended(*tasks)

    asyncio.run(run())


def test_a_message_that_is_given_up_on_while_it_waits_leaves_no_place():
    async def run():
        one = Receiving(1)
        first = [asyncio.ensure_future(one.receive(never(), 60, str(i))) for i in range(3)]
        await asyncio.sleep(0)
        second = asyncio.ensure_future(one.receive(never(), 60))
        await asyncio.sleep(0)
        await ended(*first, second)  # its turn comes in between
        assert await one.receive(soon(3), 60) == 3
        assert not one._begun
        assert not one._waiting

    asyncio.run(run())
