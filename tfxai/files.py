"""Writes files atomically: no reader sees a partial one, even after a kill."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tfxai.errors import OutputError, TfxaiError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the place of `path` when the block succeeds.

    The folder is made where it is missing. After an exception nothing is left behind and an
    earlier file at `path` is as it was.

    Raises:
        OutputError: The folder cannot be made or written to.
    """
    final = Path(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=final.suffix, prefix=".", dir=final.parent)
    except OSError as error:
        raise OutputError(
            f"Cannot write {str(final)!r}: {error.strerror or error}. "
            "Choose a folder that you may write to."
        ) from error
    os.close(handle)
    beside = Path(name)
    try:
        yield beside
        mask = os.umask(0)
        os.umask(mask)
        beside.chmod(0o666 & ~mask)  # as an ordinary new file, not mkstemp's private mode
        beside.replace(final)
    except TfxaiError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot write {str(final)!r}: {error.strerror or error}. "
            "Choose a folder that you may write to."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
