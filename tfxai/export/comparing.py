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
    one colour of the table away; else their largest difference is a fraction of 255 levels.
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


def _of_bytes(got: Array, expected: Array) -> float:
    off = [_of_one(bytes(a), bytes(b)) for a, b in zip(got.ravel(), expected.ravel(), strict=True)]
    return max(off, default=0.0)


def _of_one(one: bytes, other: bytes) -> float:
    """0 for the same texts and for pictures that look the same; infinite but for pictures."""
    if one == other:
        return 0.0
    try:
        pictures = [np.asarray(Image.open(io.BytesIO(data)), np.int32) for data in (one, other)]
    except OSError:
        return float("inf")
    if pictures[0].shape != pictures[1].shape:
        return float("inf")
    levels = int(np.abs(pictures[0] - pictures[1]).max(initial=0))
    return 0.0 if levels <= _STEP else levels / 255
