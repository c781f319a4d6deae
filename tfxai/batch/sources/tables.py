"""Parquet files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tfxai.batch.sources.rows import Failure, Fields, Marked, Row, about, place, spans
from tfxai.errors import InvalidInputError, MissingExtraError


@dataclasses.dataclass(frozen=True)
class Parquet:
    """The rows of files in the order of the files.

    Args:
        files: The files.
        fields: Which columns mean what.
    """

    files: tuple[Marked, ...]
    fields: Fields

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(file.count for file in self.files)

    def read(self, start: int, stop: int) -> Iterator[Row | Failure]:
        """Each row, lists and tensors as arrays."""
        for file, first, last in spans(self.files, start, stop):
            yield from self._of(file, first, last)

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest."""
        return about("parquet", self.fields, self.files)

    def _of(self, file: Marked, first: int, last: int) -> Iterator[Row | Failure]:
        wanted = (*self.fields.inputs, self.fields.label, self.fields.key, *self.fields.keep)
        columns = [name for name in wanted if name is not None] if self.fields.inputs else None
        before = 0
        opened = parquet().ParquetFile(file.path, page_checksum_verification=True)
        for group in range(opened.num_row_groups):
            count = opened.metadata.row_group(group).num_rows
            low, high = max(first - before, 0), min(last - before, count)
            if low < high:
                try:
                    table = opened.read_row_group(group, columns=columns).slice(low, high - low)
                    rows = _rows(table)
                except Exception as error:  # whatever a damaged file leads its reader to
                    reason = f"The rows cannot be read: {_first_line(error)}. Write them again."
                    for i in range(low, high):
                        yield Failure(place(file.path, before + i), "read", reason)
                else:
                    for i, row in enumerate(rows, before + low):
                        yield self._row(place(file.path, i), row)
            before += count

    def _row(self, key: str, row: Mapping[str, Any]) -> Row | Failure:
        try:
            return self.fields.row(key, row)
        except InvalidInputError as error:
            return Failure(key, "read", str(error))


def parquet() -> Any:
    """The module `pyarrow.parquet`.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError.of("pyarrow", "batch") from error
    return pyarrow.parquet


def mark(path: str, size: int) -> Marked:
    """Counts the rows of a file.

    Raises:
        InvalidInputError: It is no Parquet file.
        MissingExtraError: pyarrow is not installed.
    """
    reader = parquet()
    try:
        return Marked(path, size, reader.read_metadata(path).num_rows)
    except Exception as error:  # pyarrow's own classes, and those of the operating system
        raise InvalidInputError(
            f"{path!r} cannot be read as Parquet: {_first_line(error)}. Pass an intact file."
        ) from error


def columns(path: str) -> list[str]:
    """The names of a file's columns."""
    return [str(name) for name in parquet().read_schema(path).names]


def _rows(table: Any) -> list[dict[str, Any]]:
    import pyarrow

    made: dict[str, list[Any]] = {}
    for name in table.column_names:
        column = table.column(name)
        if isinstance(column.type, pyarrow.FixedShapeTensorType):
            whole = column.combine_chunks()
            whole = whole.chunk(0) if isinstance(whole, pyarrow.ChunkedArray) else whole
            made[name] = list(whole.to_numpy_ndarray())
        else:
            made[name] = [_value(one) for one in column.to_pylist()]
    return [dict(zip(made, row, strict=True)) for row in zip(*made.values(), strict=True)]


def _value(one: Any) -> Any:
    if isinstance(one, dict) and isinstance(one.get("bytes"), bytes):  # an image with its path
        return one["bytes"]
    if isinstance(one, list):
        try:
            return np.asarray(one)
        except ValueError:
            return one
    return one


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")
