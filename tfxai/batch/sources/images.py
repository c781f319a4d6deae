"""Files of images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from tfxai.batch.sources.rows import Failure, Fields, Marked, Row, about, readable
from tfxai.data.images import read_image
from tfxai.errors import DataNotFoundError, InvalidInputError


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """One example a file, named by its path.

    Args:
        files: The files in their order.
        labels: The folder of each; None of those beside folders of classes.
        is_guess: Whether all files lie in one folder, which may or may not be that of a class.
    """

    files: tuple[Marked, ...]
    labels: tuple[str | None, ...]
    is_guess: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.files)

    def read(self, start: int, stop: int) -> Iterator[Row | Failure]:
        """Each picture, uint8 (H, W, 3)."""
        for i in range(start, stop):
            path = self.files[i].path
            key = readable(path)
            try:
                yield Row(key, {"image": read_image(path)}, self.labels[i])
            except (InvalidInputError, DataNotFoundError) as error:
                yield Failure(key, "read", str(error))

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest."""
        return about("images", Fields(), self.files)
