"""Whether every reader of a zip archive finds the same members in it.

An archive names its members twice: in a list at its end, and in a header before each of them.
Some readers take the list, some go from header to header. So both have to say the same, and there
may be nothing but members, one after the other, then the list. This is APPNOTE.TXT of PKWARE,
sections 4.3 and 4.4.
"""

from __future__ import annotations

import struct
import zipfile
from typing import Any

from tfxai.inspection.readers.source import Malformed
from tfxai.inspection.report import Findings

_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_SENT = 8  # bit of the flags: sizes come after the data
_AFTER = {12, 16, 20, 24}  # bytes that they then take
_MOST = 0xFFFFFFFF  # stands for a size in an extra field
# Extra fields that say nothing about the name or the content: sizes, times, owners.
_EXTRA = {0x0001, 0x000A, 0x5455, 0x5855, 0x7855, 0x7875}


def check_layout(file: Any, size: int, archive: zipfile.ZipFile, found: Findings) -> None:
    """Finds what readers of an archive could understand differently.

    Args:
        file: The archive, open for reading.
        size: Its bytes.
        archive: The same, opened.
        found: Takes what is found.

    Raises:
        Malformed: A header lies outside, or is none.
    """
    try:
        _check_layout(file, size, archive, found)
    except (OSError, OverflowError, ValueError, struct.error) as error:
        raise Malformed("its list of members leads outside of it") from error


def _check_layout(file: Any, size: int, archive: zipfile.ZipFile, found: Findings) -> None:
    place, last = 0, 0
    for info in sorted(archive.infolist(), key=lambda one: one.header_offset):
        _check_between(info.header_offset - place, last, info.filename, found)
        place, last = _check_header(file, info, found), info.flag_bits
    _check_between(archive.start_dir - place, last, "the list of members", found)
    _check_end(file, size, archive, found)


def _check_between(bytes_between: int, flags: int, name: str, found: Findings) -> None:
    if bytes_between < 0:
        found.refuse("overlapping members", "It starts before the one before it ends.", name)
    elif bytes_between and not (flags & _SENT and bytes_between in _AFTER):
        found.refuse(
            "something between the members",
            f"{bytes_between:,} bytes before it are in no list: another reader may find more.",
            name,
        )


def _check_header(file: Any, info: zipfile.ZipInfo, found: Findings) -> int:
    """Compares the header before a member with the list; gives the end of its data."""
    file.seek(info.header_offset)
    head = file.read(30)
    if len(head) < 30 or head[:4] != b"PK\x03\x04":
        raise Malformed(f"there is no member at byte {info.header_offset:,} of the archive")
    _, flags, method, _, _, crc, stored, unpacked, named, more = struct.unpack("<5H3L2H", head[4:])
    name, extra = file.read(named), file.read(more)
    listed = info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")
    same = (name, flags, method) == (listed, info.flag_bits, info.compress_type)
    if not flags & _SENT:
        wide = _MOST in (stored, unpacked)
        sizes = _sizes_64(extra) if wide else (unpacked, stored)
        same = same and (crc, sizes) == (info.CRC, (info.file_size, info.compress_size))
    elif (crc, stored, unpacked) != (0, 0, 0):
        same = same and crc == info.CRC
    if not same:
        found.refuse(
            "two lists that differ",
            "The list of members and the header before this one say different things of it.",
            info.filename,
        )
    if {*_kinds(extra), *_kinds(info.extra)} - _EXTRA:
        found.refuse(
            "unusual extra field",
            "It has a note that Keras does not write, and that may give it another name.",
            info.filename,
        )
    return info.header_offset + 30 + named + more + info.compress_size


def _sizes_64(extra: bytes) -> tuple[int, int] | None:
    """Sizes, unpacked and stored, of an extra field for large members."""
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, place)
        if kind == 1 and length >= 16 and place + 20 <= len(extra):
            first, second = struct.unpack_from("<QQ", extra, place + 4)
            return int(first), int(second)
        place += 4 + length
    return None


def _kinds(extra: bytes) -> list[int]:
    """Kinds of extra fields; -1 for what is none."""
    found: list[int] = []
    place = 0
    while place < len(extra):
        if place + 4 > len(extra):
            return [*found, -1]
        kind, length = struct.unpack_from("<HH", extra, place)
        place += 4 + length
        found.append(kind if place <= len(extra) else -1)
    return found


def _check_end(file: Any, size: int, archive: zipfile.ZipFile, found: Findings) -> None:
    """The list has to be whole, and the last thing but for a note."""
    end = size - 22 - len(archive.comment)
    file.seek(max(0, end))
    record = file.read(22)
    disks, length, start = record[4:8], 0, 0
    if end >= 0 and record[:4] == _END:
        count, length, start = struct.unpack_from("<HLL", record, 10)
        listed = len(archive.infolist())
        whole = count in (listed, 0xFFFF) and disks == b"\0" * 4
        after = _end_of_list(file, end)
        sizes = (start, length) in ((archive.start_dir, after - archive.start_dir),) or (
            after < end and _MOST in (start, length)
        )
        if whole and sizes and _END not in archive.comment:
            return
    found.refuse(
        "two lists that differ",
        "Its list of members is not the last thing in it, or there is a second one: another "
        "reader may find other members.",
    )


def _end_of_list(file: Any, end: int) -> int:
    """Where the list ends: before the records for large archives, where there are such."""
    if end < 76:
        return end
    file.seek(end - 20)
    locator = file.read(20)
    if locator[:4] != _LOCATOR_64:
        return end
    start = int(struct.unpack_from("<Q", locator, 8)[0])
    if start + 56 != end - 20:
        return -1
    file.seek(start)
    return start if file.read(4) == _END_64 else -1
