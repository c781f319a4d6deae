"""One connection: HTTP/1.1 whose clients have to be quick, and whose heads are short."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from httptools import HttpParserError
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tfxai.serving.messages import json_codec

_HEAD_SECONDS = 10.0  # from the first byte of a head, or the connection, to the end of the head
IDLE_SECONDS = 75  # between two requests: longer than load balancers keep theirs
_REST_SECONDS = 5.0  # for the rest of a body whose answer was sent without it
_CLOSE_SECONDS = 5.0  # for the last bytes of an answer to leave
_HEAD_BYTES = 64 * 1024  # of a head, of what stands between the parts of a body, and behind them
_PIPELINED = 16  # requests that are sent before the answer to the one before
_HEAD, _IDLE, _BUSY, _REST = "head", "idle", "busy", "rest"


class Connection(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with bounds that uvicorn does not have.

    A head has to come within seconds and bytes; a connection without a request is closed after a
    while; an answer that nobody reads is thrown away, and where too many bytes wait to be read,
    those that have waited longest. Where there are more connections than may be, the one that has
    been silent longest is closed. Complaints about HTTP are JSON, too.

    Args:
        most: Connections at a time.
        seconds: In which an answer has to be read.
        unread: Bytes of answers that wait to be read, of all connections together; a single
            answer may be longer.
        words: As for uvicorn's own.
        options: As for uvicorn's own.
    """

    def __init__(
        self, *words: Any, most: int, seconds: float, unread: int, **options: Any
    ) -> None:
        super().__init__(*words, **options)
        self._most = most
        self._seconds = seconds
        self._most_unread = unread
        self._state = _HEAD
        self._timer: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._overhead = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Takes it, in the place of another where there are too many."""
        super().connection_made(transport)
        self._expect(_HEAD, _HEAD_SECONDS)
        if len(self.connections) > self._most and not self._replaces_another():
            self._refuse(503, "This server has as many connections as it takes.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the clocks."""
        for timer in (self._timer, self._unread):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, within the bounds."""
        if self.transport.is_closing():
            return
        if self._state == _IDLE:
            self._expect(_HEAD, _HEAD_SECONDS)
        self._overhead += len(data)
        super().data_received(data)
        if self._overhead > _HEAD_BYTES and not self.transport.is_closing():
            self._refuse(
                431, f"The head of a request was expected to have at most {_HEAD_BYTES:,} bytes."
            )

    def on_headers_complete(self) -> None:
        """The head is there: the server has its own clocks for the body and the answer."""
        if len(self.pipeline) >= _PIPELINED:
            raise HttpParserError("More requests came ahead of their answers than are taken.")
        super().on_headers_complete()
        if self._state != _BUSY:  # else it is one that is sent before the answer to the last one
            self._expect(_BUSY, None)
        self._overhead = 0

    def on_body(self, body: bytes) -> None:
        """A part of a body, which may cost some bytes around it."""
        self._overhead = max(0, self._overhead - 8 * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there as a whole."""
        super().on_message_complete()
        self._overhead = 0
        if self._state == _REST:
            self._expect(_IDLE, IDLE_SECONDS)

    def on_response_complete(self) -> None:
        """The answer was handed to the transport."""
        has_more = bool(self.pipeline)
        is_whole = not self.cycle.more_body
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()
        elif not has_more:
            self._expect(*((_IDLE, IDLE_SECONDS) if is_whole else (_REST, _REST_SECONDS)))

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is written."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._seconds, self.transport.abort)
        self._bound_unread()

    def resume_writing(self) -> None:
        """It has read on."""
        super().resume_writing()
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def timeout_keep_alive_handler(self) -> None:
        """Uvicorn's own clock between two requests."""
        self._close()

    def shutdown(self) -> None:
        """Ends after the answer that is due, at once where none is."""
        super().shutdown()
        if self.transport.is_closing():
            self._abort_later()

    def send_400_response(self, msg: str) -> None:
        """Says what is no HTTP."""
        self._refuse(400, f"{msg} Send a request of HTTP/1.1.")

    def _expect(self, state: str, seconds: float | None) -> None:
        """What comes next, and when it has to."""
        self._state = state
        self._since = self.loop.time()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self._state == _HEAD and self._overhead:
            seconds = f"{_HEAD_SECONDS:g} s"
            self._refuse(408, f"The head of the request did not come within {seconds}.")
        else:
            self._close()

    def _replaces_another(self) -> bool:
        """Closes the one that has waited longest for its client, rather one without a request."""
        others: list[Any] = [
            one for one in self.connections if one is not self and not one.transport.is_closing()
        ]
        if len(others) < self._most:
            return True
        for waits in (Connection._is_silent, Connection._sends):
            found = [one for one in others if waits(one)]
            if found:
                min(found, key=lambda one: one._since)._close()
                return True
        return False

    def _bound_unread(self) -> None:
        """Gives up the answers that have waited longest, where too much waits to be read."""
        every: set[Any] = self.connections
        waiting = [one for one in every if one._unread is not None]
        waiting.sort(key=lambda one: one._unread.when())
        sizes = [one.transport.get_write_buffer_size() for one in waiting]
        too_much = sum(sizes) - self._most_unread
        for one, size in zip(waiting[:-1], sizes, strict=False):
            if too_much <= 0:
                return
            one.transport.abort()
            too_much -= size

    def _is_silent(self) -> bool:
        """Whether there is no request."""
        return self._state != _BUSY

    def _sends(self) -> bool:
        """Whether there is a request that has not come as a whole."""
        return self.cycle is not None and self.cycle.more_body

    def _refuse(self, status: int, sentence: str) -> None:
        body = json_codec.write({"error": sentence})
        phrase = {400: "Bad Request", 408: "Request Timeout", 503: "Service Unavailable"}
        head = (
            f"HTTP/1.1 {status} {phrase.get(status, 'Request Header Fields Too Large')}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        if not self.transport.is_closing():
            self.transport.write(head.encode() + body)
        self._close()

    def _close(self) -> None:
        """Closes it, after what is written has left, for which there is little time."""
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)


def protocol(most: int, seconds: float, unread: int) -> Any:
    """What uvicorn makes of each connection.

    Args:
        most: Connections at a time.
        seconds: In which an answer has to be read.
        unread: Bytes of answers that wait to be read.
    """
    return functools.partial(Connection, most=most, seconds=seconds, unread=unread)
