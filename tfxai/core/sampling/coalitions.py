"""Which coalitions of features Shapley values are made of, and how. Free of TensorFlow.

The regression of KernelSHAP (its coalitions, weights and solution), and the orders of
ShapleySampling. All on the host: it depends on the number of features, the samples and the seed.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array

_DRAWS = 4  # for each pair that is wanted, before those that came are enough


def kernel_coalitions(count: int, samples: int, seed: int) -> tuple[Array, Array]:
    """The coalitions of `kernel_draws` and their weights, (n, M) bool and (n,)."""
    z, weights, _ = kernel_draws(count, samples, seed)
    return z, weights


def kernel_draws(
    count: int, samples: int, seed: int, most: int | None = None
) -> tuple[Array, Array, Array]:
    """Coalitions of `count` features, no one twice, each with its complement, and their weights.

    Sizes are taken from the outermost, 1 and M - 1, inwards, all coalitions of a size as long as
    its share of the coalitions left reaches for all of them. The others are drawn: a size in
    proportion to the kernel, then a coalition of that size, and its complement with it.

    Args:
        count: M, at least 2.
        samples: Most coalitions.
        seed: Seed of the draws.
        most: How many draws of pairs are used, the first ones; None is all.

    Returns:
        (n, M) bool, n at most `samples`; their weights, (n,) float64; and (P,) int, how often
        each of the P pairs was drawn whose coalitions are the P before the last P, their
        complements the last P.

    Raises:
        InvalidInputError: The samples do not reach for all coalitions of one feature and of all
            but one.
    """
    needed = min(2 * count, 2**count - 2)
    if samples < needed:
        raise InvalidInputError(
            f"{samples} samples are too few for {count} features, whose values {needed} "
            f"coalitions determine. Pass samples={needed} or more, or a mask with fewer features."
        )
    is_all = samples >= 2**count - 2
    masses = {size: _mass(count, size) for size in range(1, count // 2 + 1)}
    chosen, weights, left = [], [], samples
    for size in list(masses):
        number = math.comb(count, size) * (1 if 2 * size == count else 2)
        share = left * masses[size] / sum(masses.values())
        if not is_all and size > 1 and share < number:
            break
        rows = _all_of_size(count, size)
        chosen.append(rows)
        weights.append(np.full(len(rows), masses.pop(size) / number))
        left -= number
    drawn = np.zeros(0, int)
    if masses and left >= 2:
        rows, times = _drawn(count, masses, left // 2, seed, most)
        chosen.append(rows)
        weights.append(sum(masses.values()) * times / times.sum())
        drawn = times[: len(times) // 2]
    return np.concatenate(chosen), np.concatenate(weights), drawn


def shapley_map(z: Array, weights: Array) -> Array:
    """The linear map from the scores of coalitions to the values of features.

    With v_0 the score of the empty and v_1 of the full coalition, the values are the phi that
    minimise sum_k w_k (v_k - v_0 - z_k phi)^2 where sum(phi) = v_1 - v_0.

    Args:
        z: (n, M) bool, the coalitions.
        weights: (n,), w.

    Returns:
        (n + 2, M): what each score counts in each value, those of the empty and the full
        coalition last. Each row but these two adds up to 0.
    """
    inverse = np.linalg.inv(z.T @ (weights[:, None] * z))
    free = inverse @ (z.T * weights)  # without the constraint, (M, n)
    pull = inverse.sum(axis=1) / inverse.sum()  # what the constraint hands to each feature
    free = free - np.outer(pull, free.sum(axis=0))
    return np.concatenate([free.T, [-free.sum(axis=1) - pull], [pull]])


def _mass(count: int, size: int) -> float:
    """Kernel weight (Theorem 2) of all coalitions of a size and of their complements."""
    return (1 if 2 * size == count else 2) * (count - 1) / (size * (count - size))


def _all_of_size(count: int, size: int) -> Array:
    """Every coalition of a size, and every complement of one."""
    members = np.array(list(itertools.combinations(range(count), size)))
    rows = np.zeros((len(members), count), bool)
    np.put_along_axis(rows, members, True, axis=1)
    return rows if 2 * size == count else np.concatenate([rows, ~rows])


def _drawn(
    count: int, masses: dict[int, float], pairs: int, seed: int, most: int | None
) -> tuple[Array, Array]:
    """At most `pairs` pairs of a coalition and its complement, and how often each was drawn."""
    rng = np.random.default_rng(seed)
    chances = np.array(list(masses.values())) / sum(masses.values())
    sizes = rng.choice(list(masses), size=_DRAWS * pairs, p=chances)
    ranks = rng.random((len(sizes), count)).argsort(axis=1).argsort(axis=1)
    draws = ranks < sizes[:, None]
    draws ^= ~draws[:, :1]  # of each pair the one that has the first feature
    first = np.sort(np.unique(draws, axis=0, return_index=True)[1])
    enough = first[pairs] if len(first) > pairs else len(draws)
    enough = enough if most is None else min(enough, most)
    rows, times = np.unique(draws[:enough], axis=0, return_counts=True)
    return np.concatenate([rows, ~rows]), np.concatenate([times, times])


def orders_of(count: int, samples: int, seed: int) -> tuple[Array, bool]:
    """Orders of `count` features, (S, M), each followed by its reverse; whether they are all."""
    is_all = count <= samples and math.factorial(count) <= samples
    if is_all:
        every = np.array(list(itertools.permutations(range(count))))
        forward = every[every[:, 0] < every[:, -1]]
    else:
        rng = np.random.default_rng(seed)
        forward = rng.permuted(np.tile(np.arange(count), (samples // 2, 1)), axis=1)
    return np.stack([forward, forward[:, ::-1]], axis=1).reshape(-1, count), is_all


def walks(orders: Array) -> tuple[Array, Array, Array]:
    """The coalitions that arise as features join in these orders, no one twice.

    Returns:
        (n, M) bool; and (S, M) numbers of the coalition before and after each feature joins.
    """
    place = orders.argsort(axis=1)  # (S, M) where each feature comes
    steps = np.arange(orders.shape[1] + 1)[:, None]
    joined = place[:, None, :] < steps  # (S, M + 1, M)
    coalitions, number = np.unique(
        joined.reshape(-1, orders.shape[1]), axis=0, return_inverse=True
    )
    number = number.reshape(joined.shape[:2])
    before = np.take_along_axis(number, place, axis=1)
    after = np.take_along_axis(number, place + 1, axis=1)
    return coalitions, before, after
