"""The few operations of what runs in the graph and on the host, and NumPy's.

`core.graph.arithmetic.GRAPH` has the same operations for tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np


class Arithmetic(Protocol):
    """Operations on NumPy's arrays or on TensorFlow's tensors; constants are arrays for both."""

    def cast(self, array: Any, dtype: Any) -> Any:
        """The elements as numbers of another type."""

    def reshape(self, array: Any, shape: Any) -> Any:
        """The elements in another shape."""

    def transpose(self, array: Any, order: Any) -> Any:
        """The axes in another order."""

    def broadcast_as(self, array: Any, like: Any) -> Any:
        """The array in the shape of another one."""

    def where(self, condition: Any, array: Any, other: Any) -> Any:
        """`array` where the condition holds, else `other`."""

    def take(self, array: Any, index: Any, axis: int) -> Any:
        """The elements of these numbers along an axis."""

    def take_by_row(self, array: Any, index: Any) -> Any:
        """(R, ...): of each row (R, n) the elements that its own numbers (R, ...) name."""

    def counts_by_row(self, index: Any, count: int, dtype: Any) -> Any:
        """(R, count): how often each number below `count` comes in each row (R, ...)."""

    def sum(self, array: Any, axis: Any) -> Any:
        """The sum along axes."""

    def flat(self, array: Any) -> Any:
        """(B, n) of (B, ...)."""

    def totals(self, array: Any) -> Any:
        """(B,) float64: the sum of each entry of (B, ...)."""

    def percentiles(self, array: Any, percentile: float) -> Any:
        """(B,): the percentile of each row of (B, n), linear between neighbours."""

    def mean(self, array: Any, axis: Any) -> Any:
        """The mean along axes."""

    def min(self, array: Any, axis: Any) -> Any:
        """The minimum along axes."""

    def max(self, array: Any, axis: Any) -> Any:
        """The maximum along axes."""

    def minimum(self, array: Any, other: Any) -> Any:
        """The smaller of two, element by element."""

    def maximum(self, array: Any, other: Any) -> Any:
        """The larger of two, element by element."""

    def norm(self, array: Any, axis: int) -> Any:
        """The Euclidean length along an axis."""

    def clip(self, array: Any, low: Any, high: Any) -> Any:
        """The elements, at least `low` and at most `high`."""

    def divide(self, array: Any, other: Any) -> Any:
        """The quotient by numbers of at least 0, 0 where they are 0."""

    def abs(self, array: Any) -> Any:
        """The magnitude of each element."""

    def square(self, array: Any) -> Any:
        """The square of each element."""

    def sqrt(self, array: Any) -> Any:
        """The square root of each element."""

    def exp(self, array: Any) -> Any:
        """The exponential of each element."""

    def each(self, function: Callable[[Any], Any], array: Any) -> Any:
        """(B, ...): a function of one row of (B, ...) at a time, in the memory of one."""

    def xor(self, array: Any, other: Any) -> Any:
        """The bits in which two whole numbers differ."""

    def right_shift(self, array: Any, places: int) -> Any:
        """Unsigned numbers of 32 bits without that many of their lowest bits."""

    def matmul(self, array: Any, other: Any) -> Any:
        """The product of matrices."""

    def matmul_transposed(self, array: Any, other: Any) -> Any:
        """The product with the transpose of `other`, pair by pair of (R, m, n) and (R, k, n)."""

    def matvec(self, array: Any, vector: Any) -> Any:
        """(B,): the product of (B, n) and (n,)."""


class _Host:
    """The operations of NumPy."""

    reshape = staticmethod(np.reshape)
    transpose = staticmethod(np.transpose)
    where = staticmethod(np.where)
    sum = staticmethod(np.sum)
    mean = staticmethod(np.mean)
    min = staticmethod(np.min)
    max = staticmethod(np.max)
    minimum = staticmethod(np.minimum)
    clip = staticmethod(np.clip)
    maximum = staticmethod(np.maximum)
    abs = staticmethod(np.abs)
    square = staticmethod(np.square)
    sqrt = staticmethod(np.sqrt)
    exp = staticmethod(np.exp)
    xor = staticmethod(np.bitwise_xor)
    matmul = staticmethod(np.matmul)
    matvec = staticmethod(np.matmul)

    @staticmethod
    def cast(array: Any, dtype: Any) -> Any:
        return np.asarray(array).astype(dtype)

    @staticmethod
    def broadcast_as(array: Any, like: Any) -> Any:
        return np.broadcast_to(array, like.shape)

    @staticmethod
    def each(function: Callable[[Any], Any], array: Any) -> Any:
        return np.stack([function(row) for row in array])

    @staticmethod
    def flat(array: Any) -> Any:
        return array.reshape(len(array), -1)

    @staticmethod
    def totals(array: Any) -> Any:
        return array.reshape(len(array), -1).sum(axis=1, dtype=np.float64)

    @staticmethod
    def percentiles(array: Any, percentile: float) -> Any:
        return np.percentile(array, percentile, axis=1)

    @staticmethod
    def norm(array: Any, axis: int) -> Any:
        return np.linalg.norm(array, axis=axis)

    @staticmethod
    def right_shift(array: Any, places: int) -> Any:
        return np.right_shift(array, np.uint32(places))

    @staticmethod
    def divide(array: Any, other: Any) -> Any:
        return np.divide(array, other, out=np.zeros_like(array), where=other > 0)

    @staticmethod
    def take(array: Any, index: Any, axis: int) -> Any:
        return np.take(array, index, axis=axis)

    @staticmethod
    def take_by_row(array: Any, index: Any) -> Any:
        flat = np.take_along_axis(array, index.reshape(len(index), -1), axis=1)
        return flat.reshape(index.shape)

    @staticmethod
    def counts_by_row(index: Any, count: int, dtype: Any) -> Any:
        found = [np.bincount(one.ravel(), minlength=count) for one in index]
        return np.array(found, dtype)

    @staticmethod
    def matmul_transposed(array: Any, other: Any) -> Any:
        return np.matmul(array, np.swapaxes(other, -1, -2))


HOST: Arithmetic = _Host()


def along(array: Any, axis: int, change: Callable[[Any], Any], xp: Arithmetic) -> Any:
    """Replaces an axis by what `change` makes of it where it comes last: (..., n) to (..., m)."""
    last = len(array.shape) - 1
    order = [i for i in range(last + 1) if i != axis]
    changed = change(xp.transpose(array, [*order, axis]))
    return xp.transpose(changed, [order.index(i) if i != axis else last for i in range(last + 1)])


def completeness_gap(
    values: Sequence[Any], score: Any, baseline_score: Any, xp: Arithmetic
) -> Any:
    """(B,) float64: the sum of the values minus the difference that they should add up to.

    Args:
        values: Values of each input, (B, ...).
        score: (B,) at the inputs.
        baseline_score: (B,) at the baselines.
        xp: What they are arrays of.
    """
    total = sum(map(xp.totals, values[1:]), start=xp.totals(values[0]))
    return total - (xp.cast(score, "float64") - xp.cast(baseline_score, "float64"))


def gap_shares(gaps: Any, scores: Any, baseline_scores: Any) -> Any:
    """(B,) |gap / (score - baseline score)|; infinite where the scores are equal and a gap is."""
    gaps, whole = np.abs(gaps), np.abs(np.asarray(scores, np.float64) - baseline_scores)
    return np.divide(gaps, whole, out=np.where(gaps > 0, np.inf, 0.0), where=whole > 0)
