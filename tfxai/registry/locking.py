"""A lock that lets one process at a time change a folder of models.

The system releases it when its holder dies. Those who read take none, unless somebody saves
without a pause (`consistent_reads.py`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfxai.errors import OutputError

_locks: Any
try:
    import fcntl

    _locks = fcntl
except ImportError:  # Windows: a save is whole there too, but two at once are not kept apart
    _locks = None

LOCK = ".tfxai.lock"
PATIENCE = 300.0
"""Seconds to wait for another process that saves."""
_PAUSE = 0.005


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    """Lets one process, and one thread, at a time change a folder; leaves no file behind.

    Raises:
        OutputError: The folder cannot be written to, or another process saves there for minutes.
    """
    with said(root):
        until = time.monotonic() + PATIENCE
        while (handle := _try_lock(root)) is None:
            if time.monotonic() > until:
                raise OutputError(
                    f"Another process has been saving to {str(root)!r} for {PATIENCE / 60:.0f} "
                    "minutes. Wait for it or end it, then try again."
                )
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows keeps a file that is open
                (root / LOCK).unlink()
            os.close(handle)


@contextlib.contextmanager
def said(root: Path) -> Iterator[None]:
    """Turns the system's own errors into a sentence.

    Raises:
        OutputError: The block raised an `OSError`.
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot write to {str(root)!r}: {error.strerror or error}. "
            "Choose a folder that you may write to."
        ) from error


def _try_lock(root: Path) -> int | None:
    """The handle of the lock, or None where somebody has it."""
    path = root / LOCK
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o666)
    try:
        if _locks is None:
            return handle
        _locks.flock(handle, _locks.LOCK_EX | _locks.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.lstat(path)):
            return handle  # and not that of a file which its last holder has removed
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None
