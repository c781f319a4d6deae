"""RISE: random smooth masks."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfxai.arithmetic import along
from tfxai.core.designs.design import Design, Options, Rows
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, SEEDS, option
from tfxai.core.sampling.hashing import uniform_on_host
from tfxai.core.windows.windows import swept
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.core.inputs.parts import Part

_AT_ONCE = 64  # masks that are made on the host together


@dataclasses.dataclass(frozen=True, kw_only=True)
class RISEOptions(Options):
    """The options of `tfxai.RISE`, which says what they are."""

    name: ClassVar[str] = "rise"
    is_map: ClassVar[bool] = True
    samples: int = option(1000, at_least=1)
    cells: int | tuple[int, ...] = option(7, kind=COUNTS)
    probability: float = option(0.5, above=0, below=1)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> RandomMasks:
        """A variant for each mask."""
        sides = swept(shape)
        cells = self.cells if isinstance(self.cells, tuple) else (self.cells,) * len(sides)
        if is_lenient and len(cells) != len(sides):
            cells = (max(cells),) * len(sides)  # meant for another of the inputs
        if len(cells) != len(sides):
            raise InvalidInputError(
                f"cells={self.cells} has {len(cells)} numbers, and the input has {len(sides)} "
                "axes beside batch and channels. Pass one for each, or a single one for all."
            )
        channels = len(shape) - len(sides)
        return RandomMasks(sides, channels, cells, self.samples, self.probability, self.seed)


@dataclasses.dataclass(frozen=True)
class RandomMasks(Design):
    """A random grid of cells for each variant, shifted and interpolated.

    Args:
        sides: Length of each axis of positions.
        channels: Number of the axes behind them.
        cells: Cells along each axis of positions.
        samples: Number of masks.
        probability: Chance of a cell to be let through.
        seed: Seed of the draws.
    """

    sides: tuple[int, ...]
    channels: int
    cells: tuple[int, ...]
    samples: int
    probability: float
    seed: int

    @property
    def most(self) -> int:
        """The number of masks."""
        return self.samples

    @property
    def size(self) -> int:
        """Numbers that are drawn for the masks that are made together."""
        return self.draws * _AT_ONCE

    @property
    def draws(self) -> int:
        """Random numbers that a mask needs: the shifts, then the grid."""
        return math.prod(self._grid) + len(self._grid)

    def weight(self, several: int = 1) -> float:
        """What a score counts at what its mask lets through, of so many baselines (Eq. 6)."""
        return 1 / (self.samples * several * self.probability)

    @property
    def _grid(self) -> list[int]:
        return [count + 2 for count in self.cells]  # what a shift by up to a cell needs at the end

    def masks(self, draws: Any, xp: Arithmetic) -> Any:
        """The masks, (R, *sides) in [0, 1], from random numbers, (R, `self.draws`) in [0, 1)."""
        grid, dtype = self._grid, draws.dtype
        shifts = draws[:, : len(grid)]
        shown = xp.cast(draws[:, len(grid) :] < self.probability, dtype)
        mask = xp.reshape(shown, [-1, *grid])
        for axis, (side, count) in enumerate(zip(self.sides, self.cells, strict=True)):
            place = xp.cast(np.arange(side), dtype) * count / side + shifts[:, axis, None]
            distance = xp.abs(place[..., None] - xp.cast(np.arange(count + 2), dtype))  # in cells
            weights = xp.maximum(1 - distance, 0)  # (R, side, count + 2), linear between centres
            mask = along(mask, axis + 1, functools.partial(_mixed, weights=weights, xp=xp), xp)
        return mask

    def shown(self, k: Any, rows: Rows) -> Any:
        """The masks, on the host."""
        mask = self._masks_on_host(k, rows)
        return mask.reshape([*mask.shape, *[1] * self.channels])

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """The mean of the masks, weighted by their scores, on the host."""
        total = np.zeros((len(scores), *self.sides))
        for start in range(0, self.samples, _AT_ONCE):
            k = np.arange(start, min(start + _AT_ONCE, self.samples))
            total += np.tensordot(scores[:, k], self._masks_on_host(k, rows), axes=1)
        return total * self.weight()

    def _masks_on_host(self, k: Any, rows: Rows) -> Any:
        draws = uniform_on_host(self.seed, k, self.draws)
        return self.masks(draws.astype(rows.x.dtype), rows.xp)


def _mixed(rows: Any, weights: Any, xp: Arithmetic) -> Any:
    """(R, ..., m): weights (R, m, n) of the elements of each mask along its last axis."""
    *around, n = rows.shape[1:]
    flat = xp.reshape(rows, [-1, math.prod(around), n])
    return xp.reshape(xp.matmul_transposed(flat, weights), [-1, *around, weights.shape[1]])
