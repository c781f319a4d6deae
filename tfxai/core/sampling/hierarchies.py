"""Trees of features, and the coalitions that their Owen values are made of. Free of TensorFlow.

A tree is the number of a feature, or the tuple of the trees of its parts, two or more.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from tfxai.arrays import Array

Tree: TypeAlias = "int | tuple[Tree, ...]"


def tree_of(levels: Sequence[Array], count: int) -> Tree:
    """The tree of features 0 to `count` - 1 that belong together level by level.

    Args:
        levels: (M,) numbers of the groups of the features, the coarsest level first. Groups of a
            later level lie within those of the levels before it.
        count: M, at least 1.
    """
    return _parts(tuple(range(count)), levels)


def _parts(features: tuple[int, ...], levels: Sequence[Array]) -> Tree:
    if len(features) == 1:
        return features[0]
    if not levels:
        return features
    groups: dict[int, list[int]] = {}
    for feature in features:
        groups.setdefault(int(levels[0][feature]), []).append(feature)
    if len(groups) == 1:
        return _parts(features, levels[1:])
    return tuple(_parts(tuple(own), levels[1:]) for own in groups.values())


def halved(tree: Tree) -> Tree:
    """The tree in which each node with more than two parts is halved, over and over."""
    if isinstance(tree, int):
        return tree
    if len(tree) <= 2:
        return tuple(map(halved, tree))
    middle = (len(tree) + 1) // 2
    halves = (tree[:middle], tree[middle:])
    return tuple(halved(half if len(half) > 1 else half[0]) for half in halves)


def leaves(tree: Tree) -> tuple[int, ...]:
    """The features of a tree, in order."""
    if isinstance(tree, int):
        return (tree,)
    return tuple(itertools.chain.from_iterable(map(leaves, tree)))


def in_order(tree: Tree, first: int = 0) -> Tree:
    """The tree with its features numbered in their order, from `first` on."""
    if isinstance(tree, int):
        return first
    numbered = []
    for part in tree:
        numbered.append(in_order(part, first))
        first += len(leaves(part))
    return tuple(numbered)


def coalition_count(tree: Tree) -> int:
    """Number of coalitions that the exact values need, the empty and the full one among them."""
    return 2 + _partial_count(tree, 1)


def _partial_count(tree: Tree, contexts: int) -> int:
    """Coalitions that hold a part of a node and not all of it, in so many contexts of it."""
    if isinstance(tree, int):
        return 0
    below = contexts * 2 ** (len(tree) - 1)
    return contexts * (2 ** len(tree) - 2) + sum(_partial_count(part, below) for part in tree)


def owen_map(tree: Tree, count: int) -> tuple[Array, Array]:
    """The linear map from the scores of coalitions to the nested Owen values.

    Args:
        tree: Of any of the features 0 to `count` - 1; the others are in no coalition.
        count: M.

    Returns:
        (K, M) bool, the coalitions, each once; and (K, M) float64, what the score of each counts
        in each value.
    """
    numbers: dict[bytes, int] = {}
    coalitions: list[Array] = []
    shares: list[tuple[int, int, float]] = []

    def number(coalition: Array) -> int:
        key = coalition.tobytes()
        if key not in numbers:
            numbers[key] = len(coalitions)
            coalitions.append(coalition)
        return numbers[key]

    for feature, context, weight in _joins(tree, np.zeros(count, bool), 1.0):
        joined = context.copy()
        joined[feature] = True
        shares += [(number(context), feature, -weight), (number(joined), feature, weight)]
    weights = np.zeros((len(coalitions), count))
    for place, feature, weight in shares:
        weights[place, feature] += weight
    return np.stack(coalitions), weights


def _joins(tree: Tree, context: Array, weight: float) -> Iterator[tuple[int, Array, float]]:
    """Each feature with each coalition that it joins, and the share of the orders in which so."""
    if isinstance(tree, int):
        yield tree, context, weight
        return
    others = len(tree) - 1
    for i, part in enumerate(tree):
        beside = tree[:i] + tree[i + 1 :]
        for size in range(others + 1):
            share = weight / ((others + 1) * math.comb(others, size))
            for before in itertools.combinations(beside, size):
                larger = context.copy()
                larger[list(itertools.chain.from_iterable(map(leaves, before)))] = True
                yield from _joins(part, larger, share)


def node_table(tree: Tree, count: int) -> Array:
    """The nodes of a tree with two parts at each, the root first.

    Args:
        tree: Of at most `count` features, halved.
        count: M.

    Returns:
        (2 M - 1, 4) int32: the numbers of the two parts of each node, -1 for one that is a
        feature; and the places of its first feature and behind its last one in `leaves(tree)`.
        Rows that are left over hold no feature.
    """
    table = np.zeros((2 * count - 1, 4), np.int32)
    table[:, :2] = -1
    nodes = [(tree, 0)]
    for number, (node, start) in enumerate(nodes):  # which grows on the way
        table[number, 2:] = start, start + len(leaves(node))
        if not isinstance(node, int):
            table[number, :2] = len(nodes), len(nodes) + 1
            first, second = node
            nodes += [(first, start), (second, start + len(leaves(first)))]
    return table
