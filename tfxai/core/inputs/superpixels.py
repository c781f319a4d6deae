"""Superpixels: parts of an image that look alike, as features of methods that take `mask=`."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array

_MOST_SEEDS = 8  # for each superpixel wanted
_LEAST = 1e-6  # compactness; where its square overflows, scikit-image writes beside its arrays


@final
@dataclasses.dataclass(frozen=True)
class Slic(HostArray):
    """Superpixels as the `mask` of a method: every image of a batch gets its own.

    Args:
        segments: Number of superpixels of each image, at least 2.
        compactness: How far nearness counts beside colour, 1e-6 to 1e6: large values give
            squares. Raised for an image so noisy that SLIC finds fewer parts than `segments`.

    Reference:
        Achanta et al., "SLIC Superpixels Compared to State-of-the-art Superpixel Methods", IEEE
        TPAMI 34(11), 2012, as scikit-image has it. Departure: exactly `segments` of them, see
        `superpixels`.
    """

    name: ClassVar[str] = "slic"
    deed: ClassVar[str] = "parts each image into superpixels"
    instead: ClassVar[str] = (
        "Pass mask=, an array of integers that all images share, such as a grid of squares."
    )
    segments: int = 50
    compactness: float = 10.0

    def __post_init__(self) -> None:
        whole = isinstance(self.segments, int) and not isinstance(self.segments, bool)
        if not whole or self.segments < 2:
            raise InvalidInputError(
                f"segments={self.segments!r} was expected to be an integer of at least 2."
            )
        weight = self.compactness
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not _LEAST <= weight <= 1 / _LEAST:
            raise InvalidInputError(
                f"compactness={weight!r} was expected to lie from {_LEAST:g} to {1 / _LEAST:g}."
            )

    def make(self, examples: Examples) -> Array:
        """The superpixel of each pixel, (B, h, w) int32, by true colours where they are known."""
        images = examples.colours
        return np.stack([superpixels(one, self.segments, self.compactness) for one in images])


def superpixels(image: Any, segments: int = 50, compactness: float = 10.0) -> Array:
    """Parts an image into regions of pixels that lie together and look alike.

    Args:
        image: (h, w, C) of any numbers; three channels are taken as RGB.
        segments: Number of regions, at least 2.
        compactness: How far nearness counts beside colour, 1e-6 to 1e6.

    Returns:
        (h, w) int32, the region of each pixel, from 0 to segments - 1: a `mask=`.

    Raises:
        InvalidInputError: No image, not finite, or of fewer pixels than `segments`.

    Reference:
        SLIC, as for `Slic`. Departure: scikit-image's `slic` gives about as many regions as it is
        asked for. Here it is given more seeds until there are enough, ever greater compactness
        where seeds are of no avail, and then the smallest region goes to the neighbour nearest in
        colour until `segments` are left.

    Example:
        >>> image = np.zeros((4, 6, 3))
        >>> image[:, 3:] = 255
        >>> superpixels(image, segments=2)[0]
        array([0, 0, 0, 1, 1, 1], dtype=int32)
    """
    options = Slic(segments, compactness)
    try:
        array = np.asarray(image).astype(np.float64)
    except (ValueError, TypeError):
        array = np.empty(0)
    if array.ndim != 3 or not np.isfinite(array).all():
        raise InvalidInputError(
            f"superpixels are of one image (h, w, C) of finite numbers, and shape {array.shape} "
            "came. Pass one image, with an axis for its channels."
        )
    pixels = array.shape[0] * array.shape[1]
    if pixels < options.segments:
        raise InvalidInputError(
            f"segments={segments} is more than the image's {pixels} pixels. Pass a smaller number."
        )
    return _merged(_enough(array, options, pixels), array, options.segments)


def _enough(image: Array, options: Slic, pixels: int) -> Array:
    """At least `segments` regions, as few more as seeds allow."""
    from skimage.segmentation import slic  # a third of a second, for those who want it

    seeds, compactness = options.segments, options.compactness
    while True:  # ends: the most compact regions of as many seeds as pixels are single pixels
        labels = slic(image, n_segments=seeds, compactness=compactness, channel_axis=-1)
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape)
        found = int(labels.max()) + 1
        if found >= options.segments:
            return labels
        if seeds >= min(_MOST_SEEDS * options.segments, pixels):
            seeds, compactness = options.segments, 10 * compactness
        else:
            seeds = min(pixels, math.ceil(1.1 * seeds * min(options.segments / found, 2)))


def _merged(labels: Array, image: Array, count: int) -> Array:
    """`count` of the regions, the smallest merged one after the other."""
    sizes = np.bincount(labels.ravel()).astype(np.float64)
    flat = image.reshape(labels.size, -1)
    sums = np.zeros((len(sizes), flat.shape[1]))
    np.add.at(sums, labels.ravel(), flat)
    touch = np.zeros((len(sizes), len(sizes)), bool)
    for a, b in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
        touch[a, b] = touch[b, a] = True
    np.fill_diagonal(touch, False)
    goes_to = np.arange(len(sizes))
    for _ in range(len(sizes) - count):
        small = int(np.argmin(sizes))
        near = np.flatnonzero(touch[small])
        means = sums[near] / sizes[near, None]
        distance = np.square(means - sums[small] / sizes[small]).sum(axis=1)
        other = near[np.lexsort((sizes[near], distance))[0]]  # of equal ones the smallest
        goes_to[goes_to == small] = other
        sums[other] += sums[small]
        sizes[other] += sizes[small]
        sizes[small] = np.inf
        touch[other] |= touch[small]
        touch[:, other] |= touch[small]
        touch[small] = touch[:, small] = False
        touch[other, other] = False
    merged = np.unique(goes_to[labels], return_inverse=True)[1]
    return merged.reshape(labels.shape).astype(np.int32)
