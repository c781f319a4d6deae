"""What layers made of images, kept in memory for a run and on disk by content."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

import tfxai
from tfxai.arrays import Array
from tfxai.errors import OutputError
from tfxai.files import replacing
from tfxai.subject import Subject

MOST_BYTES = 2 * 2**30
"""Most bytes of a folder; the files that were used longest ago go first."""


class ActivationCache:
    """Arrays by what they were made of.

    Args:
        folder: Folder of the files; None keeps them in memory only.
        most_bytes: Most bytes that the files take.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None = None, most_bytes: int = MOST_BYTES
    ) -> None:
        self._folder = None if folder is None else Path(folder)
        self._most = most_bytes
        self._held: dict[str, Array] = {}

    def get(self, key: str, count: int, make: Callable[[], Array]) -> Array:
        """The array of a key: from memory, from disk, or made and kept.

        Args:
            key: A digest of all that the array depends on.
            count: Its number of rows; a file with another number is made anew.
            make: Makes it.

        Raises:
            OutputError: The folder cannot be written to.
        """
        if key not in self._held:
            found = self._read(key, count)
            if found is None:
                found = make()
                self._write(key, found)
            self._held[key] = found
        return self._held[key]

    def _read(self, key: str, count: int) -> Array | None:
        """The array in a file, None where there is none that can be used."""
        if self._folder is None:
            return None
        path = self._folder / f"{key}.npy"
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError, MemoryError):
            return None
        is_sound = isinstance(array, np.ndarray) and array.shape[:1] == (count,)
        if not is_sound or array.dtype.kind != "f" or not np.isfinite(array).all():
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return array

    def _write(self, key: str, array: Array) -> None:
        if self._folder is None or array.nbytes > self._most:
            return
        with replacing(self._folder / f"{key}.npy") as beside, beside.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        self._shrink()

    def _shrink(self) -> None:
        """Removes the files that were used longest ago until the rest fits."""
        try:
            names = [path for path in Path(self._folder or ".").glob("*.npy") if _is_ours(path)]
            files = sorted((p.stat().st_mtime_ns, p.stat().st_size, p) for p in names)
        except FileNotFoundError:  # another process removed one: it shrinks the folder itself
            return
        except OSError as error:
            raise OutputError(
                f"Cannot look into the cache {str(self._folder)!r}: {error.strerror or error}. "
                "Choose another folder."
            ) from error
        total = sum(size for _, size, _ in files)
        for _, size, path in files:
            if total <= self._most:
                return
            path.unlink(missing_ok=True)
            total -= size


def model_digest(subject: Subject) -> str | None:
    """A digest of a model's configuration, weights and preprocessing.

    None where the configuration cannot be written: then nothing says what the model computes.
    """
    try:
        config = subject.model.to_json()
    except (TypeError, ValueError, NotImplementedError):
        return None
    found = hashlib.sha256(f"{tfxai.__version__}\n{config}\n{subject.preprocessing!r}".encode())
    for weight in subject.model.weights:
        array = np.ascontiguousarray(weight.numpy())
        found.update(f"{array.dtype}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


def array_digest(array: Array) -> str:
    """A digest of an array's type, shape and content."""
    found = hashlib.sha256(f"{array.dtype}{array.shape}".encode())
    found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _is_ours(path: Path) -> bool:
    """Whether a file is named like ours: a SHA-256."""
    return len(path.stem) == 64 and set(path.stem) <= set("0123456789abcdef")
