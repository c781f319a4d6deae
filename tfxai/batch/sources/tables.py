"""Parquet files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from tfxai.batch.sources.rows import Example, Files, Marked
from tfxai.errors import InvalidInputError, MissingExtraError, first_line


class Parquet(Files):
    """Rows, lists and tensors as arrays."""

    kind: ClassVar[str] = "parquet"

    def examples(self, file: Marked, first: int, last: int) -> Iterator[Example]:
        """Each row; a group of rows that cannot be read costs these."""
        wanted = (*self.fields.inputs, self.fields.label, self.fields.key, *self.fields.keep)
        before = 0
        opened = parquet().ParquetFile(file.path, page_checksum_verification=True)
        named = [name for name in wanted if name is not None]
        are_there = set(named) <= set(opened.schema_arrow.names)  # else all, to say which are
        columns = named if self.fields.inputs and are_there else None
        for group in range(opened.num_row_groups):
            count = opened.metadata.row_group(group).num_rows
            low, high = max(first - before, 0), min(last - before, count)
            if low < high:
                try:
                    table = opened.read_row_group(group, columns=columns).slice(low, high - low)
                    yield from _rows(table)
                except Exception as error:  # whatever a damaged file leads its reader to
                    yield from [
                        InvalidInputError(
                            f"The rows cannot be read: {first_line(error)}. Write them again."
                        )
                    ] * (high - low)
            before += count


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
            f"{path!r} cannot be read as Parquet: {first_line(error)}. Pass an intact file."
        ) from error


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
