"""Programs that metrics run: scores of an input of which a part is hidden.

They are methods whose values are scores, so that chunks, baselines, targets and functions are
those of every call. Nobody meets them by name.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.metrics.fills import LinearImputation


@final
@dataclasses.dataclass(frozen=True)
class PerExample(HostArray):
    """An array with a row for each example that is there already.

    Args:
        array: (B, ...). Another one runs the same program.
    """

    array: Array = dataclasses.field(compare=False, repr=False)

    def make(self, examples: Examples) -> Array:
        """The array."""
        return self.array


@dataclasses.dataclass(frozen=True, kw_only=True)
class Perturbed(AttributionMethod, is_named=False):
    """Base of the programs: values are scores, (B, K).

    Args:
        baseline: What shows where something is hidden.
        imputation: How it is made of what is not hidden, in the place of a baseline.
    """

    is_map: ClassVar[bool] = True
    is_black_box: ClassVar[bool] = True
    takes_any_input: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    default_score: ClassVar[str] = "probability"
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    baseline: Any = option(None, kind=BASELINE)
    imputation: LinearImputation | None = None

    def _record(self) -> dict[str, Any]:
        """The name alone: arrays of examples are no options that somebody chose."""
        return {"name": self.name, "options": {}}

    def _scores(self, f: Score, x: tf.Tensor, count: int, hidden: Any) -> tf.Tensor:
        """(B, count): the score where hidden(f, k) hides, (R, *places) bool or shares."""
        several = f.num_baselines

        def value(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            hides = hidden(f, k // several)
            if self.imputation is not None:
                return f(self.imputation.imputed(f, x, hides, k))
            hides = tf.reshape(hides, tf.concat([tf.shape(hides), _ones(hides, x)], axis=0))
            other = f.baseline_number(k % several)
            if hides.dtype != tf.bool and not f.blends:
                hides = hides >= 0.5  # there is nothing between two words
            if hides.dtype == tf.bool:
                return f(tf.where(hides, other, x))
            return f(x + tf.cast(hides, x.dtype) * (other - x))

        scores = f.scores_of_copies(value, count * several, x)
        return tf.reduce_mean(tf.reshape(scores, [-1, count, several]), axis=-1)


def _ones(hides: tf.Tensor, x: tf.Tensor) -> list[int]:
    return [1] * (x.shape.rank - hides.shape.rank)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Curve(Perturbed, is_named=False):
    """Scores after each of some steps at which positions are hidden, or shown again.

    Args:
        turn: (B, *places) int32, the step of each position, from 1 to `steps`.
        steps: K.
        inserts: Whether positions are shown one after the other, instead of hidden.
    """

    name: ClassVar[str] = "curve"
    turn: PerExample = dataclasses.field(default=None, metadata={})  # type: ignore[assignment]
    steps: int = 1
    inserts: bool = False

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        def hidden(f: Score, k: tf.Tensor) -> tf.Tensor:
            turn = f.given[self.turn]
            step = tf.reshape(k, [-1, *[1] * (turn.shape.rank - 1)])
            return turn > step if self.inserts else turn <= step

        return self._scores(f, x, self.steps + 1, hidden)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Veiled(Perturbed, is_named=False):
    """The score where each position is hidden by a share, (B, 1), and the score itself."""

    name: ClassVar[str] = "veiled"
    share: PerExample = dataclasses.field(default=None, metadata={})  # type: ignore[assignment]

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        return self._scores(f, x, 1, lambda f, k: f.given[self.share])


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Subsets(Perturbed, is_named=False):
    """Scores where random subsets of cells are hidden, (B, samples).

    Args:
        cell: (B, *places) int32, the cell of each position.
        count: Number of cells.
        share: As for `subsets`, like the others.
        samples: Number of subsets.
        seed: Seed of the draws.
    """

    name: ClassVar[str] = "subsets"
    cell: PerExample = dataclasses.field(default=None, metadata={})  # type: ignore[assignment]
    count: int = 1
    share: float = 0.2
    samples: int = 200
    seed: int = 0

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        drawn = tf.constant(subsets(self.count, self.share, self.samples, self.seed))

        def hidden(f: Score, k: tf.Tensor) -> tf.Tensor:
            return tf.gather(tf.gather(drawn, k), f.given[self.cell], axis=1, batch_dims=1)

        return self._scores(f, x, self.samples, hidden)


def subsets(count: int, share: float, samples: int, seed: int) -> Array:
    """(samples, count) bool: subsets of one size, at least 1, drawn at random."""
    size = max(1, round(share * count))
    rng = np.random.default_rng(seed)
    order = rng.random((samples, count)).argsort(axis=1)
    return np.asarray(order < size)
