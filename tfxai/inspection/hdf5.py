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
from typing import NamedTuple, TypeAlias, final

from tfxai.inspection.hdf5_trees import UNDEFINED, Link, Reader
from tfxai.inspection.limits import Limits
from tfxai.inspection.source import Malformed, Source, Unread

SIGNATURE = b"\x89HDF\r\n\x1a\n"
Value: TypeAlias = str | list[str] | None  # of an attribute: text, texts, or something else

ONCE = {0x01, 0x02, 0x03, 0x07, 0x08, 0x11, 0x15}  # messages of which an object has one


class Kind(NamedTuple):
    """The type of an array's elements."""

    name: str  # as NumPy has it; "object" where elements point elsewhere
    size: int  # bytes of an element
    is_text: bool = False
    varies: bool = False  # text of any length, in a heap


@final
@dataclasses.dataclass(frozen=True)
class Dataset:
    """An array, without its values.

    Args:
        path: In the file.
        shape: Of the array.
        kind: Of its elements.
        stored: Bytes that it takes in the file.
        origin: "inside", "external" (in other files) or "virtual" (put together from others).
    """

    path: str
    shape: tuple[int, ...]
    kind: Kind
    stored: int
    origin: str

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def claimed(self) -> int:
        """Bytes that it takes in memory."""
        return self.elements * self.kind.size


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


class _Message(NamedTuple):
    kind: int
    flags: int
    data: bytes


def read_tree(source: Source, limits: Limits) -> Tree:
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
    def __init__(self, source: Source, limits: Limits) -> None:
        self._reader = Reader(source, 10 * limits.objects)
        self._limits = limits
        self._tree = Tree({}, {}, {})
        self._text = 0  # bytes of attributes read so far

    def tree(self) -> Tree:
        todo = [("", self._root())]
        seen: set[int] = set()
        while todo:
            path, address = todo.pop()
            if len(self._tree.attributes) > self._limits.objects:
                raise Malformed(f"it has more than {self._limits.objects:,} groups and arrays")
            messages = list(self._messages(address))
            _refuse_twice(
                (m.kind for m in messages if m.kind in ONCE), "messages of one kind", path
            )
            attributes = list(self._attributes(messages))
            _refuse_twice((name for name, _ in attributes), "attributes of one name", path)
            self._tree.attributes[path] = dict(attributes)
            if any(message.kind == 0x08 for message in messages):
                self._tree.datasets[path] = self._dataset(path, messages)
            elif address not in seen:  # a group may be linked from within itself
                seen.add(address)
                links = list(self._links(messages))
                _refuse_twice((link.name for link in links), "members of one name", path)
                for link in links:
                    below = f"{path}/{link.name}" if path else link.name
                    if link.kind == "hard":
                        todo.append((below, link.address))
                    else:
                        self._tree.links[below] = link
        return self._tree

    def _root(self) -> int:
        """Address of the root group's header."""
        head = self._reader.at(0, 16)
        if head[:8] != SIGNATURE:
            raise Malformed("it does not start as an HDF5 file does")
        version = head[8]
        sizes = struct.unpack_from("<BB", head, 13 if version < 2 else 9)
        if version > 3 or sizes != (8, 8):
            raise Unread(f"a superblock of version {version} with {sizes[0]}-byte addresses")
        if version < 2:
            extra = 4 * version
            words = struct.unpack("<6Q", self._reader.at(24 + extra, 48))
            base, _, end, driver, _, root = words
        else:
            base, driver, end, root = struct.unpack("<4Q", self._reader.at(12, 32))
        if base != 0 or driver != UNDEFINED:  # `driver`: or a superblock extension
            raise Unread("a file that starts elsewhere or is split over drivers")
        if end > self._reader.size:
            raise Malformed(f"it should have {end:,} bytes and has {self._reader.size:,}")
        return int(root)

    # Object headers.

    def _messages(self, address: int) -> Iterator[_Message]:
        head = self._reader.at(address, 12)
        if head[:4] == b"OHDR":
            yield from self._messages_2(address, head)
        elif head[0] == 1:
            size = struct.unpack_from("<I", head, 8)[0]
            yield from self._block(address + 16, size, 1, 0)
        else:
            raise Malformed(f"there is no group or array at byte {address:,}")

    def _messages_2(self, address: int, head: bytes) -> Iterator[_Message]:
        if head[4] != 2:
            raise Unread(f"an object header of version {head[4]}")
        flags = head[5]
        place = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self._reader.at(place, width), "little")
        yield from self._block(place + width, size, 2, flags)

    def _block(self, address: int, size: int, version: int, flags: int) -> Iterator[_Message]:
        """The messages of a header, blocks that continue it included."""
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
                if kind == 0x10:
                    where, many = struct.unpack_from("<QQ", body)
                    inner = (0, 0) if version == 1 else (4, 8)  # signature and checksum
                    if version == 2:
                        self._reader.signed(where, 4, b"OCHK")
                    todo.append((where + inner[0], many - inner[1]))
                elif kind:
                    yield _Message(kind, marks, body)

    # Groups.

    def _links(self, messages: list[_Message]) -> Iterator[Link]:
        for message in messages:
            if message.kind == 0x11:
                yield from self._reader.symbols(*struct.unpack_from("<QQ", message.data))
            elif message.kind == 0x06:
                yield _link(message.data)
            elif message.kind == 0x02:
                place = 2 + (8 if message.data[1] & 1 else 0)
                heap, names = struct.unpack_from("<QQ", message.data, place)
                yield from (_link(data) for data in self._reader.dense(heap, names))

    # Arrays.

    def _dataset(self, path: str, messages: list[_Message]) -> Dataset:
        by_kind = {message.kind: message for message in messages}
        if not {0x01, 0x03} <= set(by_kind):
            raise Malformed(f"the array {path!r} has no shape or no type")
        if by_kind[0x03].flags & 2 or by_kind[0x01].flags & 2:
            raise Unread("types that several arrays share")
        shape, kind = _shape(by_kind[0x01].data), _kind(by_kind[0x03].data)
        stored, origin = self._layout(by_kind[0x08].data, len(shape))
        origin = "external" if 0x07 in by_kind else origin
        return Dataset(path, shape, kind, stored, origin)

    def _layout(self, data: bytes, rank: int) -> tuple[int, str]:
        """Bytes stored, and whose they are."""
        version = data[0]
        if version in (1, 2):
            return self._layout_1(data, rank), "inside"
        if version not in (3, 4):
            raise Unread(f"a data layout of version {version}")
        how = data[1]
        if how == 0:
            return int(struct.unpack_from("<H", data, 2)[0]), "inside"
        if how == 1:
            return self._contiguous(*struct.unpack_from("<QQ", data, 2)), "inside"
        if how == 3:
            return 0, "virtual"
        if how != 2 or version == 4:
            raise Unread("chunks that are indexed as in HDF5 1.10 and later")
        axes, tree = struct.unpack_from("<BQ", data, 2)
        if axes != rank + 1:
            raise Malformed("an array's chunks have other axes than it has")
        return (0 if tree == UNDEFINED else self._reader.chunks(tree, rank)), "inside"

    def _layout_1(self, data: bytes, rank: int) -> int:
        axes, how = data[1], data[2]
        if how == 0:
            return int(struct.unpack_from("<I", data, 8 + 4 * axes)[0])
        address = struct.unpack_from("<Q", data, 8)[0]
        if how == 2:
            return 0 if address == UNDEFINED else self._reader.chunks(address, rank)
        size = struct.unpack_from("<I", data, 16 + 4 * (axes - 1))[0] if axes else 0
        return self._contiguous(address, size)

    def _contiguous(self, address: int, size: int) -> int:
        if address == UNDEFINED:
            return 0
        if address + size > self._reader.size:
            raise Malformed(f"an array of {size:,} bytes at byte {address:,} goes past its end")
        return size

    # Attributes.

    def _attributes(self, messages: list[_Message]) -> Iterator[tuple[str, Value]]:
        for message in messages:
            if message.kind == 0x0C:
                if message.flags & 2:
                    raise Unread("attributes that several objects share")
                yield self._attribute(message.data)
            elif message.kind == 0x15:
                place = 2 + (2 if message.data[1] & 1 else 0)
                heap, names = struct.unpack_from("<QQ", message.data, place)
                yield from (self._attribute(data) for data in self._reader.dense(heap, names))

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
        return name, self._value(_kind(parts[1]), _shape(parts[2]), data[place:])

    def _value(self, kind: Kind, shape: tuple[int, ...], data: bytes) -> Value:
        if not kind.is_text:
            return None
        count = math.prod(shape)
        if count * kind.size > len(data):
            raise Malformed("an attribute is shorter than it says")
        items = (data[i * kind.size : (i + 1) * kind.size] for i in range(count))
        texts = [self._string(item, kind) for item in items]
        return texts if shape else texts[0]

    def _string(self, item: bytes, kind: Kind) -> str:
        if kind.varies:
            length, address, index = struct.unpack("<IQI", item)
            if not length:
                return ""
            item = self._reader.global_object(address, index)[:length]
        self._text += len(item)
        if self._text > 4 * self._limits.json_bytes:
            raise Malformed("its attributes hold more text than any model needs")
        item = item.split(b"\0")[0] if kind.varies else item.rstrip(b"\0")
        return item.decode("utf-8", "surrogateescape")


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


