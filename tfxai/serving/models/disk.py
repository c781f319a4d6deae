"""What lies in a folder of versions."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

_FILES = 10_000  # of one version, looked at to see whether it is still being written
_GRAPH = "saved_model.pb"


def versions_in(folder: Path) -> dict[int, Path]:
    """The versions in a folder whose graph is there already, by number."""
    if not folder.is_dir():
        return {}
    return {
        int(one.name): one
        for one in sorted(folder.iterdir())
        if one.name.isascii() and one.name.isdigit() and (one / _GRAPH).is_file()
    }


def stamp_of(folder: Path) -> tuple[Any, ...]:
    """What changes as long as a folder is being written."""
    found: list[Any] = []
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118
                found.append((place, name, status.st_size, status.st_mtime_ns, status.st_ino))
            if len(found) > _FILES:
                return tuple(found)
    return tuple(found)
