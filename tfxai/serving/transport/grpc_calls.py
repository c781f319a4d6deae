"""Calls of gRPC from their first byte until their answer was read, by connection."""

from __future__ import annotations

import collections
from typing import Any

from tfxai.serving.messages.problems import unavailable


class GrpcCalls:
    """Counts calls, and holds no more than so many bytes of answers that nobody reads.

    gRPC tells of a connection only by its calls, and gives up no call whose client reads slowly.
    Of the event loop's thread.

    Args:
        most: Bytes of answers that have not been read. A connection with more than half of them
            is answered again when it has read some.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_peer: collections.Counter[str] = collections.Counter()
        self._unread: collections.Counter[str] = collections.Counter()

    @property
    def count(self) -> int:
        """How many calls there are."""
        return self._by_peer.total()

    @property
    def connections(self) -> int:
        """How many connections have a call."""
        return len(self._by_peer)

    @property
    def unread(self) -> int:
        """Bytes of the answers that have not been read."""
        return self._unread.total()

    def enter(self, context: Any) -> GrpcCall:
        """Counts a call until gRPC is done with it.

        Args:
            context: As gRPC has it.
        """
        peer = context.peer()
        self._by_peer[peer] += 1
        call = GrpcCall(self, peer)
        context.add_done_callback(lambda _: self._leave(call))
        return call

    def check(self, call: GrpcCall) -> None:
        """Whether the client of a call reads its answers.

        Raises:
            RequestError: 503, it leaves too many unread.
        """
        unread = self._unread[call.peer]
        if unread > self._most // 2:
            raise unavailable(
                f"Answers of {unread:,} bytes wait for this client. Read them, and try again."
            )

    def hold(self, call: GrpcCall, count: int) -> None:
        """Counts the bytes of an answer until gRPC is done with the call.

        Raises:
            RequestError: 503, too many others have not been read.
        """
        if self._unread and self.unread + count > self._most:
            raise unavailable(
                f"Answers of {self.unread:,} bytes have not been read, of {self._most:,} that "
                "this server holds at a time. Try again later."
            )
        self._unread[call.peer] += count
        call.bytes += count

    def _leave(self, call: GrpcCall) -> None:
        for counts, count in ((self._by_peer, 1), (self._unread, call.bytes)):
            counts[call.peer] -= count
            if not counts[call.peer]:
                del counts[call.peer]


class GrpcCall:
    """A call.

    Args:
        calls: What counts it.
        peer: Its connection.
    """

    def __init__(self, calls: GrpcCalls, peer: str) -> None:
        self._calls = calls
        self.peer = peer
        """Its connection."""
        self.bytes = 0
        """Of its answer."""

    def check(self) -> None:
        """Whether its client reads its answers.

        Raises:
            RequestError: 503, it leaves too many unread.
        """
        self._calls.check(self)

    def hold(self, count: int) -> None:
        """Counts the bytes of its answer.

        Raises:
            RequestError: 503, others have not been read.
        """
        self._calls.hold(self, count)