def _shape(data: bytes) -> tuple[int, ...]:
    """Sizes of a dataspace; an empty one has no element."""
    version, rank = data[0], data[1]
    if version not in (1, 2):
        raise Unread(f"a dataspace of version {version}")
    if version == 2 and data[3] == 2:
        return (0,)
    return struct.unpack_from(f"<{rank}Q", data, 8 if version == 1 else 4)


def _kind(data: bytes) -> Kind:
    """Name and size of a datatype."""
    number, bits = data[0] & 15, data[1]
    size = struct.unpack_from("<I", data, 4)[0]
    if number == 0:
        return Kind(f"{'int' if bits & 8 else 'uint'}{8 * size}", size)
    if number == 1:
        return Kind(_float(data, size), size)
    if number == 3:
        return Kind("text", size, is_text=True)
    if number == 9 and bits & 15 == 1:
        return Kind("text", size, is_text=True, varies=True)
    if number == 8:  # as h5py has booleans: an enumeration of int8
        return Kind("bool" if size == 1 else f"int{8 * size}", size)
    if number == 5:
        return Kind(f"opaque{8 * size}", size)
    if number == 6 and size in (8, 16):
        return Kind(f"complex{8 * size}", size)
    return Kind("object", size)


def _float(data: bytes, size: int) -> str:
    """Told from others of its size by the bits of its exponent."""
    exponent = data[13] if len(data) > 13 else 0
    return "bfloat16" if size == 2 and exponent == 8 else f"float{8 * size}"
