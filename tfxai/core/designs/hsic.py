"""HSIC: how far the score depends on whether each cell shows."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tfxai.core.designs.cells import CellDesign, Cells, beyond_rounding, epsilon
from tfxai.core.designs.design import Options, Rows
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import COUNTS, SEEDS, option
from tfxai.core.sampling.sensitivity import HSICMasks

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class HSICOptions(Options):
    """The options of `tfxai.HSIC`, which says what they are."""

    name: ClassVar[str] = "hsic"
    is_map: ClassVar[bool] = True
    is_nonnegative: ClassVar[bool] = True
    cells: int | tuple[int, ...] = option(7, kind=COUNTS)
    samples: int = option(1000, at_least=2)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> HalvedCells:
        """A variant for each mask."""
        cells = Cells.over(shape, self.cells, is_lenient=is_lenient)
        return HalvedCells(cells, self.samples, self.seed)


@dataclasses.dataclass(frozen=True)
class HalvedCells(CellDesign):
    """Masks in which each cell shows or not, with even chances.

    Args:
        cells: M of them.
        samples: n, the number of masks.
        seed: Seed of the masks.
    """

    cells: Cells
    samples: int
    seed: int

    @property
    def most(self) -> int:
        """The number of masks."""
        return self.samples

    @property
    def size(self) -> int:
        """Numbers of the largest table: the kernel of the scores, or the masks."""
        return max(self.samples**2, self.samples * self.cells.number)

    @functools.cached_property
    def drawn(self) -> HSICMasks:
        """The masks as numbers."""
        return HSICMasks.of(self.cells.number, self.samples, self.seed)

    @property
    def masks(self) -> Array:
        """(n, M) bool."""
        found: Array = self.drawn.masks > 0
        return found

    def dependence(self, scores: Any, eps: float, xp: Arithmetic) -> tuple[Any, Any]:
        """The criterion of each cell, (B, M), and the variance of the score, (B,).

        Args:
            scores: (B, n) of the variants, float64.
            eps: Machine epsilon of the type in which the model computes them.
            xp: What they are arrays of.
        """
        mean = xp.mean(scores, 1)[:, None]
        variance = beyond_rounding(xp.mean(xp.square(scores - mean), 1), scores, eps, xp)
        scaled = xp.divide(scores - mean, xp.sqrt(variance)[:, None])

        def of_one(score: Any) -> Any:  # a kernel at a time
            kernel = xp.exp(-xp.square(score[:, None] - score[None]) / 2)
            return self.drawn.dependence(kernel)

        return xp.each(of_one, scaled), variance

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """At each position the criterion of its cell."""
        found, _ = self.dependence(scores, epsilon(rows.x.dtype), rows.xp)
        return self.cells.spread(found, rows)
