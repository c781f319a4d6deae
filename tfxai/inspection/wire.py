"""Protocol buffers as they lie in a file, without the classes that TensorFlow generates.

A message is a run of fields: a number, a kind, and a whole number or some bytes. What the bytes
mean, the reader of the message knows. https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TypeAlias

from tfxai.inspection.source import Malformed

Bytes: TypeAlias = memoryview
_FIXED = {1: 8, 5: 4}  # kinds of field with a fixed number of bytes


def fields(data: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """Number and value of each field of a message.

    Raises:
        Malformed: It is cut short, or no message.
    """
    place, end = 0, len(data)
    while place < end:
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, place = _varint(data, place)
            yield number, value
            continue
        if kind == 2:
            length, place = _varint(data, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise Malformed(f"a field of kind {kind} in a protocol buffer")
        if number == 0 or place + length > end:
            raise Malformed("a protocol buffer is cut short")
        piece = data[place : place + length]
        yield number, piece if kind == 2 else int.from_bytes(piece, "little")
        place += length


def messages(data: Bytes, wanted: int) -> Iterator[Bytes]:
    """The messages, or bytes, in the fields of one number."""
    for number, value in fields(data):
        if number == wanted and not isinstance(value, int):
            yield value


def first(data: Bytes, wanted: int) -> Bytes:
    """The last message of that number, which is what counts where only one should be."""
    found = deque(messages(data, wanted), maxlen=1)
    return found[0] if found else memoryview(b"")


def texts(data: Bytes, wanted: int) -> list[str]:
    """The texts in the fields of one number."""
    return [bytes(value).decode("utf-8", "replace") for value in messages(data, wanted)]


def text(data: Bytes, wanted: int) -> str:
    """The text of one number, empty where there is none."""
    return (texts(data, wanted) or [""])[-1]


def number(data: Bytes, wanted: int, default: int = 0) -> int:
    """The whole number of one field."""
    found = default
    for at, value in fields(data):
        if at == wanted and isinstance(value, int):
            found = value
    return found


def signed(value: int) -> int:
    """A 64-bit whole number with its sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def _varint(data: Bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            return value & ((1 << 64) - 1), place
        shift += 7
    raise Malformed("a protocol buffer is cut short")
