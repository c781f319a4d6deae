"""Regions of images that an audit puts in, takes out and exchanges."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, final

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError


class Region(Protocol):
    """Where something lies in every image of a batch."""

    @property
    def title(self) -> str:
        """What it is called."""

    def places(self, images: Array) -> Array:
        """(B, H, W) bool: its positions in each of the images, (B, H, W, C)."""


@final
@dataclasses.dataclass(frozen=True)
class Border:
    """The outermost pixels on all sides.

    Args:
        width: Pixels, at least 1 and less than half of the shorter side.
    """

    width: int

    @property
    def title(self) -> str:
        """What it is called."""
        return f"a border {self.width} pixels wide"

    def places(self, images: Array) -> Array:
        """(B, H, W) bool.

        Raises:
            InvalidInputError: Nothing is left inside.
        """
        height, width = images.shape[1:3]
        if not 1 <= self.width < min(height, width) / 2:
            raise InvalidInputError(
                f"A border of {self.width} leaves nothing of images of {height} x {width}. Pass "
                f"1 to {(min(height, width) - 1) // 2}."
            )
        found = np.ones(images.shape[:3], bool)
        found[:, self.width : -self.width, self.width : -self.width] = False
        return found


@final
@dataclasses.dataclass(frozen=True, eq=False)
class Mask:
    """Positions that were marked.

    Args:
        marked: (H, W) for all images alike, or (B, H, W); what is not 0 is marked.
        is_background: Whether what is marked is the object, and all else the region.
        called: What it is called; chosen by default.
    """

    marked: Any
    is_background: bool = False
    called: str = ""

    @property
    def title(self) -> str:
        """What it is called."""
        if self.called:
            return self.called
        return "the background" if self.is_background else "the region that was marked"

    def places(self, images: Array) -> Array:
        """(B, H, W) bool.

        Raises:
            InvalidInputError: It has another size than the images, or holds all or nothing.
        """
        marked = np.asarray(self.marked) != 0
        if marked.shape not in (images.shape[1:3], images.shape[:3]):
            raise InvalidInputError(
                f"The mask has shape {marked.shape}, and the images {images.shape[:3]}. Pass a "
                "mask of one image's height and width, or one for each image."
            )
        found = np.broadcast_to(marked != self.is_background, images.shape[:3])
        shares = found.mean(axis=(1, 2))
        if not shares.all() or (shares == 1).any():
            i = int(np.argmin((shares > 0) & (shares < 1)))
            what = "nothing" if not shares[i] else "everything"
            raise InvalidInputError(
                f"The region holds {what} of image {i}. Pass a mask that marks a part of each."
            )
        return found


@final
@dataclasses.dataclass(frozen=True, eq=False)
class Patch:
    """A small picture that is put into every image at the same place.

    Args:
        pixels: (h, w, C) in the units of the images.
        top: Row of its first line; negative from the lower edge.
        left: Column of its first pixel; negative from the right edge.
    """

    pixels: Any
    top: int = 0
    left: int = 0

    @property
    def title(self) -> str:
        """What it is called."""
        height, width = np.shape(self.pixels)[:2]
        return f"a patch of {height} x {width}"

    def places(self, images: Array) -> Array:
        """(B, H, W) bool.

        Raises:
            InvalidInputError: It does not fit into the images.
        """
        shape, (height, width) = np.shape(self.pixels), images.shape[1:3]
        top = self.top + height if self.top < 0 else self.top
        left = self.left + width if self.left < 0 else self.left
        fits = len(shape) == 3 and shape[2] == images.shape[3] and min(top, left) >= 0
        if not fits or top + shape[0] > height or left + shape[1] > width:
            raise InvalidInputError(
                f"A patch of shape {shape} at ({self.top}, {self.left}) does not lie in images of "
                f"shape {images.shape[1:]}. Pass a smaller one, (h, w, {images.shape[3]}), or "
                "another place."
            )
        found = np.zeros(images.shape[:3], bool)
        found[:, top : top + shape[0], left : left + shape[1]] = True
        return found

    def put_into(self, images: Array, order: Array | None = None) -> Array:
        """The images with the patch in them.

        Args:
            images: (B, H, W, C).
            order: Order of the patch's pixels, (h w,), in the place of its own.
        """
        patch = np.asarray(self.pixels)
        if order is not None:
            patch = patch.reshape(-1, patch.shape[2])[order].reshape(patch.shape)
        found = images.copy()
        places = self.places(images)
        found[places] = np.tile(patch.reshape(-1, patch.shape[2]), (len(images), 1))
        return found
