"""Groups of features, level by level: from what a user passes to trees."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

import numpy as np

from tfxai.core.designs.features import Features
from tfxai.core.designs.masks import group_numbers, whole_numbers
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.inputs.host_arrays import Examples, HostArray
from tfxai.core.inputs.parts import Part
from tfxai.core.options import Kind
from tfxai.core.sampling.hierarchies import (
    Tree,
    coalition_count,
    halved,
    node_table,
    owen_map,
    tree_of,
)
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array

Groups: TypeAlias = "FrozenArray | FrozenArrays | Hierarchies | None"

GROUPS = Kind("groups of features: integers", lambda _, groups: read_groups(groups))
_ADVICE = (
    "Pass an array of integers, one group number for each element, a dict of such arrays for "
    "several inputs, or None; what a feature is says mask=."
)


def read_groups(groups: Any) -> Groups:
    """A `groups` option in its stored form.

    Raises:
        InvalidInputError: It holds no integers.
    """
    if groups is None or isinstance(groups, Hierarchies):
        return groups
    if isinstance(groups, FrozenArrays):
        return groups
    if isinstance(groups, Mapping) and groups:
        parts = groups.items()
        return FrozenArrays(
            tuple((str(name), whole_numbers("groups", one, _ADVICE)) for name, one in parts)
        )
    if isinstance(groups, str | HostArray | Mapping):
        raise InvalidInputError(f"groups={groups!r} was expected to be {GROUPS.words}. {_ADVICE}")
    return whole_numbers("groups", groups, _ADVICE)


def group_tree(
    groups: FrozenArray | FrozenArrays | None,
    features: Features,
    shape: Sequence[int],
    parts: Sequence[Part],
) -> Tree:
    """The tree of the features of inputs of a shape, one level of all of them without groups.

    Raises:
        InvalidInputError: The groups are shaped like no input, or part a feature.
    """
    if groups is None:
        return tree_of([], features.count)
    if features.numbers is None:
        raise InvalidInputError(
            "groups= was given beside superpixels, which each image has its own of. Pass a mask "
            "of integers, or leave groups out: the superpixels are halved across the image."
        )
    own = features.numbers.ravel()
    levels = []
    for level in _levels(groups, parts or (Part(tuple(shape)),)):
        numbers = group_numbers(level, shape, parts, "groups").ravel()
        of_feature = np.zeros(features.count, np.int64)
        of_feature[own] = numbers
        if (of_feature[own] != numbers).any():
            feature = int(own[np.argmax(of_feature[own] != numbers)])
            raise InvalidInputError(
                f"groups puts elements of feature {feature} of the mask into two groups, and a "
                "feature was expected to lie in one. Pass groups that keep features whole."
            )
        levels.append(of_feature)
    return tree_of(levels, features.count)


def _levels(
    groups: FrozenArray | FrozenArrays, parts: Sequence[Part]
) -> list[FrozenArray | FrozenArrays]:
    """The levels of groups, the coarsest first."""
    if isinstance(groups, FrozenArray) and len(parts) == 1:
        array = groups.array
        if array.ndim == len(parts[0].shape) + 1:
            return [FrozenArray(level) for level in array]
    return [groups]


def fitting(tree: Tree, samples: int) -> tuple[Tree, bool]:
    """The tree, halved if need be, and whether the samples reach for all of its coalitions."""
    if coalition_count(tree) <= samples:
        return tree, True
    tree = halved(tree)
    return tree, coalition_count(tree) <= samples


@dataclasses.dataclass(frozen=True)
class Hierarchies(HostArray):
    """A tree of features for each example, such as the sentences and words of texts.

    Args:
        features: M, of which an example may have fewer.
        coalitions: K of the exact values, of which an example may need fewer; 0 where the samples
            do not reach for all.
        arrays: (B, 2, K, M) float64, what `owen_map` makes, with coalitions that count nothing
            behind; or (B, N, 4) as `node_table` makes it. Records that differ in these alone run
            one program.
    """

    name: ClassVar[str] = "hierarchies"
    deed: ClassVar[str] = "puts each text's words into a tree"
    features: int
    coalitions: int
    arrays: Array = dataclasses.field(compare=False, repr=False)

    @classmethod
    def of(cls, levels: Sequence[Array], size: int, samples: int) -> Iterator[tuple[Self, Array]]:
        """The trees of texts, of those that one program can answer together.

        Args:
            levels: (levels, M) group numbers of the M features of each text.
            size: Features that the program has room for.
            samples: Most coalitions.

        Yields:
            The trees, and the numbers of the texts.
        """
        trees = [fitting(tree_of(list(one), one.shape[1]), samples) for one in levels]
        room = np.array([_room(coalition_count(tree)) if exact else 0 for tree, exact in trees])
        for most in np.unique(room):
            rows = np.flatnonzero(room == most)
            some = [trees[row][0] for row in rows]
            made = [_exact(one, size, most) if most else node_table(one, size) for one in some]
            yield cls(size, int(most), np.stack(made)), rows

    def make(self, examples: Examples) -> Array:
        """The arrays, which rest on no input."""
        return self.arrays


def _exact(tree: Tree, count: int, most: int) -> Array:
    """(2, K, M) float64: the coalitions and what they count, filled up to K of them."""
    both = np.stack(owen_map(tree, count))
    return np.pad(both, [(0, 0), (0, most - both.shape[1]), (0, 0)])


def _room(count: int) -> int:
    """A number of at least `count` of few: 4, 6, 8, 12, 16, 24, ..."""
    power = 1 << max(count - 1, 3).bit_length()
    return 3 * power // 4 if count <= 3 * power // 4 else power
