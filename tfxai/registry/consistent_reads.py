"""Reading files that a save may replace meanwhile: all of one save, or read again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tfxai.registry.locking import locked
from tfxai.registry.naming import CARD_FILE, members

_TRIES = 10

T = TypeVar("T")


def read_whole(root: Path, name: str, read: Callable[[], T]) -> T:
    """What `read` returns; it is called again where the model was replaced meanwhile.

    Args:
        root: The folder of models.
        name: Name of the model.
        read: Finds and reads files of that model, and changes none.

    Raises:
        OutputError: Somebody saves without a pause, and the folder cannot be locked.
    """
    for _ in range(_TRIES):
        before = _marks(root, name)
        try:
            found = read()
        except Exception:
            if _marks(root, name) == before:
                raise
            continue
        if _marks(root, name) == before:
            return found
    with locked(root):
        return read()


def _marks(root: Path, name: str) -> list[tuple[int, int, int] | None]:
    """What tells the files of a model from those that take their place."""
    marks: list[tuple[int, int, int] | None] = []
    for path in (root / name / CARD_FILE, *(root / member for member in members(name))):
        try:
            found = os.stat(path)  # noqa: PTH116 - as many as there are, and often
            marks.append((found.st_ino, found.st_size, found.st_mtime_ns))
        except OSError:
            marks.append(None)
    return marks
