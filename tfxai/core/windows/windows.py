"""Windows that sweep over the axes of an input, in a graph: what each position gets."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.core.windows.positions import Sweep


@dataclasses.dataclass(frozen=True)
class Windows(Sweep):
    """The windows over an input."""

    @classmethod
    def over(cls, x: tf.Tensor, window: Any, stride: Any, *, is_lenient: bool = False) -> Windows:
        """The windows over x: all axes but batch and channels; the features of a table.

        Raises:
            InvalidInputError: As for `along`.
        """
        axes = x.shape[1:-1] if x.shape.rank > 2 else x.shape[1:]
        if is_lenient:  # one of several inputs: what was meant for an image is not for a table
            window = _meant_for(window, axes)
            stride = None if window is None else _meant_for(stride, axes)
        return cls.along(axes, window, stride)

    def numbers(self, k: tf.Tensor) -> list[tf.Tensor]:
        """The numbers along each axis, (R,), of the windows of numbers k."""
        found = []
        for count in reversed(self.counts):
            found.append(k % count)
            k = k // count
        return found[::-1]

    def covered(self, k: tf.Tensor) -> tf.Tensor:
        """Which positions the windows of numbers k, (R,), cover: (R, *axes) bool."""
        result = tf.ones([tf.shape(k)[0]] + [1] * len(self.axes), tf.bool)
        for axis, number in enumerate(self.numbers(k)):
            start = tf.gather(tf.constant(self.starts[axis]), number)
            offset = tf.range(self.axes[axis])[None] - start[:, None]
            inside = (offset >= 0) & (offset < self.sides[axis])
            shape = [-1] + [1] * len(self.axes)
            shape[axis + 1] = self.axes[axis]
            result = result & tf.reshape(inside, shape)
        return result

    def spread(self, numbers: tf.Tensor, reduce: str) -> tf.Tensor:
        """At each position the mean or maximum of the numbers of the windows that cover it.

        Args:
            numbers: (B, *counts).
            reduce: `"mean"` or `"max"`.

        Returns:
            (B, *axes).
        """
        for axis in range(len(self.axes)):
            index = self.covering(axis)  # (side, most), -1 where fewer cover it
            picked = tf.gather(numbers, np.maximum(index, 0), axis=axis + 1)
            shape = [*index.shape] + [1] * (len(self.axes) - axis - 1)
            is_real = np.reshape(index >= 0, shape)
            if reduce == "max":
                picked = tf.where(is_real, picked, picked.dtype.min)
                numbers = tf.reduce_max(picked, axis=axis + 2)
            else:
                share = is_real / is_real.sum(axis=1, keepdims=True)
                numbers = tf.reduce_sum(picked * tf.constant(share, picked.dtype), axis=axis + 2)
        return numbers


def _meant_for(given: Any, axes: Any) -> Any:
    """Sides that fit the axes as they are; None, for the default, where other axes are meant."""
    if given is None or (isinstance(given, tuple) and len(given) != len(axes)):
        return None
    sides = given if isinstance(given, tuple) else (given,) * len(axes)
    return given if all(side <= axis for side, axis in zip(sides, axes, strict=True)) else None
