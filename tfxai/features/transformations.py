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
    top, left = tf.floor(y), tf.floor(x)
    is_inside = (top >= -1) & (top < height) & (left >= -1) & (left < width)
    row, column = (
        tf.cast(tf.clip_by_value(one, -1, n - 1), tf.int32) + 1
        for one, n in ((top, height), (left, width))
    )
    found = tf.gather(_blocks(pictures - GREY), row * (width + 1) + column, batch_dims=1)
    down, right = y - top, x - left
    weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    weight = tf.where(is_inside[..., None], tf.stack(weights, axis=-1), 0)
    parts = tf.reshape(found, (-1, height * width, 4, channels))
    total = tf.reduce_sum(weight[..., None] * parts, axis=2)
    return tf.reshape(total, (-1, height, width, channels)) + GREY


def _blocks(pictures: tf.Tensor) -> tf.Tensor:
    """(K, (H + 1) (W + 1), 4 C): each pixel with its three neighbours below and to the right.

    One gather then does for all four.
    """
    _, height, width, channels = pictures.shape
    padded = tf.pad(pictures, [(0, 0), (1, 1), (1, 1), (0, 0)])
    parts = [padded[:, i : i + height + 1, j : j + width + 1] for i in (0, 1) for j in (0, 1)]
    return tf.reshape(tf.concat(parts, axis=-1), (-1, (height + 1) * (width + 1), 4 * channels))
