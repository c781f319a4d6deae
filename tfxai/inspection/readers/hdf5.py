"""Reading what an HDF5 file holds, without the HDF5 library.

The library is large, written in C, and has a history of crashes on damaged files. What a scan
needs is little: names, links, attributes, shapes, types, and where the bytes lie. This is section
IV of the HDF5 File Format Specification, version 3, as far as Keras' files go; anything else
raises `Unread`, and such a file is refused.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeAlias, final

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers.hdf5_arrays import (
    Dataset,
    ElementKind,
    Message,
    kind_of,
    read_dataset,
    shape_of,
)
from tfxai.inspection.readers.hdf5_trees import UNDEFINED, Link, Reader
from tfxai.inspection.readers.source import ByteSource, Malformed, Unread

SIGNATURE = b"\x89HDF\r\n\x1a\n"
Value: TypeAlias = str | list[str] | None  # of an attribute: text, texts, or something else

ONCE = {0x01, 0x02, 0x03, 0x05, 0x07, 0x08, 0x0B, 0x11, 0x15}  # an object has one of each
# What else is known: old fill values, links, attributes, notes, times, counts.
KNOWN = ONCE | {0x04, 0x06, 0x0A, 0x0C, 0x0D, 0x0E, 0x12, 0x16}


@final
@dataclasses.dataclass(frozen=True)
class Tree:
    """All that a file holds.

    Args:
        attributes: Path of a group or array to its attributes; the file itself is "".
        datasets: By path.
        links: Soft and external ones, by path.
    """

    attributes: dict[str, dict[str, Value]]
    datasets: dict[str, Dataset]
    links: dict[str, Link]


def read_tree(source: ByteSource, limits: Limits) -> Tree:
    """Names, shapes, types and attributes of everything in a file.

    Raises:
        Malformed: The file is cut short, damaged, or no HDF5 file.
        Unread: It has structures that Keras does not write.
    """
    try:
        return _File(source, limits).tree()
    except (struct.error, RecursionError, UnicodeError, OverflowError, IndexError) as error:
        raise Malformed("one of its structures is shorter than it says") from error


@final
class _File:
    def __init__(self, source: ByteSource, limits: Limits) -> None:
        self._reader = Reader(source, 10 * limits.objects)
        self._limits = limits
        self._tree = Tree({}, {}, {})
        self._text = 0  # bytes of attributes read so far

    def tree(self) -> Tree:
        todo = [("", self._root())]
        seen: set[int] = set()
        while todo:
            path, link = todo.pop()
            address = link.address
            if len(self._tree.attributes) > self._limits.objects:
                raise Malformed(f"it has more than {self._limits.objects:,} groups and arrays")
            messages = list(self._messages(address))
            _check_messages(messages, link, path)
            attributes = list(self._attributes(messages))
            _refuse_twice((name for name, _ in attributes), "attributes of one name", path)
            self._tree.attributes[path] = dict(attributes)
            if any(message.kind == 0x08 for message in messages):
                ratio = self._limits.ratio
                self._tree.datasets[path] = read_dataset(self._reader, path, messages, ratio)
            elif address not in seen:  # a group may be linked from within itself
                seen.add(address)
                links = list(self._links(messages))
                _refuse_twice((link.name for link in links), "members of one name", path)
                for link in links:
                    below = f"{path}/{link.name}" if path else link.name
                    if link.kind == "hard":
                        todo.append((below, link))
                    else:
                        self._tree.links[below] = link
        self._reader.refuse_overlaps()
        stored = sum(dataset.stored for dataset in self._tree.datasets.values())
        if stored > self._reader.size:  # one array under many names counts as often
            raise Malformed(f"its arrays take {stored:,} bytes, and it has {self._reader.size:,}")
        return self._tree

    def _root(self) -> Link:
        """The root group."""
        head = self._reader.at(0, 16)
        if head[:8] != SIGNATURE:
            raise Malformed("it does not start as an HDF5 file does")
        version = head[8]
        sizes = struct.unpack_from("<BB", head, 13 if version < 2 else 9)
        if version > 3 or sizes != (8, 8):
            raise Unread(f"a superblock of version {version} with {sizes[0]}-byte addresses")
        if version < 2:
            extra = 4 * version
            words = struct.unpack("<6QII16s", self._reader.take(24 + extra, 72, "superblock"))
            base, _, end, driver, _, root, cached, _, scratch = words
            link = Link("", "hard", root, cache=scratch if cached == 1 else b"")
        else:
            words = struct.unpack("<4Q", self._reader.take(12, 32, "superblock"))
            base, driver, end, root = words
            link = Link("", "hard", root)
        if base != 0 or driver != UNDEFINED:  # `driver`: or a superblock extension
            raise Unread("a file that starts elsewhere or is split over drivers")
        if end != self._reader.size:  # more: another file may be behind it
            raise Malformed(f"it should have {end:,} bytes and has {self._reader.size:,}")
        return link

    # Object headers.

    def _messages(self, address: int) -> Iterator[Message]:
        head = self._reader.at(address, 12)
        if head[:4] == b"OHDR":
            yield from self._messages_2(address, head)
        elif head[0] == 1:
            count, size = struct.unpack_from("<2xH4xI", head)
            self._reader.claim(address, 16 + size, "header")
            yield from self._block(address + 16, size, 1, 0, count)
        else:
            raise Malformed(f"there is no group or array at byte {address:,}")

    def _messages_2(self, address: int, head: bytes) -> Iterator[Message]:
        if head[4] != 2:
            raise Unread(f"an object header of version {head[4]}")
        flags = head[5]
        place = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self._reader.at(place, width), "little")
        self._reader.claim(address, place + width - address + size + 4, "header")
        yield from self._block(place + width, size, 2, flags, -1)

    def _block(
        self, address: int, size: int, version: int, flags: int, count: int
    ) -> Iterator[Message]:
        """The messages of a header, blocks that continue it included; `count` where it is said."""
        todo = [(address, size)]
        while todo:
            address, size = todo.pop(0)
            data = self._reader.at(address, size)
            place = 0
            head = 8 if version == 1 else 6 if flags & 4 else 4
            while place + head <= len(data):
                if version == 1:
                    kind, length, marks = struct.unpack_from("<HHB", data, place)
                else:
                    kind, length, marks = struct.unpack_from("<BHB", data, place)
                body = data[place + head : place + head + length]
                if len(body) < length:
                    raise Malformed("a message of an object header is cut short")
                place += head + length
                count -= 1
                if kind == 0x10:
                    where, many = struct.unpack_from("<QQ", body)
                    inner = (0, 0) if version == 1 else (4, 8)  # signature and checksum
                    self._reader.claim(where, many, "continued header")
                    if version == 2:
                        self._reader.signed(where, 4, b"OCHK")
                    todo.append((where + inner[0], many - inner[1]))
                elif kind:
                    yield Message(kind, marks, body)
        if version == 1 and count:
            raise Malformed("an object header has other messages than it counts")

    # Groups.

    def _links(self, messages: list[Message]) -> Iterator[Link]:
        ways = 0  # readers take one of them, and not all the same
        for message in messages:
            if message.kind == 0x11:
                ways += 1
                yield from self._reader.symbols(*struct.unpack_from("<QQ", message.data))
            elif message.kind == 0x02:
                links = list(map(_link, self._dense(message, 8)))
                ways += bool(links)
                yield from links
        links = [_link(message.data) for message in messages if message.kind == 0x06]
        if ways + bool(links) > 1:
            raise Malformed("a group keeps its members in two ways")
        yield from links

    def _dense(self, message: Message, skipped: int) -> Iterator[bytes]:
        """What a heap holds for the records of an index, and of a second one in another order."""
        place = 2 + (skipped if message.data[1] & 1 else 0)
        heap, names = struct.unpack_from("<QQ", message.data, place)
        order = UNDEFINED
        if message.data[1] & 2:
            order = struct.unpack_from("<Q", message.data, place + 16)[0]
        return self._reader.dense(heap, names, order)

    # Attributes.

    def _attributes(self, messages: list[Message]) -> Iterator[tuple[str, Value]]:
        compact = [m.data for m in messages if m.kind == 0x0C]
        dense = [data for m in messages if m.kind == 0x15 for data in self._dense(m, 2)]
        if compact and dense:
            raise Malformed("an object keeps its attributes in two ways")
        yield from map(self._attribute, compact or dense)

    def _attribute(self, data: bytes) -> tuple[str, Value]:
        version, flags = data[0], data[1]
        if version not in (1, 2, 3) or (version > 1 and flags & 3):
            raise Unread(f"an attribute of version {version}, or of a shared type")
        sizes = struct.unpack_from("<HHH", data, 2)
        place, parts = (9 if version == 3 else 8), []
        for size in sizes:
            parts.append(data[place : place + size])
            place += -(-size // 8) * 8 if version == 1 else size
        if parts[0].find(b"\0") != len(parts[0]) - 1:  # the library cuts the last byte unseen
            raise Malformed("the name of an attribute does not end where it should")
        name = parts[0][:-1].decode("utf-8", "surrogateescape")
        return name, self._value(kind_of(parts[1]), shape_of(parts[2]), data[place:])

    def _value(self, kind: ElementKind, shape: tuple[int, ...], data: bytes) -> Value:
        if not kind.is_text:
            return None
        count = math.prod(shape)
        if count * kind.size > len(data):
            raise Malformed("an attribute is shorter than it says")
        items = (data[i * kind.size : (i + 1) * kind.size] for i in range(count))
        texts = [self._string(item, kind) for item in items]
        return texts if shape else texts[0]

    def _string(self, item: bytes, kind: ElementKind) -> str:
        if kind.varies:
            length, address, index = struct.unpack("<IQI", item)
            if not length:
                return ""
            item = self._reader.global_object(address, index)
            if len(item) < length:
                raise Malformed("a text in a heap is shorter than it should be")
            item = item[:length]
        self._text += len(item)
        if self._text > 4 * self._limits.json_bytes:
            raise Malformed("its attributes hold more text than any model needs")
        item = item.rstrip(b"\0")
        if b"\0" in item:  # where some readers end it
            raise Malformed("a text goes on after its end")
        return item.decode("utf-8", "surrogateescape")


def _check_messages(messages: list[Message], link: Link, path: str) -> None:
    """Refuses an object that readers understand differently."""
    _refuse_twice((m.kind for m in messages if m.kind in ONCE), "messages of one kind", path)
    for message in messages:
        if message.kind not in KNOWN:
            raise Unread(f"messages of kind {message.kind}")
        if message.flags & 2:
            raise Unread("messages that several objects share")
    kept = [message.data[:16] for message in messages if message.kind == 0x11]
    if link.cache and kept not in ([], [link.cache]):  # [] where a group was kept otherwise later
        raise Malformed(f"{path or 'its root'!r} lies elsewhere than a note beside its name says")
    if kept and any(message.kind == 0x08 for message in messages):
        raise Malformed(f"{path or 'its root'!r} is a group and an array")


def _refuse_twice(names: Iterable[object], what: str, path: str) -> None:
    """Of two of a name this reader would see one, and the HDF5 library another."""
    counts = Counter(names)
    if counts and max(counts.values()) > 1:
        raise Malformed(f"{path or 'its root'!r} has two {what}")


def _link(data: bytes) -> Link:
    """A link message."""
    flags = data[1]
    place = 2
    kind = 0
    if flags & 8:
        kind, place = data[place], place + 1
    place += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[place : place + width], "little")
    place += width
    name = data[place : place + length].decode("utf-8", "surrogateescape")
    if "\0" in name:
        raise Malformed("the name of a link ends twice")
    rest = data[place + length :]
    if kind == 0:
        return Link(name, "hard", struct.unpack_from("<Q", rest)[0])
    target = rest[2:].decode("utf-8", "replace").strip("\0").replace("\0", ":")
    return Link(name, "soft" if kind == 1 else "external", target=target)
