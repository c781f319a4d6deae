"""How far two answers of a signature are apart."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from tfxai.arrays import Array

_SCORES = ("score", "baseline_score", "completeness_gap")
_STEP = 8  # levels between two neighbours of a table of colours: one step of rounding


def difference(name: str, got: Array | None, known: Mapping[str, Array]) -> float:
    """Largest difference of an output, as a fraction of its largest value.

    Infinite where the two are of another shape or kind. A gap and a baseline's score are measured
    by the scores: they are differences of them. Pictures are equal where no pixel is more than
    one colour of the table away.
    """
    expected = known[name]
    if got is None or got.shape != expected.shape:
        return float("inf")
    if expected.dtype.kind in "SO":
        return _of_bytes(got, expected)
    if got.dtype != expected.dtype:
        return float("inf")
    if expected.dtype.kind != "f":
        return 0.0 if np.array_equal(got, expected) else float("inf")
    if not np.array_equal(np.isfinite(got), np.isfinite(expected)):
        return float("inf")
    finite = np.isfinite(expected)
    off = np.abs(got[finite].astype(np.float64) - expected[finite])
    of = [known[one] for one in _SCORES if one in known] if name in _SCORES else [expected]
    largest = max((np.abs(one[np.isfinite(one)]).max(initial=0) for one in of), default=0)
    return float(off.max(initial=0) / (largest or 1))


def measured(name: str, got: Array | None, known: Mapping[str, Array]) -> float:
    """`difference`, but of pictures that differ the largest difference, of 255 levels."""
    found = difference(name, got, known)
    expected = known[name]
    if got is None or np.isfinite(found) or expected.dtype.kind not in "SO":
        return found
    if got.shape != expected.shape:
        return found
    pairs = zip(got.ravel(), expected.ravel(), strict=True)
    return max((_levels(bytes(a), bytes(b)) for a, b in pairs), default=0) / 255


def _of_bytes(got: Array, expected: Array) -> float:
    pairs = zip(got.ravel(), expected.ravel(), strict=True)
    alike = all(_levels(bytes(a), bytes(b)) <= _STEP for a, b in pairs)
    return 0.0 if alike else float("inf")


def _levels(one: bytes, other: bytes) -> float:
    """How far two pictures are apart at most, in levels; infinite for other texts that differ."""
    if one == other:
        return 0.0
    try:
        pictures = [np.asarray(Image.open(io.BytesIO(data)), np.int32) for data in (one, other)]
    except OSError:
        return float("inf")
    if pictures[0].shape != pictures[1].shape:
        return float("inf")
    return float(np.abs(pictures[0] - pictures[1]).max(initial=0))
