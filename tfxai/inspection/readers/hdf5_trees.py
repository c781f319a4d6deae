"""The indices of an HDF5 file: B-trees, heaps, symbol tables.

Names and layouts are those of the HDF5 File Format Specification, version 3, section III. Every
read is one step, and steps are bounded, so no loop of addresses can hold a reader up.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple, final

from tfxai.inspection.readers.source import ByteSource, Malformed, Unread

UNDEFINED = (1 << 64) - 1


class Link(NamedTuple):
    """One name in a group: an address, or the text of a link that is no hard one."""

    name: str
    kind: str  # "hard", "soft" or "external"
    address: int = 0
    target: str = ""
    cache: bytes = b""  # where its members lie, as a note beside its name has it


@final
class Reader:
    """Reads structures with 8-byte offsets and lengths, as Keras' files have.

    Args:
        source: The bytes.
        steps: Reads before it gives up.
    """

    def __init__(self, source: ByteSource, steps: int) -> None:
        self._source, self._steps = source, steps
        self.size = source.size
        self._claimed: dict[int, tuple[int, str]] = {}
        self._heaps: dict[int, dict[int, bytes]] = {}

    def at(self, address: int, size: int) -> bytes:
        """`size` bytes from an address on."""
        self._steps -= 1
        if self._steps < 0:
            raise Malformed("it has more parts than any model needs, or they form a loop")
        return self._source.at(address, size)

    def take(self, address: int, size: int, what: str) -> bytes:
        """The same, of a structure that nothing else may overlap."""
        self.claim(address, size, what)
        return self.at(address, size)

    def claim(self, address: int, size: int, what: str) -> None:
        """Notes whose bytes these are."""
        known = self._claimed.setdefault(address, (size, what))
        if known != (size, what):
            raise Malformed(f"a {known[1]} and a {what} both start at byte {address:,}")

    def refuse_overlaps(self) -> None:
        """Refuses two structures in the same bytes: a reader of one does not see the other."""
        end, last = 0, "superblock"
        for address, (size, what) in sorted(self._claimed.items()):
            if address < end and size:
                raise Malformed(f"a {what} at byte {address:,} lies in a {last}")
            if address + size > self.size:
                raise Malformed(f"a {what} at byte {address:,} goes past its end")
            end, last = max(end, address + size), what

    def signed(self, address: int, size: int, signature: bytes) -> bytes:
        """A structure, after a check of the four letters that it starts with."""
        data = self.at(address, size)
        if data[:4] != signature:
            raise Malformed(f"there is no {signature.decode()} structure at byte {address:,}")
        return data

    # Groups as Keras writes them: a B-tree of symbol tables, names in a local heap.

    def symbols(self, tree: int, heap: int) -> Iterator[Link]:
        """The links of an old-style group, in the order in which they are looked up."""
        _, size, _, names = struct.unpack("<8s3Q", self.signed(heap, 32, b"HEAP"))
        self.claim(heap, 32, "heap")
        text = self.take(names, size, "heap of names")
        last = b""
        for node in self._leaves(tree, 0, 8):
            count = struct.unpack_from("<H", self.signed(node, 8, b"SNOD"), 6)[0]
            self.claim(node, 8 + 40 * count, "table of names")
            table = self.at(node + 8, 40 * count)
            for place, address, cached, _, scratch in struct.iter_unpack("<QQII16s", table):
                name = _bytes(text, place)
                if name <= last:
                    raise Malformed("a group has two members of one name, or not in order")
                last = name
                link = Link(name.decode("utf-8", "surrogateescape"), "hard", address)
                if cached == 2:  # a soft link: its value lies in the heap too
                    value = _bytes(text, struct.unpack_from("<I", scratch)[0])
                    yield link._replace(kind="soft", target=value.decode("utf-8", "replace"))
                elif cached == 1:
                    yield link._replace(cache=scratch)
                elif cached == 0:
                    yield link
                else:
                    raise Malformed(f"a name in a group is of kind {cached}")

    def chunks(self, tree: int, rank: int) -> Iterator[tuple[tuple[int, ...], int, int, int]]:
        """Place, address, bytes stored and skipped filters of each chunk of an array."""
        key = 8 + 8 * (rank + 1)
        for level, children, keys in self._nodes(tree, 1, key):
            if level:
                continue
            for address, one in zip(children, keys, strict=True):
                size, skipped = struct.unpack_from("<II", one)
                place = struct.unpack_from(f"<{rank + 1}Q", one, 8)
                self.claim(address, size, "chunk")
                yield place, address, size, skipped

    def _leaves(self, tree: int, kind: int, key: int) -> Iterator[int]:
        """Children of the lowest nodes of a version 1 B-tree."""
        for level, children, _ in self._nodes(tree, kind, key):
            if level == 0:
                yield from children

    def _nodes(
        self, tree: int, kind: int, key: int
    ) -> Iterator[tuple[int, list[int], list[bytes]]]:
        """Level, children and keys of each node of a version 1 B-tree."""
        todo, seen = [tree], set()
        while todo:
            address = todo.pop()
            if address in seen:
                raise Malformed(f"the B-tree node at byte {address:,} is reached twice")
            seen.add(address)
            head = self.signed(address, 24, b"TREE")
            found, level, count = struct.unpack_from("<BBH", head, 4)
            if found != kind:
                raise Malformed(f"the B-tree at byte {address:,} is of kind {found}, not {kind}")
            self.claim(address, 24 + count * (key + 8) + key, "B-tree")
            body = self.at(address + 24, count * (key + 8))
            keys = [body[i * (key + 8) : i * (key + 8) + key] for i in range(count)]
            children = [
                struct.unpack_from("<Q", body, i * (key + 8) + key)[0] for i in range(count)
            ]
            yield level, children, keys
            if level:
                todo.extend(reversed(children))

    # Groups with many names and creation order: a fractal heap, indexed by a version 2 B-tree.

    def dense(self, heap: int, tree: int, order: int) -> Iterator[bytes]:
        """The messages that a fractal heap holds for the records of a B-tree.

        Args:
            heap: Address of the heap.
            tree: Address of the B-tree.
            order: Address of a second one, which has to have the same records; or none.
        """
        if heap == UNDEFINED or tree == UNDEFINED:
            return
        objects = FractalHeap(self, heap)
        found = self._ids(tree, objects.id_size, {5: 4, 8: 0})
        if len(set(found)) < len(found):
            raise Malformed("an index has the same record twice")
        if order != UNDEFINED and set(found) != set(
            self._ids(order, objects.id_size, {6: 8, 9: 0})
        ):
            raise Malformed("two indices of one group have other records")
        yield from map(objects.get, found)

    def _ids(self, tree: int, size_of_id: int, kinds: dict[int, int]) -> list[bytes]:
        """Heap IDs in the records of a B-tree, which lie where `kinds` says."""
        head = self.signed(tree, 38, b"BTHD")
        self.claim(tree, 38, "B-tree")
        kind, node, size, depth = struct.unpack_from("<BIHH", head, 5)
        root, count, total = struct.unpack_from("<QHQ", head, 16)
        first = kinds.get(kind)
        if first is None or depth > 1 or not 0 < size <= 64 or not 64 <= node <= 65536:
            raise Unread(f"a B-tree of kind {kind} and depth {depth}")
        found = [
            record[first : first + size_of_id]
            for record in self._records(root, count, node, size, depth)
        ]
        if len(found) != total:
            raise Malformed("a B-tree has other records than it counts")
        return found

    def _records(self, root: int, count: int, node: int, size: int, depth: int) -> Iterator[bytes]:
        if root == UNDEFINED or not count:
            return
        data = self.signed(root, 6 + count * size, b"BTIN" if depth else b"BTLF")
        self.claim(root, node, "B-tree")
        yield from (data[6 + i * size : 6 + (i + 1) * size] for i in range(count))
        if not depth:
            return
        most = (node - 10) // size  # records of a leaf
        width = (most.bit_length() - 1) // 8 + 1  # bytes that count them
        pointers = self.at(root + 6 + count * size, (count + 1) * (8 + width))
        for i in range(count + 1):
            one = pointers[i * (8 + width) : (i + 1) * (8 + width)]
            address, records = struct.unpack_from("<Q", one)[0], int.from_bytes(one[8:], "little")
            yield from self._records(address, records, node, size, 0)

    def global_object(self, address: int, index: int) -> bytes:
        """One object of a global heap collection: where strings of any length lie."""
        if address not in self._heaps:
            self._heaps[address] = self._collection(address)
        if index not in self._heaps[address]:
            raise Malformed(f"the heap at byte {address:,} has no object {index}")
        return self._heaps[address][index]

    def _collection(self, address: int) -> dict[int, bytes]:
        """All objects of a collection, by index."""
        size = struct.unpack_from("<Q", self.signed(address, 16, b"GCOL"), 8)[0]
        self.claim(address, size, "heap")
        data, place = self.at(address, size), 16
        found: dict[int, bytes] = {}
        while place + 16 <= size:
            number, _, length = struct.unpack_from("<HH4xQ", data, place)
            if number == 0:  # what is free, to its end
                break
            end = place + 16 + length
            if number in found or end > size:
                raise Malformed(f"the heap at byte {address:,} has its object {number} twice")
            found[number] = data[place + 16 : end]
            place += 16 + -(-length // 8) * 8
        return found


@final
class FractalHeap:
    """Small objects in blocks whose sizes double.

    Args:
        reader: Reader of the file.
        address: Address of the heap's header.
    """

    def __init__(self, reader: Reader, address: int) -> None:
        head = reader.signed(address, 146, b"FRHP")
        reader.claim(address, 146, "heap")
        self.id_size, filters = struct.unpack_from("<HH", head, 5)
        self._width, self._first, self._most, bits = struct.unpack_from("<HQQH", head, 110)
        self._root, self._rows = struct.unpack_from("<QH", head, 132)
        self._offset_size = -(-bits // 8)
        powers = all(n and n & (n - 1) == 0 for n in (self._first, self._most))
        if filters or not powers or not 0 < self._width <= 64 or bits > 64:
            raise Unread("a compressed or unusual fractal heap")
        self._reader = reader

    def get(self, heap_id: bytes) -> bytes:
        """The object of that ID."""
        if not heap_id or heap_id[0] & 0x30:
            raise Unread("objects of a fractal heap that are huge or tiny")
        end = 1 + self._offset_size
        offset = int.from_bytes(heap_id[1:end], "little")
        length = int.from_bytes(heap_id[end:], "little")
        start, size, address = self._block(offset)
        if offset - start + length > size:
            raise Malformed("an object of a fractal heap crosses its block")
        return self._reader.at(address + offset - start, length)

    def _block(self, offset: int) -> tuple[int, int, int]:
        """Start, size and address of the direct block around an offset."""
        if not self._rows:
            self._reader.claim(self._root, self._first, "block of a heap")
            return 0, self._first, self._root
        head = 13 + self._offset_size
        direct = (self._most // self._first).bit_length() + 1  # rows of direct blocks
        start = 0
        for row in range(min(self._rows, direct)):
            size = self._first << max(0, row - 1)
            if offset < start + size * self._width:
                column = (offset - start) // size
                entry = self._root + head + 8 * (row * self._width + column)
                address = struct.unpack("<Q", self._reader.at(entry, 8))[0]
                self._reader.signed(self._root, head, b"FHIB")
                blocks = self._rows * self._width
                self._reader.claim(self._root, head + 8 * blocks + 4, "block of a heap")
                self._reader.claim(address, size, "block of a heap")
                return start + column * size, size, address
            start += size * self._width
        raise Unread("a fractal heap with indirect blocks in indirect blocks")


def _bytes(data: bytes, start: int) -> bytes:
    """The text that ends with a zero byte."""
    end = data.find(b"\0", start)
    if start >= len(data) or end < 0:
        raise Malformed("a name lies outside its heap")
    return data[start:end]
