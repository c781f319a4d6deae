"""Concepts as sets of examples: from arrays, from folders of images."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.data.folders import labelled_files
from tfxai.data.images import fit_image, read_image
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEW = 8  # images that a notebook shows
FEWEST = 10
"""Fewest different examples of a concept."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Concept:
    """Examples of something that people have a name for, such as stripes.

    Args:
        name: What it is called.
        images: (N, ...) as the model takes them: uint8 pixels (N, H, W, C) where its card knows
            the preprocessing, else numbers. At least 10 of them different from each other.

    Raises:
        InvalidInputError: There are too few, they have several sizes, or are no finite numbers.
    """

    name: str
    images: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", _stacked(self.name, self.images))
        different = len(self.digests)
        if different < FEWEST:
            raise InvalidInputError(
                f"Concept {self.name!r} has {len(self.images)} images, {different} of them "
                f"different. Pass at least {FEWEST} different ones."
            )

    @classmethod
    def from_folder(
        cls,
        folder: str | os.PathLike[str],
        size: int | tuple[int, int] | None = None,
        name: str | None = None,
    ) -> Concept:
        """The images in a folder, or in the folders in it.

        Args:
            folder: The folder.
            size: Height and width that the images are cropped and resized to; one number for a
                square. None if all have the same size already.
            name: What the concept is called; None for the name of the folder.

        Raises:
            DataNotFoundError: There is no such folder.
            InvalidInputError: It holds too few images, one that cannot be read, or several sizes.
        """
        images = [read_image(path) for path, _ in labelled_files(folder)]
        if size is not None:
            height, width = (size, size) if isinstance(size, int) else size
            images = [fit_image(image, height, width) for image in images]
        called = name or Path(folder).resolve().name
        return cls(called, images)  # type: ignore[arg-type]  # stacked when it is stored

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Concept({self.name!r}, {len(self)} images of {self.images.shape[1:]})"

    def _repr_html_(self) -> str:
        """Its first images where they are pixels or lie in [0, 1]."""
        from tfxai.plotting import sample_grid
        from tfxai.plotting.figures import record_html

        def draw() -> Figure:
            return sample_grid(self.images[:_FEW], rows=1, columns=_FEW)

        facts = [
            ("Concept", self.name),
            ("Images", f"{len(self):,}, {len(self.digests):,} of them different"),
            ("Shape", f"{self.images.shape[1:]}, {self.images.dtype}"),
        ]
        return record_html(repr(self), facts, draw)

    @functools.cached_property
    def digests(self) -> frozenset[bytes]:
        """A digest of each different image."""
        return frozenset(hashlib.sha256(image.tobytes()).digest() for image in self.images)


def read_concept(given: Any, name: str) -> Concept:
    """A concept as it is, or an array of images as a concept of that name."""
    return given if isinstance(given, Concept) else Concept(name, given)


def check_alike(concept: Concept, other: Concept) -> None:
    """Raises `InvalidInputError` where the images of two sets differ in size or form."""
    if concept.images.shape[1:] != other.images.shape[1:]:
        raise InvalidInputError(
            f"The images of {concept.name!r} have shape {concept.images.shape[1:]}, those of "
            f"{other.name!r} {other.images.shape[1:]}. Bring them to one size."
        )
    if concept.images.dtype != other.images.dtype:
        raise InvalidInputError(
            f"The images of {concept.name!r} are {concept.images.dtype}, those of "
            f"{other.name!r} {other.images.dtype}. Pass both in the same form."
        )


def check_apart(concept: Concept, other: Concept) -> None:
    """Raises `InvalidInputError` where two sets share images, or differ in size or form."""
    check_alike(concept, other)
    both = len(concept.digests & other.digests)
    if both == len(concept.digests | other.digests):
        raise InvalidInputError(
            f"{concept.name!r} and {other.name!r} hold the same images, so nothing tells them "
            "apart. Pass different ones."
        )
    if both:
        raise InvalidInputError(
            f"{concept.name!r} and {other.name!r} share {both} images. Leave them out of one."
        )


def _stacked(name: str, images: Any) -> Array:
    """The images as one array."""
    if isinstance(images, Sequence):
        shapes = sorted({np.shape(image) for image in images})
        if len(shapes) > 1:
            raise InvalidInputError(
                f"Concept {name!r} has images of several sizes: {shapes[0]} and {shapes[1]}. "
                "Bring them to one size, as Concept.from_folder(folder, size=...) does."
            )
    array = np.array(images)  # a copy: what a caller does to theirs later changes nothing here
    is_pixels = array.dtype == np.uint8
    if array.ndim < 2 or not (is_pixels or np.issubdtype(array.dtype, np.floating)):
        raise InvalidInputError(
            f"Concept {name!r} came as {array.dtype} of shape {array.shape}. Pass a batch "
            "(N, ...) of uint8 pixels or of floating-point numbers."
        )
    if not is_pixels and not np.isfinite(array).all():
        raise InvalidInputError(
            f"Concept {name!r} holds numbers that are NaN or infinite. Leave those images out."
        )
    array.setflags(write=False)
    return array
