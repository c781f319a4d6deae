"""Running the server until it is told to end, which it does after what it has begun."""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from tfxai.serving.transport.app import Server
from tfxai.serving.transport.connections import IDLE_SECONDS, protocol
from tfxai.serving.transport.listening import has_waiting

_LOG = logging.getLogger("tfxai.serving")
_ACCEPTED = 5.0  # seconds in which connections that have begun are accepted
_SILENT = 2.0  # seconds in which the first request of a connection may begin


class _Uvicorn(uvicorn.Server):
    """Uvicorn that loses no request when it ends.

    For the time of its drain it goes on answering, while its readiness says that it ends: whoever
    sends it requests looks elsewhere. It closes its kept connections one by one, each after an
    answer that says so, accepts those that have begun, and waits for the first request of each.
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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends to listen, then to answer."""
        if not self.force_exit:
            await self._accept_the_last(sockets or [])
        await super().shutdown(sockets)

    async def _accept_the_last(self, sockets: list[socket.socket]) -> None:
        await self._while(lambda: any(map(has_waiting, sockets)), _ACCEPTED)
        for server in self.servers:
            server.close()
        connections: Any = self.server_state.connections
        await self._while(lambda: any(one.cycle is None for one in connections), _SILENT)

    async def _while(self, holds: Callable[[], bool], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while holds() and time.monotonic() < ends and not self.force_exit:
            await asyncio.sleep(0.02)


def runner(server: Server, *, drain: float = 0.0) -> uvicorn.Server:
    """What serves, by `run(sockets=[...])`, until SIGTERM or SIGINT; then it finishes its work.

    Args:
        server: What answers.
        drain: Seconds between the signal and the end of listening; kept connections are closed
            after their next answer meanwhile.
    """
    seconds = server.limits.seconds
    config: Any = uvicorn.Config(
        server.app,
        http=protocol(server.limits.connections, seconds, server.limits.bodies),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=int(seconds) + 5,
        timeout_keep_alive=IDLE_SECONDS,
    )
    made = _Uvicorn(config, server, drain)
    server.watch_connections(lambda: len(made.server_state.connections))
    return made
