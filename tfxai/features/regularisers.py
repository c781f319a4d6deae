"""What is subtracted from an objective so that a picture stays plain."""

from __future__ import annotations

import abc
import dataclasses
from typing import final

import tensorflow as tf

from tfxai.core.graph.blurring import blurred
from tfxai.core.options import Declared, option


class Regulariser(abc.ABC, Declared):
    """A number for each picture that its objective is lowered by."""

    @abc.abstractmethod
    def penalty(self, pictures: tf.Tensor) -> tf.Tensor:
        """(K,) of pictures (K, H, W, C) in [0, 1], while a graph is traced."""


@final
@dataclasses.dataclass(frozen=True)
class L2(Regulariser):
    """The mean squared distance from grey, times a weight.

    Args:
        weight: In units of the objective, above 0.
    """

    weight: float = option(1.0, above=0.0)

    def penalty(self, pictures: tf.Tensor) -> tf.Tensor:
        """As `Regulariser.penalty`."""
        return self.weight * tf.reduce_mean(tf.square(pictures - 0.5), axis=(1, 2, 3))


@final
@dataclasses.dataclass(frozen=True)
class TotalVariation(Regulariser):
    """The mean absolute difference of neighbouring pixels, times a weight.

    Args:
        weight: In units of the objective, above 0.
    """

    weight: float = option(1.0, above=0.0)

    def penalty(self, pictures: tf.Tensor) -> tf.Tensor:
        """As `Regulariser.penalty`."""
        pixels = tf.cast(tf.size(pictures[0]), pictures.dtype)
        return self.weight * tf.image.total_variation(pictures) / pixels


@final
@dataclasses.dataclass(frozen=True)
class Blur(Regulariser):
    """The mean square of what a Gaussian blur takes away, times a weight.

    Args:
        weight: In units of the objective, above 0.
        sigma: Standard deviation of the blur in pixels, above 0.
    """

    weight: float = option(1.0, above=0.0)
    sigma: float = option(1.5, above=0.0)

    def penalty(self, pictures: tf.Tensor) -> tf.Tensor:
        """As `Regulariser.penalty`."""
        width = tf.fill(tf.shape(pictures)[:1], tf.cast(self.sigma, pictures.dtype))
        smooth, _ = blurred(pictures, width, (1, 2), self.sigma)
        return self.weight * tf.reduce_mean(tf.square(pictures - smooth), axis=(1, 2, 3))
