"""The socket at which the server listens."""

from __future__ import annotations

import selectors
import socket

from tfxai.errors import OutputError

_BACKLOG = 2048


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


def has_waiting(listening: socket.socket) -> bool:
    """Whether a connection waits there to be accepted."""
    with selectors.DefaultSelector() as one:
        one.register(listening, selectors.EVENT_READ)
        return bool(one.select(0))
