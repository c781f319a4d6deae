"""What layers made of images, kept in memory for a run and on disk by content."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfxai.arrays import Array
from tfxai.files import replacing, shrink

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
        if self._folder is not None:
            shrink(self._folder, ".npy", self._most, "cache")
