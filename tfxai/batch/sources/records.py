"""TFRecords of `tf.Example`."""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Iterator, Sequence
from typing import IO, Any, ClassVar

import numpy as np
import tensorflow as tf
from tensorflow.python.lib.io import tf_record  # the only reader that starts at any record

from tfxai.batch.sources.rows import EVERY, Example, Files, Marked, attempted
from tfxai.errors import InvalidInputError, first_line

MOST_BYTES = 2**30
"""Most bytes of one record: more is taken for damage."""
_HEAD, _FOOT = 12, 4  # length and its checksum; the checksum of the record
_GZIP = b"\x1f\x8b"


class TfRecords(Files):
    """Examples of `tf.Example`; damaged records are told by their checksums."""

    kind: ClassVar[str] = "tfrecord"

    def examples(self, file: Marked, first: int, last: int) -> Iterator[Example]:
        """Bytes as they are, numbers as arrays."""
        records = _zipped(file, first, last) if _is_zipped(file.path) else _plain(file, first)
        return (attempted(_example, next(records)) for _ in range(first, last))


def mark(path: str, size: int) -> Marked:
    """Counts the records of a file; where it breaks off, what is left counts as one.

    Raises:
        InvalidInputError: It cannot be read at all.
    """
    marks, count, offset, fault = [], 0, 0, ""
    with _opened(path) as file:
        while True:
            try:
                length = _length(file)
            except (OSError, EOFError, ValueError) as error:
                fault, length = str(error), 0
            if length is None:
                break
            if count % EVERY == 0:
                marks.append(offset)
            count += 1
            if fault:
                break
            if _skip(file, length + _FOOT):
                offset += _HEAD + length + _FOOT
            else:
                fault = "it is cut off"
                break
    if fault and not _is_zipped(path):  # by its length alone the next record is found
        fault += f"; the {size - offset:,} bytes from it on are given up, with all they hold"
    return Marked(path, size, count, tuple(marks), fault)


def _opened(path: str) -> IO[bytes]:
    if _is_zipped(path):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return open(path, "rb")  # noqa: PTH123 - closed by who asked


def _is_zipped(path: str) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123 - a path may come from anywhere
        return file.read(2) == _GZIP


def _length(file: IO[bytes]) -> int | None:
    head = file.read(_HEAD)
    if not head:
        return None
    if len(head) < _HEAD:
        raise ValueError("it is cut off")
    (length,) = struct.unpack("<Q", head[:8])
    if length > MOST_BYTES:
        raise ValueError(f"a record of {length:,} bytes cannot be")
    return int(length)


def _skip(file: IO[bytes], count: int) -> bool:
    """Whether so many bytes are there."""
    if hasattr(file, "mtime"):  # a compressed one has to be read
        while count:
            try:
                read = len(file.read(min(count, 2**20)))
            except (OSError, EOFError):
                return False
            if not read:
                return False
            count -= read
        return True
    here = file.seek(count, io.SEEK_CUR)
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return here <= end


def _plain(file: Marked, first: int) -> Iterator[bytes | str]:
    """Records from `first` on, or why one cannot be read."""
    reader = tf_record.tf_record_random_reader(file.path)
    index = first // EVERY * EVERY
    offset = file.marks[first // EVERY]
    while index < file.count:
        given: bytes | str
        try:
            given, after = reader.read(offset)
        except (tf.errors.OpError, IndexError) as error:
            given = file.fault if file.fault and index == file.count - 1 else first_line(error)
            after = _after(file.path, offset)
        if index >= first:
            yield given
        index, offset = index + 1, after


def _after(path: str, offset: int) -> int:
    """Where the next record begins, by the length of this one."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path may come from anywhere
        file.seek(offset)
        try:
            length = _length(file)
        except ValueError:
            length = None
    return offset + _HEAD + (length or 0) + _FOOT


def _zipped(file: Marked, first: int, last: int) -> Iterator[bytes | str]:
    """The same of a compressed file, which is checked as a whole by its own checksum."""
    with _opened(file.path) as opened:
        for index in range(last):
            given: bytes | str
            try:
                length = _length(opened) or 0
                given = opened.read(length)
                if len(given) < length or len(opened.read(_FOOT)) < _FOOT:
                    given = "it is cut off"
            except (OSError, EOFError, ValueError) as error:
                given = str(error)
            if isinstance(given, str):
                given += "; the file is given up from it on, with all it holds"
            if index >= first:
                yield given
            if isinstance(given, str):
                break
    while True:  # nothing behind the damage can be read
        yield "the file is damaged before it"


def _example(record: bytes | str) -> dict[str, Any]:
    if isinstance(record, str):
        raise InvalidInputError(f"The record cannot be read: {record}. Write the file again.")
    try:
        example = tf.train.Example.FromString(record)
    except Exception as error:  # the class is the protocol library's own
        raise InvalidInputError("The record holds no tf.Example. Write one for each.") from error
    return {name: _value(feature) for name, feature in example.features.feature.items()}


def _value(feature: Any) -> Any:
    kind = feature.WhichOneof("kind")
    values: Sequence[Any] = getattr(feature, kind).value if kind else ()
    if kind == "bytes_list":
        return values[0] if len(values) == 1 else list(values)
    return np.asarray(values, np.float32 if kind == "float_list" else np.int64)
