"""Protocol buffers as they lie in a file, without the classes that TensorFlow generates.

A message is a run of fields: a number, a kind, and a whole number or some bytes. What the bytes
mean, the reader of the message knows. https://protobuf.dev/programming-guides/encoding/

`check` comes first for a message from outside: it refuses what readers understand differently. A
field that should be there once and is there twice is merged by one and overwritten by another; a
number that is too large for its field is cut; a field that is not known is skipped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

from tfxai.inspection.names.tensorflow_names import MESSAGES, VERSION
from tfxai.inspection.readers.source import Malformed, Unread

Bytes: TypeAlias = memoryview
_FIXED = {1: 8, 5: 4}  # kinds of field with a fixed number of bytes
_KIND = {"i32": 0, "i64": 0, "u32": 0, "u64": 0, "bool": 0, "f8": 1, "f4": 5}
_MOST = {"bool": 1, "u32": (1 << 32) - 1}
_DEPTH = 50  # messages in one another; TensorFlow gives up at 100
_SHORT, _KEPT = 64, 100_000  # bytes of a message that is checked once, and how many of them
# Notes for people who debug, and types that TensorFlow infers again: they name nothing that runs.
_NOTES = {"FullTypeDef", "GraphDebugInfo", "NodeDef.ExperimentalDebugInfo", "OpList", "VersionDef"}
# Not TensorFlow's: what Keras 2 keeps beside a SavedModel.
_KERAS = """
SavedMetadata 1*KerasObject
KerasObject 2:i32 3:text 4:text 5:text 6:VersionDef
"""


class _Field(NamedTuple):
    kind: str
    many: bool
    choice: str  # name of the choice of which only one field is set


@cache
def _schemas() -> dict[str, dict[int, _Field]]:
    """Fields of each message, by number."""
    found: dict[str, dict[int, _Field]] = {}
    for line in (MESSAGES + _KERAS).replace("\n ", " ").split("\n"):
        name, *fields_ = line.split() or [""]
        found[name] = dict(map(_field, fields_))
    return found


def _field(text: str) -> tuple[int, _Field]:
    many = "*" in text
    number, _, kind = text.partition("*" if many else ":")
    kind, _, choice = kind.partition("|")
    return int(number), _Field(kind, many, choice)


def check(data: Bytes, message: str, most: int) -> None:
    """Refuses a message that another reader could understand otherwise.

    Args:
        data: The message.
        message: Its name, as `MESSAGES` has it.
        most: Fields that it may have, inner ones included.

    Raises:
        Malformed: It is cut short, ambiguous, or has more fields than that.
        Unread: It has fields that TensorFlow's messages do not have.
    """
    _Checker(most).check(data, message, 0)


class _Checker:
    def __init__(self, most: int) -> None:
        self._left = most
        self._known: set[tuple[str, bytes]] = set()

    def check(self, data: Bytes, message: str, depth: int) -> None:
        if depth > _DEPTH:
            raise Malformed(f"messages in a protocol buffer nest deeper than {_DEPTH} levels")
        schema, once, keys = _schemas()[message], set[str | int](), set[tuple[int, bytes]]()
        for number, kind, value in _parts(data):
            self._count()
            field = schema.get(number)
            if field is None:
                raise Unread(f"field {number} of {message}, unknown to TensorFlow {VERSION}")
            if not field.many:
                name = field.choice or number
                if name in once:
                    raise Malformed(
                        f"{message} has its field {number} twice, or two of one choice: readers "
                        "merge them or keep one"
                    )
                once.add(name)
            if isinstance(value, int):
                _check_number(value, kind, field, f"{message}.{number}")
            else:
                self._check_bytes(value, field, f"{message}.{number}", depth)
                if field.many and field.kind.endswith("Entry"):
                    _add_key(value, number, keys, message)

    def _check_bytes(self, value: Bytes, field: _Field, where: str, depth: int) -> None:
        kind = field.kind
        if kind == "text":
            _check_text(value, where)
        elif kind in _KIND:
            if not field.many:
                raise Malformed(f"{where} should be a number and is none")
            self._check_packed(value, field, where)
        elif kind != "bytes" and kind not in _NOTES:
            key = (kind, bytes(value)) if len(value) <= _SHORT else None
            if key is None or key not in self._known:
                self.check(value, kind, depth + 1)
                if key is not None and len(self._known) < _KEPT:
                    self._known.add(key)

    def _check_packed(self, value: Bytes, field: _Field, where: str) -> None:
        kind = _KIND[field.kind]
        if kind:
            if len(value) % _FIXED[kind]:
                raise Malformed(f"{where} is cut short")
            return
        if field.kind != "bool" and bytes(value).isascii():  # each number is one byte
            return
        place = 0
        while place < len(value):
            self._count()
            number, place = varint(value, place)
            _check_range(number, field.kind, where)

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Malformed("a protocol buffer has more fields than any model needs")


def _check_number(value: int, kind: int, field: _Field, where: str) -> None:
    if _KIND.get(field.kind) != kind:
        raise Malformed(f"{where} is of another kind than it should be")
    if kind == 0:
        _check_range(value, field.kind, where)


def _check_range(value: int, kind: str, where: str) -> None:
    cut = kind == "i32" and not -(1 << 31) <= signed(value) < 1 << 31
    if cut or value > _MOST.get(kind, value):
        raise Malformed(f"{where} has a number that is too large for it")


def _check_text(value: Bytes, where: str) -> None:
    try:
        str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise Malformed(f"{where} is text that is not UTF-8") from error


def _add_key(entry: Bytes, number: int, keys: set[tuple[int, bytes]], message: str) -> None:
    """Notes the key of an entry of a map; of two with one key readers keep one."""
    key = b""
    for at, _, value in _parts(entry):
        if at == 1:
            key = b"%d" % value if isinstance(value, int) else bytes(value)
    if (number, key) in keys:
        raise Malformed(f"{message} has two entries {key[:80].decode('utf-8', 'replace')!r}")
    keys.add((number, key))


def _parts(data: Bytes) -> Iterator[tuple[int, int, int | Bytes]]:
    """Number, kind and value of each field of a message."""
    place, end = 0, len(data)
    while place < end:
        tag = data[place]
        place += 1
        if tag > 127:
            tag, place = varint(data, place - 1)
        number, kind = tag >> 3, tag & 7
        if number == 0:
            raise Malformed("a protocol buffer has a field 0")
        if kind == 0:
            value, place = varint(data, place)
            yield number, kind, value
            continue
        if kind == 2:
            length, place = varint(data, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise Malformed(f"a field of kind {kind} in a protocol buffer")
        if place + length > end:
            raise Malformed("a protocol buffer is cut short")
        piece = data[place : place + length]
        yield number, kind, piece if kind == 2 else int.from_bytes(piece, "little")
        place += length


def fields(data: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """Number and value of each field of a message.

    Raises:
        Malformed: It is cut short, or no message.
    """
    for number, _, value in _parts(data):
        yield number, value


def messages(data: Bytes, wanted: int) -> Iterator[Bytes]:
    """The messages, or bytes, in the fields of one number."""
    for number, value in fields(data):
        if number == wanted and not isinstance(value, int):
            yield value


def first(data: Bytes, wanted: int) -> Bytes:
    """The message of that number; a checked message has no second one."""
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


def numbers(data: Bytes, wanted: int) -> list[int]:
    """The whole numbers of a field that holds many, one by one or packed."""
    found = []
    for at, value in fields(data):
        if at == wanted and isinstance(value, int):
            found.append(value)
        elif at == wanted and not isinstance(value, int):
            place = 0
            while place < len(value):
                one, place = varint(value, place)
                found.append(one)
    return found


def signed(value: int) -> int:
    """A 64-bit whole number with its sign."""
    return value - (1 << 64) if value >= 1 << 63 else value


def varint(data: Bytes, place: int) -> tuple[int, int]:
    """The whole number at a place, and the place behind it."""
    value = shift = 0
    while place < len(data) and shift < 70:
        byte = data[place]
        value |= (byte & 127) << shift
        place += 1
        if byte < 128:
            if value >> 64 or (byte == 0 and shift):
                raise Malformed("a number in a protocol buffer is longer than it need be")
            return value, place
        shift += 7
    raise Malformed("a protocol buffer is cut short")
