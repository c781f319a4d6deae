"""The socket at which the server listens."""

from __future__ import annotations

import logging
import selectors
import socket

from tfxai.errors import OutputError

_LOG = logging.getLogger("tfxai.serving")
_BACKLOG = 2048
_OTHERS = 256  # descriptors that are no connections of clients


def listen(host: str, port: int, option: str = "--port") -> socket.socket:
    """A socket that listens there.

    Args:
        host: An address of this machine.
        port: A free port; 0 picks one.
        option: What names the port on the command line.

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
            f"another --host or {option}."
        ) from error
    return made


def allow(connections: int) -> None:
    """Raises this process's limit of open files to what so many connections need.

    Logs a warning where the system's own limit is lower: a process without descriptors takes no
    connection at all, whoever comes.
    """
    try:
        import resource
    except ModuleNotFoundError:  # no such limit
        return
    wanted = connections + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        _LOG.warning(
            "%d connections need %d open files, and this process may have %d. Pass a smaller "
            "--max-connections, or raise the limit (ulimit -n).",
            connections,
            wanted,
            most,
        )


def has_waiting(listening: socket.socket) -> bool:
    """Whether a connection waits there to be accepted."""
    with selectors.DefaultSelector() as one:
        one.register(listening, selectors.EVENT_READ)
        return bool(one.select(0))
