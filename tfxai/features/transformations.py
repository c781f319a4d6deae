"""Small random changes of a picture, under which what it shows has to hold."""

from __future__ import annotations

import dataclasses
import math
from typing import final

import tensorflow as tf

from tfxai.core.graph.blurring import blurred
from tfxai.core.options import Declared, option

GREY = 0.5
"""What lies around a picture."""
DRAWS = 5
"""Random numbers that one change takes."""


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Transformations(Declared):
    """A picture is framed, moved, scaled, rotated and blurred anew at each step.

    What optimises one exact arrangement of pixels does not survive this; what a network knows
    from photographs does.

    Args:
        pad: Width of a grey frame on each side, as a share of the picture's side, in [0, 1).
        jitter: Largest shift in each direction, as a share of the side, in [0, 1).
        scale: Largest change of size: factors from 1 / (1 + scale) to 1 + scale; in [0, 1).
        rotate: Largest angle in degrees, to either side; in [0, 180).
        blur: Largest standard deviation of a Gaussian blur in pixels, at least 0.
    """

    pad: float = option(0.05, at_least=0.0, below=1.0)
    jitter: float = option(0.05, at_least=0.0, below=1.0)
    scale: float = option(0.1, at_least=0.0, below=1.0)
    rotate: float = option(5.0, at_least=0.0, below=180.0)
    blur: float = option(0.0, at_least=0.0)

    @property
    def moves(self) -> bool:
        """Whether pixels change their place."""
        return any((self.pad, self.jitter, self.scale, self.rotate))

    def changed(self, pictures: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """The pictures as one step sees them, while a graph is traced.

        Args:
            pictures: (K, H, W, C) in [0, 1].
            draws: (K, `DRAWS`) random numbers in [0, 1).
        """
        if self.moves:
            pictures = _resampled(pictures, self._matrices(pictures, draws))
        if self.blur:
            pictures, _ = blurred(pictures, self.blur * draws[:, 4], (1, 2), self.blur)
        return pictures

    def _matrices(self, pictures: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
        """(K, 2, 3): from a pixel's place around the middle to where it is read."""
        sides = tf.cast(tf.shape(pictures)[1:3], pictures.dtype)
        signed = 2 * draws - 1
        zoom = (1 + 2 * self.pad) * tf.pow(1.0 + self.scale, signed[:, 0])
        angle = signed[:, 1] * math.radians(self.rotate)
        sine, cosine = zoom * tf.sin(angle), zoom * tf.cos(angle)
        down, right = (self.jitter * signed[:, 2 + i] * sides[i] for i in range(2))
        rows = tf.stack([cosine, -sine, down], axis=-1), tf.stack([sine, cosine, right], axis=-1)
        return tf.stack(rows, axis=1)


def _resampled(pictures: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
    """Pictures read bilinearly at other places; what lies outside is grey."""
    _, height, width, channels = pictures.shape
    down, right = tf.meshgrid(
        tf.range(height, dtype=pictures.dtype) - (height - 1) / 2,
        tf.range(width, dtype=pictures.dtype) - (width - 1) / 2,
        indexing="ij",
    )
    ones = tf.ones_like(down)
    places = tf.reshape(tf.stack([down, right, ones]), (3, -1))  # (3, H W)
    found = tf.matmul(matrices, places[None])  # (K, 2, H W)
    y, x = found[:, 0] + (height - 1) / 2, found[:, 1] + (width - 1) / 2
    flat = tf.reshape(pictures - GREY, (-1, height * width, channels))
    top, left = tf.floor(y), tf.floor(x)
    total = tf.zeros_like(flat)
    for row, across in ((0, 0), (0, 1), (1, 0), (1, 1)):
        at, beside = top + row, left + across
        weight = (1 - tf.abs(y - at)) * (1 - tf.abs(x - beside))
        is_inside = (at >= 0) & (at < height) & (beside >= 0) & (beside < width)
        at, beside = tf.clip_by_value(at, 0, height - 1), tf.clip_by_value(beside, 0, width - 1)
        index = tf.cast(at, tf.int32) * width + tf.cast(beside, tf.int32)
        weight = tf.where(is_inside, weight, 0)
        total += weight[..., None] * tf.gather(flat, index, batch_dims=1)
    return tf.reshape(total, (-1, height, width, channels)) + GREY
