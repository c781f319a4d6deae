"""Pictures that are done, kept in a folder by what they depend on."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tfxai.arrays import Array
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.digests import array_digest
from tfxai.features.measured import Group
from tfxai.files import replacing, shrink

AT_ONCE = 4
"""Objectives that climb together where their pictures are kept: what a stop loses at most."""
MOST_BYTES = 2 * 2**30
"""Most bytes of a folder; the files that were used longest ago go first."""
_BESIDE = 4096  # bytes of a file beside its numbers


class Climbed(NamedTuple):
    """The pictures of one objective, n copies, and how they came about.

    Args:
        pictures: (n, H, W, C) uint8.
        values: (n,) float32 objective of each.
        history: (steps, n) float32 objective that each step started from.
        frames: (F, n, H, W, C) uint8 pictures on the way.
    """

    pictures: Array
    values: Array
    history: Array
    frames: Array


class KeptPictures:
    """A folder of pictures that are done.

    Args:
        folder: The folder.
        about: Digest of all that every picture depends on.
    """

    def __init__(self, folder: str | os.PathLike[str], about: str) -> None:
        self._folder, self._about = Path(folder), about

    def path(self, groups: Sequence[Group], weights: Sequence[Array]) -> Path:
        """The file of an objective.

        Args:
            groups: What it weighs.
            weights: Its weights of each.
        """
        pairs = zip(groups, weights, strict=True)
        parts = [[*dataclasses.astuple(group), array_digest(weight)] for group, weight in pairs]
        key = f"{self._about}\n{json.dumps(parts)}"
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"

    def read(self, path: Path, like: Climbed) -> Climbed | None:
        """What a file holds; None where there is none of the right shapes and types.

        Args:
            path: The file.
            like: Arrays of the shapes and types that are expected.
        """
        try:
            if path.stat().st_size > sum(one.nbytes for one in like) + _BESIDE:
                return None
            with zipfile.ZipFile(path) as parts:
                if any(part.compress_type != zipfile.ZIP_STORED for part in parts.infolist()):
                    return None  # ours are not compressed, so that their size says what they take
            with np.load(path, allow_pickle=False) as file:
                found = Climbed(*(file[name] for name in Climbed._fields))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        for one, other in zip(found, like, strict=True):
            if one.shape != other.shape or one.dtype != other.dtype:
                return None
        if not all(np.isfinite(one).all() for one in (found.values, found.history)):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def write(self, path: Path, climbed: Climbed) -> None:
        """Keeps the pictures of an objective.

        Raises:
            OutputError: The folder cannot be written to.
        """
        with replacing(path) as beside, beside.open("wb") as file:
            np.savez(file, **climbed._asdict())
        shrink(self._folder, ".npz", MOST_BYTES, "folder of pictures")


def described(value: Any) -> Any:
    """Options as JSON takes them: records with the names of their types, arrays by digest.

    Raises:
        TypeError: Something is no record, array, text or number, of which nobody can say when it
            is the same.
    """
    if isinstance(value, FrozenArray):
        return value.digest
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: described(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return [f"{type(value).__module__}.{type(value).__qualname__}", fields]
    if isinstance(value, tuple | list):
        return [described(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} has no description.")
