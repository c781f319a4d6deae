"""Controls: maps that know nothing of the model, which a method has to beat."""

from __future__ import annotations

import abc
import dataclasses
import zlib
from typing import ClassVar, final

import numpy as np
import tensorflow as tf
from scipy import ndimage

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.options import SEEDS, option
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True)
class _RandomArray(HostArray):
    """Normal numbers by the seed and the content of an example: batch mates do not matter."""

    seed: int

    def make(self, examples: Examples) -> Array:
        made = []
        for one in examples.images:
            content = zlib.crc32(np.ascontiguousarray(one).tobytes())
            shape = one.shape[:-1] if one.ndim > 1 else one.shape
            made.append(np.random.default_rng([self.seed, content]).standard_normal(shape))
        return np.stack(made).astype(np.float32)


@final
@dataclasses.dataclass(frozen=True)
class _EdgeArray(HostArray):
    """The size of the gradient of each example along its positions, over channels added up."""

    def make(self, examples: Examples) -> Array:
        images = examples.images
        if images.ndim < 3:
            raise InvalidInputError(
                f"An edge map is of images or series, and inputs of shape {images.shape} have no "
                "edges. Take RandomMap alone as the control."
            )
        return np.stack([_edges(one.astype(np.float64)) for one in images]).astype(np.float32)


def _edges(image: Array) -> Array:
    """(*places,) of (*places, C); each channel by itself, for the filter smooths other axes."""
    channels = np.moveaxis(image, -1, 0)
    squares = [
        sum(np.square(ndimage.sobel(one, axis, mode="nearest")) for axis in range(one.ndim))
        for one in channels
    ]
    return np.asarray(np.sqrt(squares).sum(axis=0))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Control(AttributionMethod, is_named=False):
    """Base of the controls: methods that look at the input alone."""

    is_map: ClassVar[bool] = True
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False

    @property
    @abc.abstractmethod
    def _array(self) -> HostArray:
        """How the map of each example is made."""

    def _host_arrays(self) -> list[HostArray]:
        return [self._array]

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return f.given[self._array]


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomMap(Control, is_named=False):
    """Normal random numbers: what a method that knows nothing at all would say.

    Args:
        seed: Seed of the numbers; those of an example depend on the seed and its content alone.

    Returns:
        `Attribution` with a number for each position of the input, (B, h, w) for images.
    """

    name: ClassVar[str] = "random_map"
    seed: int = option(0, at_least=0, below=SEEDS)

    @property
    def _array(self) -> HostArray:
        return _RandomArray(self.seed)


def random_tokens(one: Attribution, seed: int) -> Attribution:
    """The attribution of texts with a normal random number for each token in its values' place.

    Those of a text depend on the seed and on it alone.
    """
    text = one.text
    if text is None:
        raise InvalidInputError("Random numbers for tokens were asked for, and no texts came.")
    rows = [np.random.default_rng([seed, zlib.crc32(str(of).encode())]) for of in text.texts]
    made = [rng.standard_normal(text.kinds.shape[1]) for rng in rows]
    return dataclasses.replace(one, values=np.stack(made).astype(np.float32))


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class EdgeMap(Control, is_named=False):
    """The strength of edges by Sobel's filter: what looks convincing and knows no model.

    Returns:
        `Attribution` with values (B, h, w) from 0, or (B, t) for series.

    Raises:
        InvalidInputError: The inputs have no positions, as tables have none.
    """

    name: ClassVar[str] = "edge_map"

    @property
    def is_signed(self) -> bool:
        """Edges have a strength alone."""
        return False

    @property
    def _array(self) -> HostArray:
        return _EdgeArray()
