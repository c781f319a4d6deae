"""The arrays of an HDF5 file: shape, type, where the bytes lie and what reading them takes.

Section IV of the HDF5 File Format Specification, version 3, as far as Keras' files go.
"""

from __future__ import annotations

import dataclasses
import math
import struct
import zlib
from typing import NamedTuple, final

from tfxai.inspection.limits import MIB
from tfxai.inspection.readers.hdf5_trees import UNDEFINED, Reader
from tfxai.inspection.readers.source import PIECE, Malformed, Unread

_DEFLATE, _SHUFFLE, _CHECKSUM = 1, 2, 3  # the filters that are known, in the order of their use
# Size, then position and size of the exponent, size of the fraction: IEEE's, and bfloat16.
_FLOATS = {(2, 10, 5, 10), (4, 23, 8, 23), (8, 52, 11, 52), (2, 7, 8, 7)}


class Message(NamedTuple):
    """One message of an object header."""

    kind: int
    flags: int
    data: bytes


class ElementKind(NamedTuple):
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
        shape: Shape of the array.
        kind: Kind of its elements.
        stored: Bytes that it takes in the file.
        origin: "inside", "external" (in other files) or "virtual" (put together from others).
        unpacked: Bytes of all its chunks, which are read whole; 0 where it has none.
    """

    path: str
    shape: tuple[int, ...]
    kind: ElementKind
    stored: int
    origin: str
    unpacked: int = 0

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def claimed(self) -> int:
        """Bytes that reading it takes."""
        return max(self.elements * self.kind.size, self.unpacked)


def read_dataset(reader: Reader, path: str, messages: list[Message], ratio: int) -> Dataset:
    """The array that some messages of an object header describe.

    Args:
        reader: Reader of the file.
        path: Path of the array.
        messages: Messages of its header.
        ratio: Bytes for each one stored up to which its chunks are unpacked; beyond it, it is
            refused unseen.
    """
    by_kind = {message.kind: message.data for message in messages}
    if not {0x01, 0x03} <= set(by_kind):
        raise Malformed(f"the array {path!r} has no shape or no type")
    made = Dataset(path, shape_of(by_kind[0x01]), kind_of(by_kind[0x03]), 0, "inside")
    filters = _filters(by_kind[0x0B]) if 0x0B in by_kind else []
    stored, unpacked, origin = _Layout(reader, made, filters, ratio).read(by_kind[0x08])
    origin = "external" if 0x07 in by_kind else origin
    return dataclasses.replace(made, stored=stored, unpacked=unpacked, origin=origin)


@final
class _Layout:
    def __init__(self, reader: Reader, made: Dataset, filters: list[int], ratio: int) -> None:
        self._reader, self._made, self._filters, self._ratio = reader, made, filters, ratio
        self._whole = made.elements * made.kind.size

    def read(self, data: bytes) -> tuple[int, int, str]:
        """Bytes stored, bytes of all chunks, and whose they are."""
        version = data[0]
        if version in (1, 2):
            return *self._old(data), "inside"
        if version not in (3, 4):
            raise Unread(f"a data layout of version {version}")
        how = data[1]
        if how == 0:
            return self._sized(struct.unpack_from("<H", data, 2)[0]), 0, "inside"
        if how == 1:
            return self._contiguous(*struct.unpack_from("<QQ", data, 2)), 0, "inside"
        if how == 3:
            return 0, 0, "virtual"
        if how != 2 or version == 4:
            raise Unread("chunks that are indexed as in HDF5 1.10 and later")
        axes, tree = struct.unpack_from("<BQ", data, 2)
        return *self._chunked(tree, struct.unpack_from(f"<{axes}I", data, 11)), "inside"

    def _old(self, data: bytes) -> tuple[int, int]:
        axes, how = data[1], data[2]
        if how == 0:
            return self._sized(struct.unpack_from("<I", data, 8 + 4 * axes)[0]), 0
        address = struct.unpack_from("<Q", data, 8)[0]
        sizes = struct.unpack_from(f"<{axes}I", data, 16)
        if how == 2:
            return self._chunked(address, sizes)
        return self._contiguous(address, math.prod(sizes) if axes else 0), 0

    def _sized(self, size: int) -> int:
        if size != self._whole:
            raise Malformed(f"the array {self._made.path!r} has other bytes than its shape")
        return size

    def _contiguous(self, address: int, size: int) -> int:
        if address == UNDEFINED:
            return 0
        if self._filters:
            raise Unread("filters on an array that is stored whole")
        self._reader.claim(address, size, "array")
        return self._sized(size)

    def _chunked(self, tree: int, sizes: tuple[int, ...]) -> tuple[int, int]:
        """Bytes stored in chunks, and bytes of all chunks of the array's grid."""
        *chunk, element = sizes
        shape = self._made.shape
        if len(chunk) != len(shape) or element != self._made.kind.size or 0 in chunk:
            raise Malformed("an array's chunks have other axes or another type than it has")
        grid = math.prod(-(-n // size) for n, size in zip(shape, chunk, strict=True))
        if tree == UNDEFINED:
            return 0, 0
        whole, places = math.prod(sizes), set[tuple[int, ...]]()
        found = list(self._reader.chunks(tree, len(shape)))
        for place, *_ in found:
            if place in places or any(at % n for at, n in zip(place, chunk, strict=False)):
                raise Malformed("two chunks of an array overlap")
            places.add(place)
        stored = sum(size for _, _, size, _ in found)
        if max(grid, len(found)) * whole <= max(MIB, self._ratio * stored):  # else it is refused
            for _, address, size, skipped in found:
                self._check_chunk(address, size, whole, skipped)
        return stored, max(grid, len(found)) * whole

    def _check_chunk(self, address: int, size: int, whole: int, skipped: int) -> None:
        """The library unpacks a chunk to its end, however long that is."""
        used = [one for at, one in enumerate(self._filters) if not skipped >> at & 1]
        if _DEFLATE not in used:
            if size != whole + 4 * (_CHECKSUM in used):
                raise Malformed("a chunk of an array has other bytes than its shape")
            return
        inflated, place, left = zlib.decompressobj(), address, whole
        while place < address + size and not inflated.eof:
            piece = self._reader.at(place, min(PIECE, address + size - place))
            place += len(piece)
            while piece and not inflated.eof:
                try:
                    made = inflated.decompress(piece, PIECE)
                except zlib.error as error:
                    raise Malformed("a chunk of an array cannot be unpacked") from error
                left -= len(made)
                if left < 0:
                    raise Malformed("a chunk of an array unpacks to more than it should")
                piece = inflated.unconsumed_tail
        if left or not inflated.eof:
            raise Malformed("a chunk of an array unpacks to less than it should")


def _filters(data: bytes) -> list[int]:
    """The filters that chunks go through, in the order in which they were written."""
    version, count = data[0], data[1]
    if version not in (1, 2) or count > 3:
        raise Unread(f"{count} filters of version {version}")
    found, place = [], 8 if version == 1 else 2
    for _ in range(count):
        number = struct.unpack_from("<H", data, place)[0]
        if number not in (_DEFLATE, _SHUFFLE, _CHECKSUM):
            raise Unread(f"the filter {number}")
        length = 0
        if version == 1:
            length, _, values = struct.unpack_from("<HHH", data, place + 2)
            place += 8 + -(-length // 8) * 8 + 4 * (values + values % 2)
        else:
            values = struct.unpack_from("<H", data, place + 4)[0]
            place += 6 + 4 * values
        found.append(number)
    order = [_SHUFFLE, _DEFLATE, _CHECKSUM]
    if found != [one for one in order if one in found]:
        raise Unread("filters twice or in an unusual order")
    return found


def shape_of(data: bytes) -> tuple[int, ...]:
    """Sizes of a dataspace; an empty one has no element."""
    version, rank, flags = data[0], data[1], data[2]
    if version not in (1, 2) or rank > 32 or flags > 1:
        raise Unread(f"a dataspace of version {version}")
    if version == 2 and data[3] == 2:
        return (0,)
    return struct.unpack_from(f"<{rank}Q", data, 8 if version == 1 else 4)


def kind_of(data: bytes) -> ElementKind:
    """Name and size of a datatype."""
    number, bits = data[0] & 15, data[1]
    size = struct.unpack_from("<I", data, 4)[0]
    if number == 0:
        if struct.unpack_from("<HH", data, 8) != (0, 8 * size):
            raise Unread("whole numbers that do not fill their bytes")
        return ElementKind(f"{'int' if bits & 8 else 'uint'}{8 * size}", size)
    if number == 1:
        return ElementKind(_float(data, size), size)
    if number == 3:
        return ElementKind("text", size, is_text=True)
    if number == 9 and bits & 15 == 1:
        return ElementKind("text", size, is_text=True, varies=True)
    if number == 8:  # as h5py has booleans: an enumeration of int8
        return ElementKind("bool" if size == 1 else f"int{8 * size}", size)
    if number == 5:
        return ElementKind(f"opaque{8 * size}", size)
    if number == 6 and size in (8, 16):
        return ElementKind(f"complex{8 * size}", size)
    return ElementKind("object", size)


def _float(data: bytes, size: int) -> str:
    """Told from others of its size by the bits of its exponent."""
    offset, precision, exponent, width, start, fraction = struct.unpack_from("<HHBBBB", data, 8)
    if (
        offset
        or start
        or precision != 8 * size
        or (size, exponent, width, fraction) not in _FLOATS
    ):
        raise Unread("floating-point numbers of an unusual kind")
    return "bfloat16" if width == 8 and size == 2 else f"float{8 * size}"
