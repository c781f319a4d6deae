"""Running the server until it is told to end, which it does after what it has begun."""

from __future__ import annotations

import logging
import math
import socket
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tfxai.errors import OutputError
from tfxai.serving import jsons
from tfxai.serving.app import Server

_LOG = logging.getLogger("tfxai.serving")
_BACKLOG = 2048


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose own complaints are JSON, too."""

    def send_400_response(self, msg: str) -> None:
        """Says what is no HTTP."""
        body = jsons.write({"error": f"{msg} Send a request of HTTP/1.1."})
        head = (
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()


class _Uvicorn(uvicorn.Server):
    """Uvicorn that first closes its kept connections one by one, then stops to listen.

    A request that a client has sent over a kept connection would otherwise meet a closed one.
    """

    def __init__(self, config: uvicorn.Config, server: Server, drain: float) -> None:
        super().__init__(config)
        self._server = server
        self._drain = drain
        self._ends = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends soon; at once where it was told so twice."""
        if self._server.is_ending:
            self.force_exit = self.should_exit = True
            return
        self._server.is_ending = True
        self._ends = time.monotonic() + self._drain
        _LOG.info("ending: requests that have begun are finished")

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; whether it ends."""
        if time.monotonic() >= self._ends:
            self.should_exit = True
        return await super().on_tick(counter)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        OutputError: The place is taken, or none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        made.close()
        raise OutputError(
            f"Cannot listen at {host}:{port}: {getattr(error, 'strerror', None) or error}. Choose "
            "another --host or --port."
        ) from error
    return made


def runner(server: Server, *, drain: float = 0.0, seconds: float = 60.0) -> uvicorn.Server:
    """What serves, by `run(sockets=[...])`, until SIGTERM or SIGINT; then it finishes its work.

    Args:
        server: What answers.
        drain: Seconds between the signal and the end of listening; kept connections are closed
            after their next answer meanwhile.
        seconds: What a request may take.
    """
    config: Any = uvicorn.Config(
        server.app,
        http=_Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(seconds) + 5,
        timeout_keep_alive=75,  # longer than load balancers keep theirs
    )
    return _Uvicorn(config, server, drain)
