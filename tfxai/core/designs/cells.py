"""A grid of cells over the positions of an input, of which each shows by a share of its own."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfxai.core.designs.design import Design, Rows
from tfxai.core.windows.windows import swept
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array


@dataclasses.dataclass(frozen=True)
class Cells:
    """Cells of equal size, up to a position, side by side.

    Args:
        sides: Length of each axis of positions.
        counts: Cells along each of them.
        channels: Number of the axes behind the positions.
    """

    sides: tuple[int, ...]
    counts: tuple[int, ...]
    channels: int

    @classmethod
    def over(cls, shape: Sequence[int], cells: int | tuple[int, ...], *, is_lenient: bool) -> Self:
        """The cells over inputs of a shape.

        Args:
            shape: Shape of one row of x, channels last.
            cells: Along each axis, or one number for all; an axis with fewer positions has a cell
                for each.
            is_lenient: Whether x is one of several inputs that share the options.

        Raises:
            InvalidInputError: They are meant for another number of axes.
        """
        sides = swept(shape)
        counts = cells if isinstance(cells, tuple) else (cells,) * len(sides)
        if is_lenient and len(counts) != len(sides):  # meant for another of the inputs
            counts = (max(counts),) * len(sides)
        if len(counts) != len(sides):
            raise InvalidInputError(
                f"cells={cells} has {len(counts)} numbers, and the input has {len(sides)} "
                "axes beside batch and channels. Pass one for each, or a single one for all."
            )
        return cls(sides, tuple(map(min, counts, sides)), len(shape) - len(sides))

    @property
    def number(self) -> int:
        """D, the number of cells."""
        return math.prod(self.counts)

    @property
    def places(self) -> Array:
        """The cell of each position, shaped like the positions."""
        along = [
            np.arange(side) * count // side
            for side, count in zip(self.sides, self.counts, strict=True)
        ]
        return np.ravel_multi_index(np.meshgrid(*along, indexing="ij"), self.counts)

    def spread(self, values: Any, rows: Rows) -> Any:
        """(B, *sides): the values of cells, (B, D), at their positions."""
        placed = rows.xp.take(values, self.places.ravel(), axis=1)
        return rows.xp.reshape(placed, [-1, *self.sides])


class CellDesign(Design):
    """Variants in which each cell shows by a share.

    Attributes:
        cells: D of them.
    """

    cells: Cells

    @property
    @abc.abstractmethod
    def masks(self) -> Array:
        """(K, D) bool, or float64 in [0, 1]: how much of each cell shows in each variant."""

    @property
    def size(self) -> int:
        """Numbers of the masks."""
        return self.most * self.cells.number

    def shown(self, k: Any, rows: Rows) -> Any:
        """The shares of the cells at their positions."""
        xp, cells = rows.xp, self.cells
        is_share = self.masks.dtype != np.bool_
        table = xp.cast(self.masks, rows.x.dtype) if is_share else self.masks
        shares = xp.take(table, k, axis=0)
        return xp.reshape(cells.spread(shares, rows), [-1, *cells.sides, *[1] * cells.channels])


def epsilon(dtype: Any) -> float:
    """Machine epsilon of a type of NumPy or TensorFlow."""
    return float(np.finfo(getattr(dtype, "as_numpy_dtype", dtype)).eps)


def beyond_rounding(variance: Any, scores: Any, eps: float, xp: Arithmetic) -> Any:
    """The variance of each example's scores, (B,), 0 where rounding alone would explain it.

    Args:
        variance: (B,).
        scores: (B, K) float64.
        eps: Machine epsilon of the type in which the model computes them.
        xp: What they are arrays of.
    """
    square = xp.mean(xp.square(scores), 1)
    return xp.where(variance > (4 * eps) ** 2 * square, variance, 0 * variance)
