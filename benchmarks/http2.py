"""Frames of HTTP/2, written by hand: what no well-behaved client of gRPC sends."""

from __future__ import annotations

import struct

PREDICT = "/tensorflow.serving.PredictionService/Predict"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, END_HEADERS, ACKNOWLEDGED = 1, 4, 1
CANCEL = 8  # the reason of a reset
TOO_MANY = 7, 11  # reasons: refused; enhance your calm
WINDOW = 4  # the number of a setting


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    """A frame."""
    return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content


def settings(window: int | None = None) -> bytes:
    """The beginning of a connection; `window` bytes of each answer may come unasked."""
    content = b"" if window is None else struct.pack(">HI", WINDOW, window)
    return PREFACE + frame(SETTINGS, 0, 0, content) + frame(SETTINGS, ACKNOWLEDGED, 0)


def head(path: str = PREDICT) -> bytes:
    """The head of a call."""
    pairs = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "a",
        "content-type": "application/grpc",
        "te": "trailers",
    }
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in pairs.items()
    )


def call(stream: int, message: bytes | None = None) -> bytes:
    """A call, with its message where there is one."""
    made = frame(HEADERS, END_HEADERS, stream, head())
    if message is None:
        return made
    return made + frame(DATA, END_STREAM, stream, struct.pack(">BI", 0, len(message)) + message)


def frames(data: bytes) -> list[tuple[int, int, bytes]]:
    """The frames in what came: kind, stream and content."""
    found = []
    while len(data) >= 9:
        end = 9 + int.from_bytes(data[:3], "big")
        found.append((data[3], int.from_bytes(data[5:9], "big"), data[9:end]))
        data = data[end:]
    return found
