"""What random subsets of cells are said to matter, beside what the score loses without them."""

from __future__ import annotations

import abc
import dataclasses
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.core.designs.cells import Cells
from tfxai.core.options import SEEDS, option
from tfxai.metrics.base import Asked, Metric
from tfxai.metrics.fills import FILL, hiding
from tfxai.metrics.perturbed import PerExample, Subsets, subsets
from tfxai.metrics.relevance import relevance


@dataclasses.dataclass(frozen=True, kw_only=True)
class OverSubsets(Metric):
    """Base of the metrics that compare the two.

    Args:
        cells: Cells of the grid along each axis of positions; an axis with fewer positions has a
            cell for each.
        share: Share of the cells in each subset, in (0, 1).
        samples: Number of subsets, at least 2.
        fill: What shows where cells are hidden, as a method's `baseline`, or `"road"`: made of
            what shows, `LinearImputation`. None is zeros.
        seed: Seed of the subsets, which all examples share.
    """

    cells: int = option(9, at_least=1)
    share: float = option(0.2, above=0, below=1)
    samples: int = option(200, at_least=2)
    fill: Any = option(None, kind=FILL)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        drawn: Any = {"share": self.share, "samples": self.samples, "seed": self.seed}
        said, drops = without_subsets(asked, self.cells, self.fill, drawn)
        return self.judged(said, drops), {}

    @abc.abstractmethod
    def judged(self, said: Array, drops: Array) -> Array:
        """(B,) of what subsets are said to matter and what the score loses, (B, samples) both."""


def without_subsets(
    asked: Asked, cells: int, fill: Any, drawn: dict[str, Any]
) -> tuple[Array, Array]:
    """What random subsets of cells are said to matter, and what the score loses without them.

    Args:
        asked: What the metric is asked about.
        cells: Cells of the grid along each axis of positions, at most.
        fill: What shows where cells are hidden.
        drawn: `share`, `samples` and `seed` of `subsets`.

    Returns:
        The sums of the values over each subset, and the drops of the score, (B, samples) both.
    """
    relevant = relevance(asked.attribution)
    grid = _grid(relevant, cells)
    cell = PerExample(np.broadcast_to(grid.places.astype(np.int32), relevant.shape))
    found = asked.scores(Subsets(cell=cell, count=grid.number, **hiding(fill), **drawn))
    drops = np.asarray(found.score, np.float64)[:, None] - np.asarray(found.values)
    return over_subsets(relevant, cells, drawn), drops


def over_subsets(relevant: Array, cells: int, drawn: dict[str, Any]) -> Array:
    """(B, samples): the sums of (B, *places) values over each random subset of cells."""
    grid = _grid(relevant, cells)
    place = grid.places.ravel()
    sums = np.stack([np.bincount(place, one.ravel(), grid.number) for one in relevant])
    return np.asarray(sums @ subsets(grid.number, **drawn).T)


def _grid(relevant: Array, cells: int) -> Cells:
    """The cells, at most so many along each axis."""
    return Cells(relevant.shape[1:], tuple(min(cells, n) for n in relevant.shape[1:]), 0)
