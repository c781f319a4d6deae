"""JSON lines: one instance a line, as Vertex AI's batch predictions take them."""

from __future__ import annotations

import base64
import binascii
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from tfxai.batch.sources.rows import EVERY, Example, Files, Marked, attempted
from tfxai.errors import InvalidInputError

MOST_BYTES = 2**28
"""Most bytes of a line that is read."""
INSTANCE = "instance"
"""The field of an instance that is a value by itself."""


class JsonLines(Files):
    """Instances, lists as arrays and `{"b64": ...}` as bytes, each named by its line from 0.

    Empty lines hold no instance, and their numbers name none.
    """

    kind: ClassVar[str] = "jsonl"

    def examples(self, file: Marked, first: int, last: int) -> Iterator[Example]:
        """Each instance."""
        return (example for _, example in self.numbered(file, first, last))

    def numbered(self, file: Marked, first: int, last: int) -> Iterator[tuple[int, Example]]:
        """Each instance with the number of its line."""
        for number, line in _lines(file, first, last):
            yield number, attempted(_instance, line)


def mark(path: str, size: int) -> Marked:
    """Counts the lines of a file."""
    marks, lines, count, offset = [], [], 0, 0
    with Path(path).open("rb") as file:
        for number, (length, is_empty) in enumerate(_lengths(file)):
            if not is_empty:
                if count % EVERY == 0:
                    marks.append(offset)
                    lines.append(number)
                count += 1
            offset += length
    return Marked(path, size, count, tuple(marks), lines=tuple(lines))


def _lengths(file: Any) -> Iterator[tuple[int, bool]]:
    """The bytes of each line, and whether it is empty; a long line is not held in memory."""
    length, is_empty = 0, True
    while part := file.readline(2**20):
        length += len(part)
        is_empty &= not part.strip()
        if part.endswith(b"\n"):
            yield length, is_empty
            length, is_empty = 0, True
    if length:
        yield length, is_empty


def _lines(file: Marked, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    with Path(file.path).open("rb") as opened:
        opened.seek(file.marks[first // EVERY])
        index = first // EVERY * EVERY
        for number in itertools.count(file.lines[first // EVERY]):
            if index == last:
                return
            line = opened.readline(MOST_BYTES + 1)
            if len(line) > MOST_BYTES:
                while (more := opened.readline(2**20)) and not more.endswith(b"\n"):
                    pass
            elif not line:
                return
            elif not line.strip():
                continue
            if index >= first:
                yield number, line
            index += 1


def _instance(line: bytes) -> dict[str, Any]:
    if len(line) > MOST_BYTES:
        raise InvalidInputError(f"The line has more than {MOST_BYTES:,} bytes. Split the data.")
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(
            f"The line is no JSON: {str(error).rstrip('.')}. Write one instance a line."
        ) from error
    if isinstance(read, dict) and set(read) != {"b64"}:
        return {name: _value(one) for name, one in read.items()}
    return {INSTANCE: _value(read)}


def _value(one: Any) -> Any:
    if isinstance(one, dict) and set(one) == {"b64"} and isinstance(one["b64"], str):
        try:
            return base64.b64decode(one["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInputError("Its b64 is no base64. Encode the bytes again.") from error
    if isinstance(one, list):
        try:
            return np.asarray(one)
        except ValueError as error:
            raise InvalidInputError(
                "Its lists differ in length, and an array was expected. Pad them."
            ) from error
    return one
