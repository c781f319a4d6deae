"""What the methods share that explain many noisy copies of the input."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import tensorflow as tf

from tfxai.core.options import SEEDS, option
from tfxai.core.sampled import check_tolerance
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.gradient.saliency import Saliency
from tfxai.methods.options import METHOD, check_of_input

_GRADIENT = Saliency(absolute=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoisyMethod(AttributionMethod):
    """A method over the explanations of noisy copies.

    Args:
        of: The method that explains each copy, a record or its registry name; the signed
            gradient by default.
        samples: Number of noisy copies, at least 1.
        noise: Standard deviation of the Gaussian noise as a fraction of the input's range, which
            is max(x) - min(x) of each example; above 0.
        seed: Seed of the noise.
    """

    of: Any = option(_GRADIENT, kind=METHOD)
    samples: int = option(50, at_least=1)
    noise: float = option(0.15, above=0)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        check_of_input("of", self.of, self.name)

    def _explain_copy(self, f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        """The values of copy k: `of` at x with noise of its own."""
        noisy = x + self.noise * f.spread(x) * f.noise(self.seed, k, x)
        return self._explain(f, noisy)

    def _explain(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        """The values of `of` at x."""
        return cast(tf.Tensor, self.of._values(f, x))


@dataclasses.dataclass(frozen=True, kw_only=True)
class NoisyMean(NoisyMethod):
    """A statistic of the explanations of noisy copies, of as many as it takes.

    Args:
        tolerance: Largest standard error as a fraction of the largest value, above 0; None takes
            all samples.
    """

    tolerance: float | None = option(None, kind=float, above=0)

    def _check_together(self) -> None:
        super()._check_together()
        check_tolerance(self.tolerance, self.samples)
