"""KernelSHAP: coalitions for one weighted regression."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfxai.core.designs.design import Rows
from tfxai.core.designs.features import CoalitionDesign, FeatureOptions, Features
from tfxai.core.designs.masks import MASK
from tfxai.core.designs.staged import Staged, growing
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import SEEDS, option
from tfxai.core.sampling.coalitions import kernel_draws, shapley_map

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class KernelSHAPOptions(FeatureOptions):
    """The options of `tfxai.KernelSHAP`, which says what they are."""

    name: ClassVar[str] = "kernel_shap"
    completes: ClassVar[bool] = True
    mask: Any = option(None, kind=MASK)
    samples: int = option(1024, at_least=1)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> Regression:
        """A variant for each coalition."""
        return Regression(self.features(shape, parts), self.samples, self.seed)


@dataclasses.dataclass(frozen=True)
class Regression(CoalitionDesign):
    """Coalitions whose scores one linear map takes to the Shapley values.

    Args:
        features: M of them.
        samples: Most coalitions.
        seed: Seed of the draws.
        draws: How many of the draws of pairs are used, the first ones; None is all.
    """

    features: Features
    samples: int
    seed: int
    draws: int | None = None

    @property
    def most(self) -> int:
        """The samples, or all coalitions but the full and the empty one."""
        return min(self.samples, 2**self.features.count - 2)

    @property
    def count(self) -> int:
        """The coalitions but the full and the empty one."""
        return len(self._drawn[0])

    @property
    def size(self) -> int:
        """Numbers of the regression's matrix."""
        return self.samples * self.features.count

    @functools.cached_property
    def coalitions(self) -> Array:
        """(K + 2, M) bool: those that are drawn, then the empty and the full one."""
        z = self._drawn[0]
        ends = np.arange(2)[:, None] * np.ones(self.features.count)
        return np.concatenate([z, ends.astype(bool)])

    @functools.cached_property
    def solve(self) -> Array:
        """(K + 2, M): what the score of each coalition counts in each value."""
        return shapley_map(*self._drawn[:2])

    def standard_error(self, scores: Any, values: Any, xp: Arithmetic) -> Any:
        """The standard error of the values over draws of pairs, (B, M); 0 where none was drawn.

        A pair pulls the values by u e + u' e', where e and e' are what the regression leaves of
        the scores of the coalition and of its complement: of a regression without that pair, so
        that a pair which the values follow closely does not look certain by that (CR3).

        Args:
            scores: (B, K + 2) of the coalitions, the empty and the full one last, float64.
            values: (B, M).
            xp: What they are arrays of.
        """
        z, weights, times = self._drawn
        pairs, total = len(times), int(times.sum())
        if total < 2:
            return 0 * values
        drawn, ends = z[-2 * pairs :].astype(np.float64), scores[:, -2:-1]
        rest = scores[:, -2 * pairs - 2 : -2] - ends - xp.matmul(values, drawn.T)
        pull = self.solve[-2 * pairs - 2 : -2] / weights[-2 * pairs :, None]  # u, (2 P, M)
        a, b = pull[:pairs], pull[pairs:]
        first, second = _without(rest[:, :pairs], rest[:, pairs:], drawn, pull, weights)
        share = times / total
        mean = xp.matmul(first * share, a) + xp.matmul(second * share, b)
        square = xp.matmul(first * first * share, a * a) + xp.matmul(
            second * second * share, b * b
        )
        square = square + 2 * xp.matmul(first * second * share, a * b)
        variance = xp.maximum(square - mean * mean, 0) / (total - 1)
        return weights[-2 * pairs :].sum() / 2 * xp.sqrt(variance)

    @property
    def drawn(self) -> int:
        """The number of coalitions that are run."""
        return len(self._drawn[0])

    def stages(self) -> Staged:
        """The same with fewer draws of pairs first; all at once where nothing is drawn."""
        total = int(self._drawn[2].sum())
        fewer = [dataclasses.replace(self, draws=count) for count in growing(total)[:-1]]
        return Staged((*fewer, self))

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """The Shapley value of a feature in equal shares for its elements, on the host."""
        every = np.concatenate([scores, baseline_score[:, None], score[:, None]], axis=1)
        return self.features.shares(every @ self.solve, rows)

    @functools.cached_property
    def _drawn(self) -> tuple[Array, Array, Array]:
        return kernel_draws(self.features.count, self.samples, self.seed, self.draws)


def _without(
    first: Any, second: Any, drawn: Array, pull: Array, weights: Array
) -> tuple[Any, Any]:
    """What a regression without a pair leaves of its scores, (B, P) each: (I - H)^-1 of the rest.

    Args:
        first: (B, P), what the whole regression leaves of the coalitions.
        second: The same of their complements.
        drawn: (2 P, M) the coalitions and their complements.
        pull: (2 P, M), u.
        weights: (n,), those of the pairs last.
    """
    pairs = len(drawn) // 2
    of_each = weights[-2 * pairs : -pairs]  # a coalition and its complement weigh the same
    a, b = drawn[:pairs], drawn[pairs:]
    own, other = 1 - of_each * (a * pull[:pairs]).sum(1), 1 - of_each * (b * pull[pairs:]).sum(1)
    across = of_each * (a * pull[pairs:]).sum(1)
    whole = np.maximum(own * other - across * across, 1e-6)
    return (other * first + across * second) / whole, (across * first + own * second) / whole
