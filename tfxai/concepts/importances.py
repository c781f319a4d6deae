"""How much a score rests on each concept of a bank, image by image."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from tfxai.arithmetic import HOST
from tfxai.arrays import Array
from tfxai.concepts.masked_scores import MaskedScores
from tfxai.core.designs.cells import Cells, epsilon
from tfxai.core.designs.sobol import VariedCells
from tfxai.core.inputs.frozen_arrays import FrozenArray


@dataclasses.dataclass(frozen=True, eq=False)
class Importances:
    """What the score rests on, over all images.

    Args:
        indices: (M,) total-order Sobol indices, the mean over the images whose score varies; 0
            where none does.
        error: (M,) standard errors of these means, 0 for a single image.
        drop: (M,) how much the score falls where one concept is taken out, the mean over images.
        varied: Number of images whose score varies.
    """

    indices: Array
    error: Array
    drop: Array
    varied: int


@dataclasses.dataclass(frozen=True, eq=False)
class ImportanceDesign:
    """Masks of M concepts: those of the Sobol indices, none, and one concept at a time.

    Args:
        count: M.
        samples: N, a power of two.
        seed: Seed of the masks.
    """

    count: int
    samples: int
    seed: int

    @functools.cached_property
    def _sobol(self) -> VariedCells:
        return VariedCells(Cells((self.count,), (self.count,), 0), self.samples, self.seed)

    def method(self, layer: str, bank: Array) -> MaskedScores:
        """What gives the score of each mask."""
        whole = np.ones((1, self.count))
        masks = np.concatenate([self._sobol.masks, whole, whole - np.eye(self.count)])
        return MaskedScores(layer=layer, bank=FrozenArray(bank), masks=FrozenArray(masks))

    def summed_up(self, scores: Array) -> Importances:
        """From the scores of all masks, (B, V), to what the score rests on."""
        wide = scores.astype(np.float64)
        varied, rest = np.split(wide, [self._sobol.most], axis=1)
        indices, variance = self._sobol.indices(varied, epsilon(scores.dtype), HOST)
        indices = np.asarray(indices)[np.asarray(variance) > 0]
        drop = (rest[:, :1] - rest[:, 1:]).mean(axis=0)
        count, zeros = len(indices), np.zeros(self.count)
        if not count:
            return Importances(zeros, zeros, drop, 0)
        spread = indices.std(axis=0, ddof=1) if count > 1 else zeros
        return Importances(indices.mean(axis=0), spread / np.sqrt(count), drop, count)
