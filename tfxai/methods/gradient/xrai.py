"""XRAI: regions of an image, ranked by how much attribution they hold for their area."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, Self, cast, final

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.segmentations import regions
from tfxai.core.options import Kind, option
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.gradient.integrated_gradients import IntegratedGradients
from tfxai.methods.options import METHOD, check_of_input

SCALES = (50, 100, 150, 250, 500, 1200)
"""The paper's scales of Felzenszwalb's segmentation."""


@dataclasses.dataclass(frozen=True)
class Extreme(HostArray):
    """Black or white of each image: the darkest or brightest colour that it might have.

    Args:
        is_white: Which of the two.
    """

    is_white: bool

    def make(self, examples: Examples) -> Array:
        """(B, C): of the preprocessing where it is known, else the image's least or greatest."""
        images = examples.images
        if examples.preprocessing is not None:
            end = np.asarray(examples.preprocessing.input_range[int(self.is_white)])
        else:
            axes = tuple(range(1, images.ndim))
            end = (images.max if self.is_white else images.min)(axis=axes)[:, None]
        return np.broadcast_to(end.astype(images.dtype), (len(images), images.shape[-1]))


def _is_number(given: Any, least: float) -> bool:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return is_number and least <= given < float("inf")


def _read_scales(_: str, scales: Any) -> tuple[float, ...]:
    several = tuple(scales) if isinstance(scales, list | tuple) else (scales,)
    if not several or not all(_is_number(one, 0) and one > 0 for one in several):
        raise InvalidInputError(
            f"scales={scales!r} was expected to be numbers above 0, such as {SCALES}."
        )
    return several


