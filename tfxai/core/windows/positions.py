"""Where the windows lie that sweep over the axes of an input. Free of TensorFlow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfxai.core.options import COUNTS, Option
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array

REDUCTIONS = ("mean", "max")


@dataclasses.dataclass(frozen=True)
class Sweep:
    """Where the windows over an input lie.

    Args:
        axes: Length of each axis that is swept.
        sides: Side of a window along each.
        starts: Where the windows start along each.
    """

    axes: tuple[int, ...]
    sides: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    @classmethod
    def along(cls, axes: Sequence[int], window: Any, stride: Any) -> Self:
        """The windows over axes of these lengths.

        Raises:
            InvalidInputError: A window is larger than its axis or smaller than its stride, or
                there are windows for another number of axes.
        """
        axes = tuple(axes)
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

    def covering(self, axis: int) -> Array:
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
    Option(kind=str, choices=REDUCTIONS, noun="reduction").read("reduce", reduce)
    sides = Option(kind=COUNTS, is_optional=True)
    return sides.read("window", window), sides.read("stride", stride)


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
