"""Grid pointing game: whether the part of a mosaic is found that shows the explained class."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrangement import array_channels_back, spatial
from tfxai.arrays import Array
from tfxai.axes import channels_last, input_axes
from tfxai.core.options import SEEDS, option
from tfxai.errors import InvalidInputError
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.relevance import relevance

_CELLS = 4


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GridPointing(Metric):
    """The share of the positive values that lies on the image of the class, one of 2x2 images.

    For each image a mosaic is made: the image in one of the four cells, and images of three other
    classes in the others, each at half its size, so that the mosaic has the size of an image. The
    class of the image is explained. A map that knows nothing has 0.25.

    Args:
        seed: Seed by which the cell and the other images are drawn.

    Returns:
        `Measurement` in [0, 1], high is good; NaN where nothing is positive. In its details
        `mosaic`, (B, ...), in the model's units, and `cell`, (B,): 0 is top left, 1 top right, 2
        bottom left, 3 bottom right.

    Raises:
        InvalidInputError: An attribution came in the place of its method, the inputs are no images
            of floating-point numbers with sides of at least 2 pixels, or they are of fewer than
            four classes.

    Reference:
        Böhle, Fritz, Schiele, "Convolutional Dynamic Alignment Networks for Interpretable
        Classifications", CVPR 2021, section 4.2. arXiv:2104.00032. Departure: images are halved by
        the mean of 2x2 pixels, because most models take one size; one cell is measured in each
        mosaic.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((4, 4, 4))  # the class is the channel that is not zero
        >>> model = keras.Model(inputs, keras.ops.sum(inputs, (1, 2)))
        >>> x = np.eye(4)[:, None, None] * np.ones((4, 4, 4, 4))
        >>> GridPointing()(model, x.astype("float32"), tfxai.GradientInput()).values
        array([1., 1., 1., 1.])
    """

    name: ClassVar[str] = "grid_pointing"
    higher_is_better: ClassVar[bool | None] = True
    needs_method: ClassVar[bool] = True
    seed: int = option(0, at_least=0, below=SEEDS)

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        one = asked.attribution
        axes = input_axes(one)
        if (
            asked.method is None
            or spatial(axes) != "HW"
            or np.asarray(one.inputs).dtype.kind != "f"
        ):
            raise InvalidInputError(
                "grid_pointing explains mosaics of images. Pass the method itself in the place of "
                "an attribution, and images of floating-point numbers."
            )
        images = channels_last(np.asarray(one.inputs), axes)
        if min(images.shape[1:3]) < 2:
            raise InvalidInputError(
                f"Images of {images.shape[1:3]} pixels cannot be halved. Pass images with sides "
                "of at least 2 pixels."
            )
        classes = _classes(asked)
        chosen, cells = _drawn(classes, np.random.default_rng(self.seed))
        mosaics = array_channels_back(_mosaics(images, chosen), axes)
        found = asked.method(asked.model, mosaics, classes, **asked.cost)
        positive = np.maximum(relevance(found), 0)
        quarters = _quarters(positive).sum(axis=(2, 3))
        total = positive.sum(axis=(1, 2))
        inside = quarters[np.arange(len(cells)), cells]
        share = np.where(total > 0, inside / np.where(total > 0, total, 1), np.nan)
        return share, {"mosaic": mosaics, "cell": cells}


def _classes(asked: Asked) -> Array:
    """The class of each image.

    Raises:
        InvalidInputError: No classes are explained, or fewer than four.
    """
    classes = np.asarray(asked.attribution.target)
    if asked.target is None or classes.ndim != 1:
        raise InvalidInputError(
            "grid_pointing tells images apart by the class that is explained of each. Pass "
            "target=, one class for each image, of a model of classes."
        )
    if len(np.unique(classes)) < _CELLS:
        raise InvalidInputError(
            f"The images are of {len(np.unique(classes))} classes, and a mosaic shows four. Pass "
            "images of at least four classes, or the true one of each as target=."
        )
    return classes


def _drawn(classes: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(B, 4) the image in each cell, and (B,) the cell of the image itself."""
    chosen = np.empty((len(classes), _CELLS), np.int64)
    cells = rng.integers(0, _CELLS, len(classes))
    for i, (own, cell) in enumerate(zip(classes, cells, strict=True)):
        others = np.unique(classes[classes != own])
        three = rng.choice(others, _CELLS - 1, replace=False)
        images = [rng.choice(np.flatnonzero(classes == other)) for other in three]
        chosen[i] = np.insert(images, cell, i)
    return chosen, cells


def _mosaics(images: Array, chosen: Array) -> Array:
    """(B, H, W, C) of (B, H, W, C) images and the four that each mosaic shows.

    An image of an odd side lacks its last line, which the mosaic has as the fill of zeros.
    """
    count, height, width, channels = images.shape
    h, w = height // 2, width // 2
    blocks = images[:, : 2 * h, : 2 * w].reshape(count, h, 2, w, 2, channels)
    half = blocks.mean(axis=(2, 4)).astype(images.dtype)
    mosaics = np.zeros_like(images)
    for cell in range(_CELLS):
        top, left = h * (cell // 2), w * (cell % 2)
        mosaics[:, top : top + h, left : left + w] = half[chosen[:, cell]]
    return mosaics


def _quarters(maps: Array) -> Array:
    """(B, 4, h, w): what lies over each cell of (B, H, W)."""
    h, w = maps.shape[1] // 2, maps.shape[2] // 2
    return np.stack(
        [
            maps[:, h * (cell // 2) : h * (cell // 2) + h, w * (cell % 2) : w * (cell % 2) + w]
            for cell in range(_CELLS)
        ],
        axis=1,
    )
