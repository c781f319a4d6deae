"""Columns of a batch: read, and joined with those of the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError


def check_batch(batch: Any) -> None:
    """Raises `InvalidInputError` where a batch is no mapping of columns of one length."""
    if not hasattr(batch, "keys"):
        raise InvalidInputError(
            f"A batch is a dict of arrays by column, such as {{'inputs': images}}, and a "
            f"{type(batch).__name__} came. Pass the columns by their names."
        )
    lengths = {str(name): _length(str(name), batch[name]) for name in batch}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} {length:,}" for name, length in lengths.items())
        raise InvalidInputError(
            f"The columns of the batch differ in length: {listed}. Pass one value for each "
            "example."
        )


def _length(name: str, column: Any) -> int:
    try:
        return len(column)
    except TypeError as error:
        raise InvalidInputError(
            f"The column {name!r} holds {type(column).__name__}, and one value for each example "
            "was expected. Repeat it."
        ) from error


def read_column(batch: Mapping[str, Any], name: str) -> Any:
    """A column of a batch.

    Raises:
        InvalidInputError: There is none of that name, or a value is missing in it.
    """
    if name not in batch:
        raise InvalidInputError(
            f"The batch has no column {name!r}, only {', '.join(map(repr, batch)) or 'none'}. "
            "Name the column by column= or target_column=."
        )
    column = batch[name]
    kind = getattr(getattr(column, "dtype", None), "kind", "")
    if kind == "O" or isinstance(column, list | tuple):
        missing = [i for i, one in enumerate(column) if one is None]
        if missing:
            more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
            raise InvalidInputError(
                f"The column {name!r} holds None in row {missing[0]} of {len(column):,}{more}. "
                "Leave such rows out, or fill them."
            )
    return column


def check_targets(target: Any, target_column: str | None) -> None:
    """Raises `InvalidInputError` where both say what is explained."""
    if target is not None and target_column is not None:
        raise InvalidInputError(
            f"target={target!r} and target_column={target_column!r} were both given. Pass one of "
            "them."
        )


def merged(
    batch: Mapping[str, Any], used: Collection[str], answers: Mapping[str, Array]
) -> dict[str, Array]:
    """The columns of a batch but those that are used up, and those of the answers.

    Raises:
        InvalidInputError: Two have one name.
    """
    if taken := sorted(batch.keys() & answers.keys()):
        raise InvalidInputError(
            f"The batch has a column {taken[0]!r}, and so have the answers. Rename the column."
        )
    kept = {name: np.asarray(batch[name]) for name in batch if name not in used}
    return {**kept, **answers}


def ragged(rows: Sequence[Array]) -> Array:
    """(B,) of arrays of any length each."""
    made = np.empty(len(rows), object)
    made[:] = rows
    return made