POSITIVE = Kind("numbers above 0", _read_scales)
_PATH = IntegratedGradients()
BLACK, WHITE = Extreme(is_white=False), Extreme(is_white=True)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class XRAI(AttributionMethod):
    """Ranks the regions of an image by the attribution that they add for each pixel they cover.

    The image is segmented at several scales. One region after the other is taken, the one whose
    pixels that are not yet taken have the greatest mean attribution; this mean is the value of
    these pixels.

    Args:
        of: The method whose values are summed over regions, a record or its registry name.
        black_and_white: Whether `of` is run against a black and a white image and the mean of
            both is taken, so that dark and bright pixels count alike: black and white before
            preprocessing where that is known, else the least and the greatest value of each
            image. False compares with the baseline of `of` itself. Does nothing where `of`
            compares with nothing.
        scales: Scales of the segmentations, each above 0: large ones give large regions.
        min_size: Smallest region, at least 1, in pixels of the image resized to 224 x 224.
        dilation: By how many of these pixels, at least 0, each region grows on all sides, so that
            it holds the edges around it.

    Returns:
        `Attribution` with values (B, h, w), signed, in units of the score per pixel.
        `details["rank"]` (B, h, w) counts regions in the order in which they were taken, from 0
        on: `rank < n` are the n first.

    Raises:
        InvalidInputError: An option out of its range, a method of a layer, a baseline beside
            `black_and_white`, or an input that is no single image.

    Reference:
        Kapishnikov et al., "XRAI: Better Attributions Through Regions", ICCV 2019, section 3.
        arXiv:1906.02825. Departures: `of` may be another method than Integrated Gradients, whose
        values are summed over channels. The image is segmented in colours from 0 to 1, resized to
        224 x 224, and regions are dilated there, so that scales mean the same for every size;
        regions that are too small are merged with a neighbour and not left out, so each pixel has
        a value. Ranking ends when all pixels are taken.

    Example:
        >>> import keras, numpy as np
        >>> image = keras.Input((4, 4, 1))
        >>> model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(image))
        >>> x = np.repeat([0.0, 0.0, 1.0, 1.0], 4).reshape(1, 4, 4, 1)
        >>> XRAI()(model, x).values[0, :, 0]  # (x - 1 / 2) / 16
        array([-0.03125, -0.03125,  0.03125,  0.03125], dtype=float32)
    """

    name: ClassVar[str] = "xrai"
    is_map: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    is_by_input: ClassVar[bool] = True
    host_stage: ClassVar[str] = "ranks the regions of each image"
    of: Any = option(_PATH, kind=METHOD)
    black_and_white: bool = option(True)
    scales: tuple[float, ...] = option(SCALES, kind=POSITIVE)
    min_size: int = option(20, at_least=1)
    dilation: float = option(5, kind=float, at_least=0)

    def _check_together(self) -> None:
        check_of_input("of", self.of, self.name)
        own = [one for one in self.of._baselines() if one is not None]
        if self.black_and_white and own:
            raise InvalidInputError(
                f"of={self.of.name!r} has a baseline of its own, {own[0]!r}, and black_and_white "
                "compares with black and white. Leave the baseline out, or pass "
                "black_and_white=False."
            )

    @property
    def idle_options(self) -> tuple[str, ...]:
        """Colours are nothing to a method that compares with nothing."""
        return () if self.of._baselines() else ("black_and_white",)

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: where those of `of` may be."""
        return bool(self.of.is_signed)

    def _fitted(self, layout: Layout, at: str | None) -> Self:
        parts = layout.parts
        if len(parts) != 1 or len(parts[0].shape) != 3:
            shapes = " and ".join(str(part.shape) for part in parts)
            raise InvalidInputError(
                f"xrai segments one image of shape (h, w, C), and inputs of shape {shapes} are "
                "explained. Choose another method, such as 'integrated_gradients'."
            )
        return dataclasses.replace(self, of=self.of._fitted(layout, at))

    def _baselines(self) -> list[Any]:
        return [] if self.black_and_white else super()._baselines()

    def _host_arrays(self) -> list[HostArray]:
        compares = self.black_and_white and self.of._baselines()
        return [*super()._host_arrays(), *((BLACK, WHITE) if compares else ())]

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        if BLACK not in f.given:
            return cast(tf.Tensor, self.of._values(f, x))
        both = []
        for end in (BLACK, WHITE):
            colour = tf.cast(f.given[end], x.dtype)[:, None, None, :]
            both.append(self.of._values(f.against(tf.broadcast_to(colour, tf.shape(x))), x))
        return (both[0] + both[1]) / 2

    def _finish(self, values: Array, examples: Examples) -> tuple[Array, dict[str, Array]]:
        ranked = [
            ranking(regions(image, self.scales, self.min_size, self.dilation), one.sum(axis=-1))
            for image, one in zip(examples.colours, values, strict=True)
        ]
        maps, ranks = (np.stack(several) for several in zip(*ranked, strict=True))
        return maps.astype(values.dtype), {"rank": ranks}


def ranking(masks: Array, attribution: Array) -> tuple[Array, Array]:
    """Takes regions in the order of the mean attribution of what they add.

    Args:
        masks: (S, h, w) bool, which pixels each region has; each pixel lies in one or more.
        attribution: (h, w).

    Returns:
        (h, w) float64, the mean of each pixel's region when it was taken, and (h, w) int32, the
        number of that region in the order. Of equal means the first region comes first.
    """
    shape, count = attribution.shape, len(masks)
    columns = np.packbits(masks.reshape(count, -1), axis=0).T  # (h w, S / 8)
    _, first, cell = np.unique(columns, axis=0, return_index=True, return_inverse=True)
    cell = cell.ravel()  # pixels that lie in the same regions are taken together
    sums = np.bincount(cell, attribution.ravel().astype(np.float64))
    areas = np.bincount(cell).astype(np.float64)
    region, of = np.nonzero(masks.reshape(count, -1)[:, first])  # pairs of a region and a cell
    values, ranks = np.zeros(len(first)), np.zeros(len(first), np.int32)
    rank = 0
    while len(of):
        area = np.bincount(region, areas[of], count)
        gains = np.full(count, -np.inf)
        np.divide(np.bincount(region, sums[of], count), area, out=gains, where=area > 0)
        best = int(np.argmax(gains))
        taken = of[region == best]
        values[taken], ranks[taken] = gains[best], rank
        is_open = np.isin(of, taken, invert=True)
        region, of, rank = region[is_open], of[is_open], rank + 1
    return values[cell].reshape(shape), ranks[cell].reshape(shape)
