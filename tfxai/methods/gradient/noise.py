"""What the methods share that explain many noisy copies of the input."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tfxai.core.options import check_samples, check_seed
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod, read_method_of_input
from tfxai.methods.gradient.saliency import Saliency

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

    of: Any = _GRADIENT
    samples: int = 50
    noise: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "of", read_method_of_input("of", self.of, self.name))
        check_samples(self.samples)
        is_number = isinstance(self.noise, int | float) and not isinstance(self.noise, bool)
        if not is_number or not 0 < self.noise < float("inf"):
            raise InvalidInputError(
                f"noise={self.noise!r} was expected to be above 0: the standard deviation as a "
                "fraction of the input's range."
            )
        check_seed(self.seed)

    def _explain_copy(self, f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        """The values of copy k: `of` at x with noise of its own."""
        noisy = x + self.noise * f.spread(x) * f.noise(self.seed, k, x)
        return self._explain(f, noisy)

    def _explain(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        """The values of `of` at x."""
        values = self.of._attribute(f, x)
        return values[0] if isinstance(values, tuple) else values
