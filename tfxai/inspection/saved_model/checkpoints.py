"""The variables of a SavedModel: what its index says of them, and whether they are all there.

The index is a table of sorted keys as LevelDB writes it, its values protocol buffers
(`tensor_bundle.proto`); the values of the variables lie in files beside it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers import protobuf
from tfxai.inspection.readers.foreign import POINTER, what_it_is
from tfxai.inspection.readers.protobuf import Bytes
from tfxai.inspection.readers.source import Malformed, Unread
from tfxai.inspection.report import Findings
from tfxai.inspection.saved_model.graphs import BYTES, DTYPE, shape

INDEX = "variables/variables.index"
_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_FOOTER = 48


def check_variables(path: Path, files: dict[str, int], limits: Limits, found: Findings) -> None:
    """Finds what keeps the variables of a SavedModel from being read.

    Args:
        path: Path of its folder.
        files: Name to size of what lies in it; the index is among them.
        limits: What they may ask for.
        found: Takes what is found.
    """
    try:
        size = files[INDEX]
        if size > 64 * limits.json_bytes:
            raise Malformed(f"its index has {size:,} bytes")
        with (path / INDEX).open("rb") as file:
            data = file.read(size)
        if what_it_is(data) is not None:
            found.refuse("no model", what_it_is(data) or "", INDEX)
            return
        _check_entries(memoryview(data), path, files, limits, found)
    except Unread as error:
        found.refuse("not read", f"It uses {error}, which TensorFlow does not write.", INDEX)
    except (Malformed, struct.error, IndexError) as error:
        found.refuse("damaged", f"The list of its variables is damaged: {error}.", INDEX)


def _check_entries(
    data: Bytes, path: Path, files: dict[str, int], limits: Limits, found: Findings
) -> None:
    entries = dict(_entries(data, limits))
    if b"" not in entries:
        raise Malformed("it has no header")
    header = entries.pop(b"")
    protobuf.check(header, "BundleHeaderProto", limits.objects)
    shards = protobuf.number(header, 1)
    if not 0 < shards <= 10_000 or protobuf.number(header, 2):
        raise Unread(f"{shards} files of variables, or those of another kind of machine")
    names = [f"variables/variables.data-{n:05}-of-{shards:05}" for n in range(shards)]
    if not _are_there(names, path, files, found):
        return
    claimed = 0
    for key, entry in entries.items():
        protobuf.check(entry, "BundleEntryProto", limits.objects)
        kind = DTYPE.get(protobuf.number(entry, 1), "")
        sizes, stored = shape(protobuf.first(entry, 2)), protobuf.number(entry, 5)
        shard, offset = protobuf.number(entry, 3), protobuf.number(entry, 4)
        if sizes is None or None in sizes or shard >= shards:
            raise Malformed(f"{key[:80]!r} has no shape or no file")
        if offset + stored > files[names[shard]]:
            raise Malformed(f"{key[:80]!r} goes past the end of its file")
        wanted = math.prod(n for n in sizes if n is not None) * BYTES.get(kind, 4)
        is_whole = kind not in ("", "text") and not list(protobuf.messages(entry, 7))
        if is_whole and wanted != stored:
            raise Malformed(f"{key[:80]!r} has {stored:,} bytes and a shape of {wanted:,}")
        claimed += max(wanted, stored)
    held = sum(files[name] for name in names)
    if claimed > min(limits.weights_bytes, limits.unstored_bytes + limits.ratio * held):
        found.refuse(
            "shape bomb", f"Its variables claim {claimed:,} bytes, and {held:,} are stored.", INDEX
        )


def _are_there(names: list[str], path: Path, files: dict[str, int], found: Findings) -> bool:
    for name in names:
        if name not in files:
            found.refuse(
                "no model",
                f"Its variables should lie in {name}, which is not there. Copy the whole folder.",
            )
            return False
        with (path / name).open("rb") as file:
            start = file.read(len(POINTER))
        if start == POINTER:
            found.refuse("no model", what_it_is(start) or "", name)
            return False
    return True


# The table.


def _entries(data: Bytes, limits: Limits) -> Iterator[tuple[bytes, Bytes]]:
    """Keys and values, in order."""
    if len(data) < _FOOTER or data[-8:] != _MAGIC:
        raise Malformed("it does not end as such a list does")
    footer = data[-_FOOTER:-8]
    _, place = _handle(footer, 0)
    (start, size), _ = _handle(footer, place)
    last, count = None, 0
    for _, value in _block(data, start, size):
        for key, inner in _block(data, *_handle(value, 0)[0]):
            count += 1
            if count > limits.objects:
                raise Malformed(f"it has more than {limits.objects:,} variables")
            if last is not None and key <= last:
                raise Malformed("its keys are twice there, or not in order")
            last = key
            yield key, inner


def _block(data: Bytes, start: int, size: int) -> Iterator[tuple[bytes, Bytes]]:
    if start + size + 5 > len(data):
        raise Malformed("it points past its end")
    if data[start + size]:
        raise Unread("a list of variables that is compressed")
    block = data[start : start + size]
    restarts = struct.unpack_from("<I", block, size - 4)[0]
    end, place, key = size - 4 - 4 * restarts, 0, b""
    if end < 0:
        raise Malformed("a part of it is shorter than it says")
    while place < end:
        shared, place = protobuf.varint(block, place)
        fresh, place = protobuf.varint(block, place)
        length, place = protobuf.varint(block, place)
        if shared > len(key) or place + fresh + length > end or fresh + shared > 1 << 16:
            raise Malformed("an entry of it is longer than it is")
        key = key[:shared] + bytes(block[place : place + fresh])
        place += fresh
        yield key, block[place : place + length]
        place += length


def _handle(data: Bytes, place: int) -> tuple[tuple[int, int], int]:
    """Start and size of a block, and where the next one is said."""
    start, place = protobuf.varint(data, place)
    size, place = protobuf.varint(data, place)
    return (start, size), place
