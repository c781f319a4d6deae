"""What lies in a folder of versions."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path, PurePosixPath
from typing import Any

from tfxai.export.names import EXTRA, FILES

_FILES = 10_000  # of one version, looked at to see whether it is still being written
_LIST_BYTES = 2**22
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


def lacks(folder: Path) -> str | None:
    """What of the files that an export lists is not there, "" for none of them.

    None where the folder brings no list.
    """
    path = folder / EXTRA / FILES
    try:
        if path.stat().st_size > _LIST_BYTES:
            return None
        listed = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return f"{FILES} cannot be read."
    if not isinstance(listed, dict) or not all(isinstance(n, int) for n in listed.values()):
        return None
    if len(listed) > _FILES or not all(map(_is_below, listed)):
        return None
    for name, size in listed.items():
        try:
            came = (folder / name).stat().st_size
        except OSError:
            return f"{name} is missing."
        if came < size:
            return f"{name} has {came:,} of {size:,} bytes."
    return ""


def _is_below(name: str) -> bool:
    """Whether it is a path that stays inside of the folder that it is relative to."""
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\0" not in name


def seconds_at_rest(stamp: tuple[Any, ...]) -> float:
    """How long none of the files has changed, by the clock of this machine; negative for never."""
    newest = max((one[-1] for one in stamp), default=0)
    return time.time() - newest / 1e9


def was_moved_here(folder: Path, stamp: tuple[Any, ...]) -> bool:
    """Whether it got its name after all of its files were written, as an export does it.

    A move changes when a folder changed, and not when something was put into it.
    """
    status = folder.stat()
    newest = max((one[-1] for one in stamp), default=0)
    return status.st_ctime_ns > status.st_mtime_ns and status.st_ctime_ns >= newest


def stamp_of(folder: Path) -> tuple[Any, ...]:
    """What changes as long as a folder is being written."""
    found: list[Any] = []
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            with contextlib.suppress(OSError):
                status = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118
                found.append(
                    (
                        place,
                        name,
                        status.st_size,
                        status.st_mtime_ns,
                        status.st_ino,
                        status.st_ctime_ns,
                    )
                )
            if len(found) > _FILES:
                return tuple(found)
    return tuple(found)
