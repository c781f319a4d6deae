"""Which features an input has, and designs in which some of them show."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from tfxai.core.designs.design import Design, Options, Rows
from tfxai.core.designs.masks import Mask, check_several, fitted_mask, group_numbers
from tfxai.core.inputs.superpixels import Slic

if TYPE_CHECKING:
    from tfxai.arrays import Array
    from tfxai.core.inputs.parts import Part


@dataclasses.dataclass(frozen=True)
class Features:
    """Which feature each element of an input belongs to.

    Args:
        count: M, the number of features.
        numbers: From 0 to M - 1, shaped like one input; None where each row has its own.
    """

    count: int
    numbers: Array | None

    @classmethod
    def of(cls, mask: Mask, shape: Sequence[int], parts: Sequence[Part]) -> Features:
        """The features of inputs of a shape, channels last.

        Raises:
            InvalidInputError: The mask is shaped like no input.
        """
        if isinstance(mask, Slic):
            return cls(mask.segments, None)
        numbers = group_numbers(mask, shape, parts)
        return cls(int(numbers.max()) + 1, numbers)

    def placed(self, values: Any, rows: Rows) -> Any:
        """The values of features, (R, M), where they lie; one channel where all are alike."""
        xp, numbers = rows.xp, self.numbers
        if numbers is None:
            return xp.take_by_row(values, rows.mask)[..., None]
        if numbers.ndim > 1 and (numbers == numbers[..., :1]).all():
            numbers = numbers[..., :1]
        return xp.reshape(xp.take(values, np.ravel(numbers), axis=1), [-1, *numbers.shape])

    def spread(self, values: Any, rows: Rows) -> Any:
        """The values of features, (R, M), at the elements of each row, shaped like x."""
        return rows.xp.broadcast_as(self.placed(values, rows), rows.x)

    def shares(self, values: Any, rows: Rows) -> Any:
        """As `spread`, in equal shares for the elements of a feature: sums stay what they are."""
        xp = rows.xp
        if self.numbers is not None:
            sizes = xp.cast(np.bincount(np.ravel(self.numbers)), values.dtype)
        else:
            sizes = xp.counts_by_row(rows.mask, self.count, values.dtype) * rows.x.shape[-1]
        return self.spread(values / sizes, rows)


class FeatureOptions(Options):
    """Options of which `mask` says what the features are: several, and superpixels of images."""

    mask: Any

    def for_inputs(self, parts: Sequence[Part], at: str | None = None) -> Self:
        """With superpixels for images of many elements."""
        made: Self = dataclasses.replace(cast(Any, self), mask=fitted_mask(self.mask, parts, at))
        return made

    def features(self, shape: Sequence[int], parts: Sequence[Part]) -> Features:
        """The features of inputs of a shape, two or more."""
        features = Features.of(self.mask, shape, parts)
        check_several(features.count)
        return features


class FeatureDesign(Design):
    """Variants in which some of the features show.

    Attributes:
        features: M of them.
    """

    features: Features

    @abc.abstractmethod
    def chosen(self, k: Any, rows: Rows) -> Any:
        """Which features show in the variants of numbers k, (R, M) bool."""

    def shown(self, k: Any, rows: Rows) -> Any:
        """The elements of the chosen features."""
        return self.features.placed(self.chosen(k, rows), rows)


class CoalitionDesign(FeatureDesign):
    """Variants that are coalitions out of a table."""

    @property
    @abc.abstractmethod
    def coalitions(self) -> Array:
        """(n, M) bool, n at least K: the features that show in each variant."""

    def chosen(self, k: Any, rows: Rows) -> Any:
        """Rows of the table."""
        return rows.xp.take(self.coalitions, k, axis=0)
