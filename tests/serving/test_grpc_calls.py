"""Calls of gRPC are counted until they are done, and answers that nobody reads are bounded."""

from __future__ import annotations

import pytest

from tfxai.serving.messages.problems import RequestError
from tfxai.serving.transport.grpc_calls import GrpcCalls


class Context:
    """As much of a call as is looked at."""

    def __init__(self, peer):
        self._peer = peer

    def peer(self):
        return self._peer

    def add_done_callback(self, done):
        self.done = lambda: done(self)


def test_calls_and_connections_are_counted_until_they_are_done():
    calls = GrpcCalls(100)
    contexts = [Context(peer) for peer in ("a", "a", "b")]
    for one in contexts:
        calls.enter(one).hold(10)
    assert (calls.count, calls.connections, calls.unread) == (3, 2, 30)
    contexts[2].done()
    assert (calls.count, calls.connections, calls.unread) == (2, 1, 20)
    for one in contexts[:2]:
        one.done()
    assert (calls.count, calls.connections, calls.unread) == (0, 0, 0)
    assert not calls._by_peer
    assert not calls._unread


def test_a_client_that_does_not_read_is_not_answered_and_others_are():
    calls = GrpcCalls(100)
    hostile = Context("a")
    calls.enter(hostile).hold(60)
    with pytest.raises(RequestError, match="60 bytes wait for this client") as caught:
        calls.enter(Context("a")).check()
    assert caught.value.status == 503
    other = calls.enter(Context("b"))
    other.check()
    other.hold(40)
    with pytest.raises(RequestError, match="Answers of 100 bytes have not been read") as caught:
        calls.enter(Context("c")).hold(1)
    assert caught.value.status == 503
    hostile.done()
    calls.enter(Context("a")).check()


def test_one_answer_may_be_larger_than_all_may_be():
    calls = GrpcCalls(100)
    calls.enter(Context("a")).hold(1000)
    assert calls.unread == 1000
