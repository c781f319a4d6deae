"""What TCAV found: a line for each layer and concept."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.concepts.result_table import ResultTable
from tfxai.plotting.concepts import plot_tcav

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = (
    "layer", "concept", "score", "magnitude", "p_value", "adjusted", "is_significant",
    "accuracy", "random_low", "random_high",
)  # fmt: skip
"""What is said of each concept at each layer, in order."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ConceptScore:
    """One concept at one layer.

    Args:
        layer: Path of the layer.
        concept: Name of the concept.
        score: Share in [0, 1] of images whose score rises along the concept.
        magnitude: Mean change of the score, to first order, along the direction from the mean of
            the images that the concept is told from to that of the concept; signed, in units of
            the score.
        p_value: Two-sided, by rank among the random concepts.
        adjusted: The same after Holm's correction over all layers and concepts of the run.
        accuracy: Balanced held-out accuracy of the direction, in [0, 1]; 0.5 is guessing.
        random_scores: (K,) scores of the random concepts.
        random_magnitudes: (K,) their magnitudes.
    """

    layer: str
    concept: str
    score: float
    magnitude: float
    p_value: float
    adjusted: float = math.nan
    accuracy: float
    random_scores: Array
    random_magnitudes: Array

    @property
    def random_range(self) -> tuple[float, float]:
        """Between which the middle 95 % of the scores of random concepts lie."""
        low, high = np.quantile(self.random_scores, [0.025, 0.975])
        return float(low), float(high)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class TCAVResult(ResultTable):
    """The concepts of a run, those that fail the test included.

    Args:
        rows: One for each layer and concept.
        target: Name of the class.
        count: Number of its images.
        alpha: Chance of an error that corrected p-values are compared with.
        draws: Random concepts that each was ranked among.
        relative: Whether concepts were told from each other.
    """

    rows: tuple[ConceptScore, ...]
    target: str
    count: int
    alpha: float
    draws: int
    relative: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ConceptScore]:
        return iter(self.rows)

    def __repr__(self) -> str:
        found = sum(map(self.is_significant, self.rows))
        return (
            f"TCAVResult({self.target!r}, {self.count} images: {found} of {len(self)} concepts "
            f"significant at {self.alpha:g})"
        )

    def is_significant(self, row: ConceptScore) -> bool:
        """Whether a concept differs from random ones after the correction."""
        return row.adjusted <= self.alpha

    @property
    def remark(self) -> str:
        """What to know where nothing can be found; empty where all is well."""
        smallest = 2 / (self.draws + 1) * len(self)
        if smallest <= self.alpha:
            return ""
        needed = math.ceil(2 * len(self) / self.alpha) - 1
        return (
            f"With {self.draws} random concepts the smallest p-value of {len(self)} tests is "
            f"{min(1.0, smallest):.2g} after the correction: nothing can be significant at "
            f"{self.alpha:g}. Pass draws={needed} or more."
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys of each row."""
        return COLUMNS

    def table(self) -> list[dict[str, Any]]:
        """A dict for each layer and concept, with the keys `COLUMNS`."""
        return [
            {
                **{name: getattr(row, name) for name in COLUMNS[:6]},
                "is_significant": self.is_significant(row),
                "accuracy": row.accuracy,
                "random_low": row.random_range[0],
                "random_high": row.random_range[1],
            }
            for row in self.rows
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON takes it."""
        about = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {**about, "rows": self.table(), "remark": self.remark}

    def plot(self, path: str | os.PathLike[str] | None = None, *, figsize: Any = None) -> Figure:
        """Draws the scores beside those of random concepts; see `tfxai.plotting.plot_tcav`.

        Raises:
            InvalidInputError: `figsize` does not fit.
            OutputError: The file cannot be written.
        """
        return plot_tcav(self, path=path, figsize=figsize)
