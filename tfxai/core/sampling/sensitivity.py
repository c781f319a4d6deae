"""Masks of sensitivity analysis, and the estimators of their scores. Free of TensorFlow.

Estimators use operators alone, so that they take the scores as arrays and as tensors of a graph.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array


@dataclasses.dataclass(frozen=True)
class SobolPoints:
    """Quasi-random masks A and B, and C_i: A with cell i taken from B.

    Args:
        a: (N, M) in [0, 1), uniform.
        b: As `a`, independent of it.
    """

    a: Array
    b: Array

    @classmethod
    def of(cls, count: int, samples: int, seed: int) -> SobolPoints:
        """The two halves of a scrambled Sobol sequence in 2 M dimensions.

        Args:
            count: M, the number of cells.
            samples: N, a power of two.
            seed: Seed of the scrambling.

        Raises:
            InvalidInputError: The sequence has too few dimensions for the cells.
        """
        from scipy.stats import qmc  # takes long to load

        most = qmc.Sobol.MAXDIM // 2
        if count > most:
            raise InvalidInputError(
                f"{count} cells are too many for a Sobol sequence, which reaches for {most}. "
                "Pass smaller cells=."
            )
        sequence = qmc.Sobol(2 * count, scramble=True, rng=np.random.default_rng(seed))
        points = sequence.random(samples)
        return cls(points[:, :count], points[:, count:])

    @property
    def runs(self) -> int:
        """Scores that the estimator needs: A, then one for each cell, N of each."""
        return len(self.a) * (self.a.shape[1] + 1)

    def total_order(self, scores: Any) -> tuple[Any, Any]:
        """Jansen's estimator, before it is divided by the variance.

        Args:
            scores: (B, M + 1, N) of A and of each C_i.

        Returns:
            (B, M), half the mean square of f(A) - f(C_i); and (B, 1), the variance of f(A).
        """
        samples = len(self.a)
        mean = np.full((samples, 1), 1 / samples)
        of_a = scores[:, 0]
        difference = scores[:, 1:] - scores[:, :1]
        spread = of_a - of_a @ mean
        effects = (difference * difference) @ mean / 2
        return effects[:, :, 0], (spread * spread) @ mean * (samples / (samples - 1))


@dataclasses.dataclass(frozen=True)
class HSICMasks:
    """Masks that show each cell or not, with even chances.

    Args:
        masks: (n, M) of 0 and 1.
    """

    masks: Array

    @classmethod
    def of(cls, count: int, samples: int, seed: int) -> HSICMasks:
        """Independent draws: n = `samples` masks of M = `count` cells."""
        rng = np.random.default_rng(seed)
        return cls(rng.integers(0, 2, (samples, count)).astype(np.float64))

    def dependence(self, kernel: Any) -> Any:
        """tr(K_i H L H) / (n - 1)^2 of each cell i, (M,).

        K_i is 1 where two masks agree at the cell and 0 elsewhere, z z' + (1 - z)(1 - z)', so
        that H K_i H = 2 (H z)(H z)': no matrix of a cell is ever made.

        Args:
            kernel: L, (n, n), of the scores.
        """
        n = len(self.masks)
        centred = self.masks - self.masks.mean(axis=0)  # H z of every cell
        total = np.ones((1, n)) @ ((kernel @ centred) * centred)
        return total[0] * (2 / (n - 1) ** 2)
