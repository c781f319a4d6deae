"""LIME: coalitions at random, and a ridge regression on them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfxai.core.designs.design import Rows
from tfxai.core.designs.features import CoalitionDesign, FeatureOptions, Features
from tfxai.core.designs.masks import MASK
from tfxai.core.designs.staged import FIRST, Staged, growing
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import SEEDS, option
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class LIMEOptions(FeatureOptions):
    """The options of `tfxai.LIME`, which says what they are."""

    name: ClassVar[str] = "lime"
    mask: Any = option(None, kind=MASK)
    samples: int = option(1000, at_least=1)
    kernel_width: float = option(0.25, above=0)
    alpha: float = option(1.0, at_least=0)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> Ridge:
        """A variant for each coalition."""
        features = self.features(shape, parts)
        if self.samples <= features.count:
            raise InvalidInputError(
                f"{self.samples} samples came for {features.count} features, whose coefficients "
                f"{features.count + 1} or more determine. Pass samples={features.count + 1} or "
                "more, or a mask with fewer features."
            )
        return Ridge(features, self, self.samples)


@dataclasses.dataclass(frozen=True)
class Ridge(CoalitionDesign):
    """A linear model of the scores, fitted to coalitions that are drawn at random.

    Args:
        features: M of them.
        options: Options of the method.
        samples: Number of draws: those of the options, or the first of them.
    """

    features: Features
    options: LIMEOptions
    samples: int

    @property
    def most(self) -> int:
        """The samples, or all coalitions."""
        return min(self.samples, 2**self.features.count)

    @property
    def count(self) -> int:
        """The coalitions that were drawn, each once."""
        return len(self.coalitions)

    @property
    def size(self) -> int:
        """Numbers of the regression's matrix."""
        return self.samples * self.features.count

    @property
    def coalitions(self) -> Array:
        """(K, M) bool."""
        return self._drawn[0]

    def fit(self, scores: Any, xp: Arithmetic) -> tuple[Any, Any, Any]:
        """Coefficients (B, M), intercept (B,) and the share of the variance explained (B,)."""
        centred, centre, shares, solve = self._solution
        mean = xp.matvec(scores, shares)[:, None]
        coefficients = xp.matmul(scores - mean, solve)  # (B, M)
        rest = scores - mean - xp.matmul(coefficients, centred.T)
        unexplained = xp.matvec(xp.square(rest), shares)
        variance = xp.matvec(xp.square(scores - mean), shares)
        some = xp.where(variance > 0, variance, 1.0)
        r_squared = xp.where(variance > 0, 1 - unexplained / some, 1.0)
        return coefficients, mean[:, 0] - xp.matvec(coefficients, centre), r_squared

    def standard_error(self, scores: Any, xp: Arithmetic) -> Any:
        """The standard error of the coefficients over draws of the copies, (B, M).

        Of a weighted regression, from what the fit without a copy leaves of its score (HC3:
        MacKinnon, White, Journal of Econometrics 29, 1985); the penalty is taken as part of what
        is estimated.
        """
        centred, _, shares, solve = self._solution
        mean = xp.matvec(scores, shares)[:, None]
        rest = scores - mean - xp.matmul(xp.matmul(scores - mean, solve), centred.T)
        alone = np.maximum(1 - (solve * centred).sum(axis=1) - shares, 1e-3)
        pull = solve / (alone * np.sqrt(self._drawn[1]))[:, None]
        return xp.sqrt(xp.matmul(xp.square(rest), pull * pull))

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """At each element the coefficient of its feature."""
        return self.features.spread(self.fit(scores, rows.xp)[0], rows)

    @property
    def drawn(self) -> int:
        """The number of draws."""
        return self.samples

    def stages(self) -> Staged:
        """The same with fewer draws first, from twice as many as coefficients on."""
        counts = growing(self.samples, max(FIRST, 2 * (self.features.count + 1)))
        several = [dataclasses.replace(self, samples=count) for count in counts]
        return Staged((*(one for one in several[:-1] if one._is_determined), self))

    @property
    def _is_determined(self) -> bool:
        try:
            return bool(self._solution)
        except InvalidInputError:
            return False

    @functools.cached_property
    def _drawn(self) -> tuple[Array, Array]:
        return random_coalitions(self.features.count, self.samples, self.options.seed)

    @functools.cached_property
    def _solution(self) -> tuple[Array, Array, Array, Array]:
        """The centred coalitions, their mean, the copies' weights and the ridge's matrix."""
        z, times = self._drawn
        distance = 1 - np.sqrt(z.mean(axis=1))
        weights = times * np.exp(-np.square(distance / self.options.kernel_width))  # Eq. 2: pi_x
        shares = weights / weights.sum()
        centre = shares @ z
        return z - centre, centre, shares, self._ridge(z - centre, weights)

    def _ridge(self, z: Array, weights: Array) -> Array:
        """From scores less their mean to coefficients, (n, M), for centred coalitions z."""
        options, (copies, count) = self.options, z.shape
        if np.linalg.matrix_rank(np.sqrt(weights)[:, None] * z) < count:
            raise InvalidInputError(
                f"{copies} different copies came of the draws, too few of some weight to "
                f"determine the coefficients of {count} features. Pass more samples than "
                f"{self.samples}, a wider kernel_width than {options.kernel_width}, or a mask "
                "with fewer features."
            )
        squares = z.T @ (weights[:, None] * z) + options.alpha * np.eye(count)
        return np.asarray(np.linalg.solve(squares, z.T * weights).T)


def random_coalitions(count: int, samples: int, seed: int) -> tuple[Array, Array]:
    """Coalitions of `count` features that are drawn at random, each with how often it was drawn.

    The first draw is all features, every other one has each feature with probability 1/2.
    """
    z = np.random.default_rng(seed).random((samples, count)) < 0.5
    z[0] = True
    return np.unique(z, axis=0, return_counts=True)


def _check_number(name: str, value: Any, *, above: bool) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < np.inf or (above and value == 0):
        raise InvalidInputError(
            f"{name}={value!r} was expected to be {'above' if above else 'at least'} 0."
        )
