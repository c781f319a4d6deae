"""Over-segmentations of an image at several scales: regions that overlap and cover it all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tfxai.arrays import Array

_SIDE = 224  # the image's sides while it is segmented: what scales and sizes are meant for
_SIGMA = 0.8


def regions(image: Array, scales: Sequence[float], min_size: int, dilation: float) -> Array:
    """The regions of an image by Felzenszwalb's method, one segmentation for each scale.

    Args:
        image: (h, w, C); numbers that do not lie in [0, 1] are brought there.
        scales: Scales of the segmentations: large ones give large regions.
        min_size: Smallest region, in pixels of an image of 224 x 224.
        dilation: By how many of these pixels each region grows on all sides.

    Returns:
        (S, h, w) bool. Each pixel lies in one region or more of each scale. Regions that hold the
        centre of no pixel are left out.
    """
    from skimage.measure import regionprops  # a third of a second, for those who want it
    from skimage.morphology import isotropic_dilation
    from skimage.segmentation import felzenszwalb

    height, width = image.shape[:2]
    resized, found = _resized(_in_unit_range(image)), []
    rows, columns = _centres(height), _centres(width)
    for scale in scales:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of channels other than three
            labels = felzenszwalb(resized, scale, _SIGMA, min_size, channel_axis=-1)
        for one in regionprops(labels + 1):
            margin = int(np.ceil(dilation)) + 1
            low = np.maximum(np.array(one.bbox[:2]) - margin, 0)
            high = np.array(one.bbox[2:]) + margin
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            mask = np.zeros(labels.shape, bool)
            mask[box] = isotropic_dilation(labels[box] == one.label - 1, dilation)
            found.append(mask[np.ix_(rows, columns)])
    made = np.stack(found)
    return np.asarray(made[made.any(axis=(1, 2))])


def _in_unit_range(image: Array) -> Array:
    image = np.asarray(image, np.float64)
    low, high = image.min(), image.max()
    if low >= 0 and high <= 1:
        return image
    return np.asarray((image - low) / (high - low if high > low else 1))


def _resized(image: Array) -> Array:
    from skimage.transform import resize

    return np.asarray(resize(image, (_SIDE, _SIDE), order=1, anti_aliasing=None))


def _centres(count: int) -> Array:
    """Where the centres of pixels lie in the resized image."""
    return np.asarray((np.arange(count) + 0.5) * _SIDE / count, int)
