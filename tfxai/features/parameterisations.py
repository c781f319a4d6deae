"""How a picture is written as numbers that are optimised."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import tensorflow as tf
from scipy.special import logit

from tfxai.arrays import Array
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.options import Declared, option
from tfxai.errors import InvalidInputError
from tfxai.features.photographs import colour_matrix, magnitudes

EDGE = 0.01
"""How near to 0 and 1 the pixels of a given picture may be."""


class Parameterisation(abc.ABC, Declared):
    """From numbers without bounds to pictures in [0, 1]."""

    @abc.abstractmethod
    def start(self, shape: tuple[int, int, int], seed: Sequence[int]) -> Array:
        """Where one picture (H, W, C) starts, float32, the same for the same seed."""

    @abc.abstractmethod
    def picture(self, numbers: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
        """The pictures (K, H, W, C) in [0, 1] of numbers (K, ...), while a graph is traced."""

    def numbers_of(self, pictures: Array) -> Array:
        """Numbers (K, ...) float32 whose pictures are those: (K, H, W, C) in [0, 1].

        Pixels nearer to black or white than `EDGE` become as near, since no number gives them.

        Raises:
            InvalidInputError: Not every picture can be written so.
        """
        raise InvalidInputError(
            f"{type(self).__name__}() cannot write a picture that is given. Pass Fourier() or "
            "Pixels()."
        )


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Pixels(Parameterisation):
    """One number for each pixel and channel, brought to [0, 1] by a sigmoid.

    Fine patterns that no photograph has cost nothing here, and networks answer to them: expect
    pictures that look like noise.

    Args:
        spread: Standard deviation of the start around grey, at least 0.
    """

    spread: float = option(0.1, at_least=0.0)

    def start(self, shape: tuple[int, int, int], seed: Sequence[int]) -> Array:
        """As `Parameterisation.start`."""
        return _normal(shape, seed, self.spread)

    def picture(self, numbers: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
        """As `Parameterisation.picture`."""
        return tf.sigmoid(numbers)

    def numbers_of(self, pictures: Array) -> Array:
        """As `Parameterisation.numbers_of`."""
        return np.asarray(_logits(pictures), np.float32)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Fourier(Parameterisation):
    """Fourier coefficients, scaled as those of photographs, in decorrelated colours.

    Args:
        decay: Power of the frequency by which coefficients fall, at least 0; 1 is as in
            photographs.
        spread: Standard deviation of the start around grey, at least 0.

    Reference:
        Olah et al., "Feature Visualization", Distill, 2017.
        Departure: the colours are those of scikit-image's photographs.
    """

    decay: float = option(1.0, at_least=0.0)
    spread: float = option(0.1, at_least=0.0)

    def start(self, shape: tuple[int, int, int], seed: Sequence[int]) -> Array:
        """As `Parameterisation.start`."""
        height, width, channels = shape
        return _normal((2, channels, height, width // 2 + 1), seed, self.spread)

    def picture(self, numbers: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
        """As `Parameterisation.picture`."""
        height, width, _ = shape
        scale = _falling(height, width, self.decay) * np.sqrt(height * width)
        spectrum = tf.complex(numbers[:, 0] * scale, numbers[:, 1] * scale)
        return tf.sigmoid(_coloured(_inverse(spectrum, height, width)))

    def numbers_of(self, pictures: Array) -> Array:
        """As `Parameterisation.numbers_of`."""
        height, width, channels = pictures.shape[1:]
        maps = _logits(pictures)
        if channels == 3:
            maps = maps @ np.linalg.inv(colour_matrix().astype(np.float64)).T
        spectrum = np.moveaxis(np.fft.rfft2(maps, axes=(1, 2)), -1, 1)
        spectrum /= _falling(height, width, self.decay) * np.sqrt(height * width)
        return np.stack([spectrum.real, spectrum.imag], axis=1).astype(np.float32)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class PhaseOnly(Parameterisation):
    """Phases alone: the magnitude of each frequency stays that of photographs.

    Args:
        photographs: (N, h, w, C) whose mean magnitudes are kept, integers in [0, 255] or floats
            in [0, 1]; None for those of scikit-image.

    Reference:
        Fel et al., "Unlocking Feature Visualization for Deeper Networks with MAgnitude
        Constrained Optimization", NeurIPS 2023. arXiv:2306.06805.
        Departure: photographs of scikit-image in the place of ImageNet; a sigmoid of slope 1 at
        grey keeps the picture in [0, 1].
    """

    photographs: Any = None

    def __post_init__(self) -> None:
        given = self.photographs
        if given is not None and not isinstance(given, FrozenArray):
            try:
                array = np.array(given)
            except ValueError as error:  # of several sizes
                raise InvalidInputError(
                    "photographs are of several sizes. Bring them to one size first: (N, h, w, C)."
                ) from error
            object.__setattr__(self, "photographs", FrozenArray(array))

    def start(self, shape: tuple[int, int, int], seed: Sequence[int]) -> Array:
        """As `Parameterisation.start`."""
        height, width, channels = shape
        return _normal((channels, height, width // 2 + 1), seed, np.pi)

    def picture(self, numbers: tf.Tensor, shape: tuple[int, int, int]) -> tf.Tensor:
        """As `Parameterisation.picture`."""
        height, width, _ = shape
        given = None if self.photographs is None else np.asarray(self.photographs)
        size = magnitudes(given, *shape)
        free = np.ones(size.shape[1:], np.float32)
        free[0, 0] = 0  # the mean colour has no phase
        spectrum = tf.complex(size * tf.cos(numbers * free), size * tf.sin(numbers * free))
        return tf.sigmoid(4 * (_coloured(_inverse(spectrum, height, width)) - 0.5))


def _logits(pictures: Array) -> Array:
    """What a sigmoid brings to the pixels."""
    return logit(np.clip(pictures, EDGE, 1 - EDGE).astype(np.float64))


def _normal(shape: Sequence[int], seed: Sequence[int], spread: float) -> Array:
    return np.asarray(np.random.default_rng(list(seed)).normal(size=shape) * spread, np.float32)


def _falling(height: int, width: int, decay: float) -> Array:
    """(height, width // 2 + 1) float32: one over the frequency in cycles a picture."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.maximum(np.hypot(rows, columns), 1 / max(height, width))
    return np.asarray(1 / frequency**decay * _unit(frequency, decay), np.float32)


def _unit(frequency: Array, decay: float) -> float:
    """What makes the variance of a picture that of its numbers."""
    return float(1 / np.sqrt(np.mean(frequency ** (-2 * decay))))


def _inverse(spectrum: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Maps (K, H, W, C) of coefficients (K, C, H, W // 2 + 1)."""
    return tf.transpose(tf.signal.irfft2d(spectrum, [height, width]), (0, 2, 3, 1))


def _coloured(maps: tf.Tensor) -> tf.Tensor:
    """Three independent maps as red, green and blue, which go together; others as they are."""
    return tf.einsum("bhwc,dc->bhwd", maps, colour_matrix()) if maps.shape[-1] == 3 else maps
