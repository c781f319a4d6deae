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


def shrink(folder: Path, suffix: str, most_bytes: int, what: str) -> None:
    """Removes files named by a SHA-256 that were used longest ago, until the rest fits.

    Args:
        folder: Where they lie; others in it are left alone.
        suffix: How their names end, such as `".npy"`.
        most_bytes: Most bytes that they take.
        what: What the folder is, for the sentence of the error.

    Raises:
        OutputError: The folder cannot be looked into.
    """
    try:
        found = [path for path in folder.glob(f"*{suffix}") if _is_digest(path.stem)]
        files = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in found)
    except FileNotFoundError:  # another process removed one: it shrinks the folder itself
        return
    except OSError as error:
        raise OutputError(
            f"Cannot look into the {what} {str(folder)!r}: {error.strerror or error}. "
            "Choose another folder."
        ) from error
    total = sum(size for _, size, _ in files)
    for _, size, path in files:
        if total <= most_bytes:
            return
        path.unlink(missing_ok=True)
        total -= size


def _is_digest(name: str) -> bool:
    """Whether a name is a SHA-256."""
    return len(name) == 64 and set(name) <= set("0123456789abcdef")
