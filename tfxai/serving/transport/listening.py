"""The socket at which the server listens, and its end with no connection lost."""

from __future__ import annotations

import contextlib
import ctypes
import selectors
import socket
import struct

from tfxai.errors import OutputError

_BACKLOG = 2048
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER of Linux
_FLAGS, _SYN, _ACK = 13, 0x02, 0x10  # of a TCP header, RFC 9293, section 3.1
_FIRST_DROPPED = (  # classic BPF: code, jumps if true and if false, operand
    (0x30, 0, 0, _FLAGS),  # load the byte of the flags
    (0x54, 0, 0, _SYN | _ACK),
    (0x15, 0, 1, _SYN),  # the first segment of a connection
    (0x06, 0, 0, 0),  # is dropped,
    (0x06, 0, 0, 0xFFFFFFFF),  # any other is kept
)


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


def begin_no_more(listening: socket.socket) -> None:
    """Lets no new connection begin, while those that have begun can still be accepted.

    The kernel completes connections by itself and resets those that nobody has accepted when the
    socket is closed; the request in them would be lost. Linux can drop the first segment of each
    new one: its client sends it again, and is refused once the socket is closed. Elsewhere
    nothing changes.
    """
    code = b"".join(struct.pack("HBBI", *one) for one in _FIRST_DROPPED)
    kept = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(_FIRST_DROPPED), ctypes.addressof(kept))
    with contextlib.suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, program)


def has_waiting(listening: socket.socket) -> bool:
    """Whether a connection waits there to be accepted."""
    with selectors.DefaultSelector() as one:
        one.register(listening, selectors.EVENT_READ)
        return bool(one.select(0))
