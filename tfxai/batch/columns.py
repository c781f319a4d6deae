"""Columns of a batch: read, and joined with those of the answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError


def read_column(batch: Mapping[str, Any], name: str) -> Any:
    """A column of a batch.

    Raises:
        InvalidInputError: There is none of that name.
    """
    if name not in batch:
        raise InvalidInputError(
            f"The batch has no column {name!r}, only {', '.join(map(repr, batch)) or 'none'}. "
            "Name the column by column= or target_column=."
        )
    return batch[name]


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
