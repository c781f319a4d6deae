"""FeatureAblation: one feature after the other is hidden."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tfxai.core.designs.design import Options, Rows
from tfxai.core.designs.features import FeatureDesign, Features
from tfxai.core.designs.masks import MASK, check_few, check_superpixels
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option

if TYPE_CHECKING:
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeatureAblationOptions(Options):
    """The options of `tfxai.FeatureAblation`, which says what they are."""

    name: ClassVar[str] = "feature_ablation"
    mask: Any = option(None, kind=MASK)
    baseline: Any = option(None, kind=BASELINE)

    def for_inputs(self, parts: Sequence[Part], at: str | None = None) -> Self:
        """As they are."""
        check_superpixels(self.mask, parts, at)
        return self

    def design(
        self, shape: Sequence[int], parts: Sequence[Part] = (), *, is_lenient: bool = False
    ) -> AllButOne:
        """A variant for each feature."""
        features = Features.of(self.mask, shape, parts)
        if self.mask is None:
            check_few(features.count)
        return AllButOne(features)


@dataclasses.dataclass(frozen=True)
class AllButOne(FeatureDesign):
    """Each feature in turn is hidden.

    Args:
        features: M of them.
    """

    features: Features

    @property
    def most(self) -> int:
        """The number of features."""
        return self.features.count

    def chosen(self, k: Any, rows: Rows) -> Any:
        """All but the k-th feature; no table, which would have a square of M elements."""
        others: Any = k[:, None] != np.arange(self.features.count, dtype=np.int32)[None]
        return others

    def values(self, scores: Any, score: Any, baseline_score: Any, rows: Rows) -> Any:
        """At each element the drop without its feature."""
        return self.features.spread(score[:, None] - scores, rows)
