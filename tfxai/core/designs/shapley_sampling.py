"""ShapleySampling: the coalitions that arise as features join in random orders."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from tfxai.core.designs.design import Rows
from tfxai.core.designs.features import CoalitionDesign, FeatureOptions, Features
from tfxai.core.designs.masks import MASK
from tfxai.core.designs.staged import Staged, growing
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import SEEDS, option
from tfxai.core.sampling.coalitions import orders_of, walks
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part

_MOST = 2**28  # orders times features times features: bytes of all coalitions


@dataclasses.dataclass(frozen=True, kw_only=True)
class ShapleySamplingOptions(FeatureOptions):
    """The options of `tfxai.ShapleySampling`, which says what they are."""

    name: ClassVar[str] = "shapley_sampling"
    completes: ClassVar[bool] = True
    mask: Any = option(None, kind=MASK)
    samples: int = option(24, at_least=4)
    baseline: Any = option(None, kind=BASELINE)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _check_together(self) -> None:
        if self.samples % 2:
            raise InvalidInputError(
                f"samples={self.samples} was expected to be even and at least 4: "
                "two pairs of an order and its reverse."
            )

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> JoiningFeatures:
        """A variant for each coalition that arises in the orders."""
        features = self.features(shape, parts)
        if self.samples * features.count**2 > _MOST:
            raise InvalidInputError(
                f"{self.samples} orders of {features.count:,} features make "
                f"{self.samples * features.count:,} coalitions, more than memory has room for. "
                "Pass a mask of integers with fewer features, or fewer samples."
            )
        return JoiningFeatures(features, self.samples, self.seed)


@dataclasses.dataclass(frozen=True)
class JoiningFeatures(CoalitionDesign):
    """Features join one after the other, in orders that each come with their reverse.

    Args:
        features: M of them.
        samples: Most orders.
        seed: Seed of the draws.
    """

    features: Features
    samples: int
    seed: int

    @property
    def most(self) -> int:
        """Those on the way of each order, and the empty and the full one; at most all."""
        return min(self.samples * (self.features.count - 1) + 2, 2**self.features.count)

    @property
    def count(self) -> int:
        """The coalitions that arise, each once."""
        return len(self.coalitions)

    @property
    def coalitions(self) -> Array:
        """(K, M) bool, the empty and the full one among them."""
        return self._walks[0]

    def effects(self, scores: Any, xp: Arithmetic) -> tuple[Any, Any]:
        """What each feature adds on average, and the standard error of it, (B, M) each."""
        _, before, after = self._walks
        orders, is_all = self._orders
        added = xp.take(scores, after, axis=1) - xp.take(scores, before, axis=1)  # (B, S, M)
        mean = xp.mean(added, axis=1)
        pairs = xp.mean(xp.reshape(added, [-1, len(orders) // 2, 2, self.features.count]), axis=2)
        variance = xp.sum(xp.square(pairs - mean[:, None]), axis=1)
        error = xp.sqrt(variance / (pairs.shape[1] * max(pairs.shape[1] - 1, 1)))
        return mean, 0 * error if is_all else error

    @property
    def drawn(self) -> int:
        """The number of orders."""
        return self.samples

    def stages(self) -> Staged:
        """The same with fewer orders first; all at once where all orders there are are taken."""
        if self._orders[1]:
            return Staged((self,))
        counts = [count - count % 2 for count in growing(self.samples)]
        return Staged(tuple(dataclasses.replace(self, samples=count) for count in counts))

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """The Shapley value of a feature in equal shares for its elements."""
        return self.features.shares(self.effects(scores, rows.xp)[0], rows)

    @functools.cached_property
    def _orders(self) -> tuple[Array, bool]:
        return orders_of(self.features.count, self.samples, self.seed)

    @functools.cached_property
    def _walks(self) -> tuple[Array, Array, Array]:
        return walks(self._orders[0])
