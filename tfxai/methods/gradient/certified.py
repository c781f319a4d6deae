"""Certified: the positions that stay among the most relevant whatever small noise is added."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar, final

import tensorflow as tf
from scipy import stats

from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.options import option
from tfxai.core.sampled import Value
from tfxai.core.score import Score
from tfxai.core.windows.windows import swept
from tfxai.errors import InvalidInputError
from tfxai.heatmaps import reduced
from tfxai.methods.gradient.noise import NoisyMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Certified(NoisyMethod):
    """Says which positions are among the top ones of a method's map for all inputs close by.

    Each noisy copy of the input votes for the `top` share of positions of the largest values. A
    position is certified in where more than the share `agreement` of all copies that there could
    be would vote for it, certified out where more than that share would not, and unknown where the
    copies that were drawn leave it open. What is certified holds for every input within
    `details["radius"]`, not for the one alone.

    Args:
        of: The method that explains each copy, a record or its registry name; the signed
            gradient by default.
        samples: Number of noisy copies, at least 1; enough that a position for which all of them
            vote can be certified.
        noise: Standard deviation of the Gaussian noise as a fraction of the input's range, which
            is max(x) - min(x) of each example; above 0.
        seed: Seed of the noise, which all examples of a batch share.
        top: Share of the positions that a copy votes for, in (0, 1); one of them at least.
        agreement: Share of all copies that have to agree, in [0.5, 1). A larger one certifies
            fewer positions within a larger radius.
        level: Chance, in (0, 1), that any position of an example is certified wrongly, at most.

    Returns:
        `Attribution` with values (B, h, w) over the positions of the input, (B, t) for series and
        (B, F) for tables: 1 certified in, -1 certified out, 0 unknown. `details` holds `"votes"`,
        shaped like them, the share of copies that voted for a position; and `"radius"` (B,), in
        the unit of the input: the root of the sum of squares of what may be added to it.

    Raises:
        InvalidInputError: An option out of its range, a method of a layer, or too few samples.

    Reference:
        Anani, Lorenz, Fritz, Schiele, "Pixel-level Certified Explanations via Randomized
        Smoothing", ICML 2025. arXiv:2506.15499. The radius is noise * Phi^-1(agreement): Cohen et
        al., ICML 2019. arXiv:1902.02918. Departures: no first round of samples chooses what to
        test, so that each position has two one-sided binomial tests, at level / (2 positions);
        the noise is a share of the range of x, which is held for the inputs close by.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, 3.0 * inputs[:, :1] - 2.0 * inputs[:, 1:])
        >>> Certified(top=0.5)(model, np.array([[1.0, 2.0]])).values
        array([[ 1., -1.]], dtype=float32)
    """

    name: ClassVar[str] = "certified"
    is_map: ClassVar[bool] = True
    is_by_input: ClassVar[bool] = True
    samples: int = option(100, at_least=1)
    top: float = option(0.2, above=0, below=1)
    agreement: float = option(0.75, at_least=0.5, below=1)
    level: float = option(0.05, above=0, below=1)

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        sides = swept(x.shape[1:])
        number = math.prod(sides)
        needed = self._needed(number)
        weights = [1.0] * self.samples
        like = tf.zeros([tf.shape(x)[0], *sides], x.dtype)
        votes = f.sum_over_copies(self._vote(sides, number), weights, x, like=like)
        inside = tf.cast(votes >= needed, x.dtype)
        outside = tf.cast(self.samples - votes >= needed, x.dtype)
        spread = tf.reduce_max(tf.reshape(f.spread(x), [tf.shape(x)[0], -1]), axis=1)
        radius = spread * self.noise * float(stats.norm.ppf(self.agreement))
        return inside - outside, {"votes": votes / self.samples, "radius": radius}

    def _vote(self, sides: tuple[int, ...], number: int) -> Value:
        """From the copies to 1 at the positions of the largest values, 0 elsewhere."""
        count = min(max(1, round(self.top * number)), number - 1)

        def vote(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            values = self._explain_copy(f, x, k)
            if values.shape.rank > len(sides) + 1:
                values = reduced(values, self.reduction, GRAPH)
            flat = tf.reshape(values, [-1, number])
            order = tf.argsort(flat, axis=1, direction="DESCENDING", stable=True)
            rank = tf.argsort(order, axis=1, stable=True)
            return tf.reshape(tf.cast(rank < count, x.dtype), [-1, *sides])

        return vote

    def _needed(self, number: int) -> int:
        """The fewest votes that reject, at the level of one test, that agreement is no larger."""
        level = self.level / (2 * number)
        needed = int(stats.binom.isf(level, self.samples, self.agreement)) + 1
        if number < 2:
            raise InvalidInputError(
                f"{self.name} tells positions from one another, and the input has {number}. Pass "
                "an input with two or more."
            )
        if needed > self.samples:
            enough = math.ceil(math.log(level) / math.log(self.agreement))
            raise InvalidInputError(
                f"{self.samples} samples cannot certify any of {number:,} positions, though all "
                f"agree. Pass samples={enough} or more, a smaller agreement, or a larger level."
            )
        return needed

    @property
    def reduction(self) -> str:
        """How channels are reduced before the vote: as for `of`."""
        return str(self.of.reduction)
