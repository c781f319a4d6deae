"""Windows that sweep over the axes of an input: where they lie, and what each position gets.

Free of TensorFlow: the arithmetic is passed in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array

REDUCTIONS = ("mean", "max")


@dataclasses.dataclass(frozen=True)
class Windows:
    """Where the windows over an input lie.

    Args:
        axes: Length of each axis that is swept.
        sides: Side of a window along each.
        starts: Where the windows start along each.
        strides: From one window to the next along each, but for the last one.
    """

    axes: tuple[int, ...]
    sides: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]
    strides: tuple[int, ...] = ()

    @classmethod
    def over(
        cls, shape: Sequence[int], window: Any, stride: Any, *, is_lenient: bool = False
    ) -> Self:
        """The windows over an input: all axes but channels; the features of a table.

        Args:
            shape: Shape of one example, channels last.
            window: Side along each axis, one number for all, or None.
            stride: Likewise.
            is_lenient: Whether sides that do not fit are those of another input, so that the
                default is taken.

        Raises:
            InvalidInputError: A window is larger than its axis or smaller than its stride, or
                there are windows for another number of axes.
        """
        axes = swept(shape)
        if is_lenient:  # one of several inputs: what was meant for an image is not for a table
            window = _meant_for(window, axes)
            stride = None if window is None else _meant_for(stride, axes)
        sides, strides = sides_and_strides(axes, window, stride)
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
        return cls(axes, sides, starts, strides)

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of windows along each axis."""
        return tuple(len(starts) for starts in self.starts)

    def numbers(self, k: Any) -> list[Any]:
        """The numbers along each axis, (R,), of the windows of numbers k."""
        found = []
        for count in reversed(self.counts):
            found.append(k % count)
            k = k // count
        return found[::-1]

    def covered(self, k: Any, xp: Arithmetic) -> Any:
        """Which positions the windows of numbers k, (R,), cover: (R, *axes) bool."""
        result: Any = True
        for axis, number in enumerate(self.numbers(k)):
            start = xp.take(np.array(self.starts[axis], np.int32), number, axis=0)
            offset = np.arange(self.axes[axis], dtype=np.int32)[None] - start[:, None]
            inside = (offset >= 0) & (offset < self.sides[axis])
            shape = [-1] + [1] * len(self.axes)
            shape[axis + 1] = self.axes[axis]
            result = result & xp.reshape(inside, shape)
        return result

    def spread(self, numbers: Any, reduce: str, xp: Arithmetic) -> Any:
        """At each position the mean or maximum of the numbers of the windows that cover it.

        Args:
            numbers: (B, *counts).
            reduce: `"mean"` or `"max"`.
            xp: What they are numbers of.

        Returns:
            (B, *axes).
        """
        for axis in range(len(self.axes)):
            index = self.covering(axis)  # (side, most), -1 where fewer cover it
            picked = xp.take(numbers, np.maximum(index, 0), axis=axis + 1)
            shape = [*index.shape] + [1] * (len(self.axes) - axis - 1)
            is_real = np.reshape(index >= 0, shape)
            if reduce == "max":
                numbers = xp.max(xp.where(is_real, picked, -np.inf), axis=axis + 2)
            else:
                share = is_real / is_real.sum(axis=1, keepdims=True)
                numbers = xp.sum(picked * xp.cast(share, picked.dtype), axis=axis + 2)
        return numbers

    def covering(self, axis: int) -> Array:
        """The numbers of the windows that cover each position of an axis, -1 for none."""
        starts = np.array(self.starts[axis])
        position = np.arange(self.axes[axis])[:, None]
        covers = (position >= starts) & (position < starts + self.sides[axis])
        most = covers.sum(axis=1).max()
        order = np.argsort(~covers, axis=1, kind="stable")[:, :most]
        return np.where(np.take_along_axis(covers, order, axis=1), order, -1)


def swept(shape: Sequence[int]) -> tuple[int, ...]:
    """The axes of one example that masks and windows lie over: all but channels, or features."""
    return tuple(shape[:-1] if len(shape) > 1 else shape)


def sides_and_strides(
    axes: Sequence[int], window: Any, stride: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The side of a window and the step to the next one along each axis, defaults filled in.

    Raises:
        InvalidInputError: There are numbers for another number of axes.
    """
    sides = _for_each("window", window, [max(axis // 8, 1) for axis in axes])
    return sides, _for_each("stride", stride, [max(side // 2, 1) for side in sides])


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


def _meant_for(given: Any, axes: Any) -> Any:
    """Sides that fit the axes as they are; None, for the default, where other axes are meant."""
    if given is None or (isinstance(given, tuple) and len(given) != len(axes)):
        return None
    sides = given if isinstance(given, tuple) else (given,) * len(axes)
    return given if all(side <= axis for side, axis in zip(sides, axes, strict=True)) else None
