"""Random parts of images, at the size of the images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfxai.arrangement import array_channels_back, array_channels_last
from tfxai.arrays import Array

_AT_ONCE = 128  # crops


@dataclasses.dataclass(frozen=True, eq=False)
class Crops:
    """The same number of parts of each image, drawn at random.

    Args:
        images: (N, ...) as the model takes them.
        axes: What the axes of one are: `"HWC"`, `"CHW"` or `"HW"`.
        share: Side of a crop as a share of the image's, in (0, 1].
        each: Crops of each image.
        seed: What the draws follow from: the same numbers give the same crops.
    """

    images: Array
    axes: str
    share: float
    each: int
    seed: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.images) * self.each

    @property
    def slices(self) -> int:
        """How many parts `batches` gives."""
        return -(-len(self.images) // self._images_at_once)

    @property
    def _images_at_once(self) -> int:
        return max(1, _AT_ONCE // self.each)

    def boxes(self, image: int) -> Array:
        """(crops of an image, 4): top, left, bottom and right in pixels."""
        height, width = self._sides()
        sides = max(1, round(self.share * height)), max(1, round(self.share * width))
        random = np.random.default_rng((*self.seed, image))
        top = random.integers(0, height - sides[0] + 1, self.each)
        left = random.integers(0, width - sides[1] + 1, self.each)
        return np.stack([top, left, top + sides[0], left + sides[1]], axis=1)

    def batches(self) -> Iterator[Array]:
        """The crops of all images in order, some images at a time, each at an image's size."""
        for start in range(0, len(self.images), self._images_at_once):
            stop = min(start + self._images_at_once, len(self.images))
            parts = [part for image in range(start, stop) for part in self._of(image)]
            yield array_channels_back(self._at_full_size(np.stack(parts)), self.axes)

    def _of(self, image: int) -> list[Array]:
        (whole,) = array_channels_last(self.images[image : image + 1], self.axes)
        return [whole[top:bottom, left:right] for top, left, bottom, right in self.boxes(image)]

    def _at_full_size(self, parts: Array) -> Array:
        resized = tf.image.resize(parts, self._sides(), "bilinear").numpy()
        if np.issubdtype(self.images.dtype, np.integer):
            resized = np.rint(resized)
        return resized.astype(self.images.dtype)

    def _sides(self) -> tuple[int, int]:
        shape = self.images.shape[1:]
        return shape[self.axes.index("H")], shape[self.axes.index("W")]
