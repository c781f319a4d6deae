"""Sobol indices: how much of the score's variance goes with each cell of a mask."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfxai.core.designs.cells import CellDesign, Cells, beyond_rounding, epsilon
from tfxai.core.designs.design import Options, Rows
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, SEEDS, option
from tfxai.core.sampling.sensitivity import SobolPoints
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class SobolOptions(Options):
    """The options of `tfxai.Sobol`, which says what they are."""

    name: ClassVar[str] = "sobol"
    is_map: ClassVar[bool] = True
    is_nonnegative: ClassVar[bool] = True
    cells: int | tuple[int, ...] = option(11, kind=COUNTS)
    samples: int = option(32, at_least=2)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        if self.samples & (self.samples - 1):
            raise InvalidInputError(
                f"samples={self.samples} was expected to be a power of two, for which a Sobol "
                "sequence is balanced."
            )

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> VariedCells:
        """A variant for each mask, and for each mask with one of its cells varied."""
        cells = Cells.over(shape, self.cells, is_lenient=is_lenient)
        return VariedCells(cells, self.samples, self.seed)


@dataclasses.dataclass(frozen=True)
class VariedCells(CellDesign):
    """Masks, and the same masks with one cell varied.

    Args:
        cells: M of them.
        samples: N, the number of masks.
        seed: Seed of the masks.
    """

    cells: Cells
    samples: int
    seed: int

    @property
    def most(self) -> int:
        """N masks, and N for each cell."""
        return self.samples * (self.cells.number + 1)

    @functools.cached_property
    def points(self) -> SobolPoints:
        """The masks."""
        return SobolPoints.of(self.cells.number, self.samples, self.seed)

    @functools.cached_property
    def masks(self) -> Array:
        """(N (M + 1), M): A, then for each cell A with that cell from B."""
        count, cell = self.cells.number, np.arange(self.cells.number)
        every = np.tile(self.points.a, (count + 1, 1, 1))
        every[cell + 1, :, cell] = self.points.b.T
        return every.reshape(-1, count)

    def indices(self, scores: Any, eps: float, xp: Arithmetic) -> tuple[Any, Any]:
        """The total-order index of each cell, (B, M), and the variance of the score, (B,).

        Args:
            scores: (B, K) of the variants, float64.
            eps: Machine epsilon of the type in which the model computes them.
            xp: What they are arrays of.
        """
        shape = [-1, self.cells.number + 1, self.samples]
        effects, variance = self.points.total_order(xp.reshape(scores, shape))
        variance = beyond_rounding(variance[:, 0], scores, eps, xp)
        return xp.divide(effects, variance[:, None]), variance

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """At each position the index of its cell."""
        indices, _ = self.indices(scores, epsilon(rows.x.dtype), rows.xp)
        return self.cells.spread(indices, rows)
