"""Windows that sweep over the axes of an input: which there are, and what each position gets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.core.inputs import Array
from tfxai.errors import InvalidInputError, UnknownNameError, UnsupportedModelError

REDUCTIONS = ("mean", "max")


@dataclasses.dataclass(frozen=True)
class Windows:
    """The windows over an input.

    Args:
        axes: Length of each axis that is swept.
        sides: Side of a window along each.
        starts: Where the windows start along each.
    """

    axes: tuple[int, ...]
    sides: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    @classmethod
    def over(cls, x: tf.Tensor, parts: int, window: Any, stride: Any) -> Windows:
        """The windows over x: all axes but batch and channels; the features of a table.

        Raises:
            InvalidInputError: A window is larger than its axis or smaller than its stride, or
                there are windows for another number of axes.
            UnsupportedModelError: x holds several inputs side by side.
        """
        if parts > 1:
            raise UnsupportedModelError(
                f"The model has {parts} inputs, and a window slides over one. Hold the others "
                "fast in a model of your own, or use FeatureAblation."
            )
        axes = tuple(x.shape[1:-1] if x.shape.rank > 2 else x.shape[1:])
        sides = _for_each("window", window, [max(axis // 8, 1) for axis in axes])
        strides = _for_each("stride", stride, [max(side // 2, 1) for side in sides])
        if any(side > axis for side, axis in zip(sides, axes, strict=True)):
            raise InvalidInputError(
                f"window={sides} is larger than the input, whose axes are {axes}. "
                "Pass a smaller window."
            )
        if any(step > side for step, side in zip(strides, sides, strict=True)):
            raise InvalidInputError(
                f"stride={strides} is larger than window={sides} and would leave gaps. "
                "Pass a stride of at most the window."
            )
        starts = tuple(
            tuple(sorted({*range(0, axis - side, step), axis - side}))
            for axis, side, step in zip(axes, sides, strides, strict=True)
        )
        return cls(axes, sides, starts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        return tuple(len(starts) for starts in self.starts)

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
            index = self._covering(axis)  # (side, most), -1 where fewer cover it
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

    def _covering(self, axis: int) -> Array:
        """The numbers of the windows that cover each position of an axis, -1 for none."""
        starts = np.array(self.starts[axis])
        position = np.arange(self.axes[axis])[:, None]
        covers = (position >= starts) & (position < starts + self.sides[axis])
        most = covers.sum(axis=1).max()
        order = np.argsort(~covers, axis=1, kind="stable")[:, :most]
        return np.where(np.take_along_axis(covers, order, axis=1), order, -1)


def check_windows(window: Any, stride: Any, reduce: Any) -> tuple[Any, Any]:
    """Window and stride in their stored form.

    Raises:
        InvalidInputError: They are no positive integers.
        UnknownNameError: `reduce` is no reduction.
    """
    if not isinstance(reduce, str):
        raise InvalidInputError(f"reduce={reduce!r} was expected to be 'mean' or 'max'.")
    if reduce not in REDUCTIONS:
        raise UnknownNameError.of("reduction", reduce, REDUCTIONS)
    return _read("window", window), _read("stride", stride)


def _read(name: str, given: Any) -> int | tuple[int, ...] | None:
    if given is None:
        return None
    several = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else None
    sides = (given,) if several is None else several
    is_whole = all(isinstance(one, int) and not isinstance(one, bool) for one in sides)
    if not sides or not is_whole or min(sides) < 1:
        raise InvalidInputError(
            f"{name}={given!r} was expected to be an integer of at least 1, one for each axis, "
            "or None."
        )
    return given if several is None else several


def _for_each(
    name: str, given: int | tuple[int, ...] | None, defaults: Sequence[int]
) -> tuple[int, ...]:
    """One number for each axis."""
    if given is None:
        return tuple(defaults)
    if isinstance(given, int):
        return (given,) * len(defaults)
    if len(given) != len(defaults):
        raise InvalidInputError(
            f"{name}={given} has {len(given)} numbers, and the input has {len(defaults)} axes "
            "beside batch and channels. Pass one number for each, or a single one for all."
        )
    return given
