"""Options that many methods have, checked alike. Free of TensorFlow."""

from __future__ import annotations

from typing import Any

from tfxai.errors import InvalidInputError


def check_seed(seed: Any) -> None:
    """Raises `InvalidInputError` unless `seed` is a whole number in [0, 2**31)."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise InvalidInputError(
            f"seed={seed!r} was expected to be a whole number in [0, 2147483648)."
        )


def check_samples(samples: Any, name: str = "samples") -> None:
    """Raises `InvalidInputError` unless an option is a whole number of at least 1."""
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 1:
        raise InvalidInputError(f"{name}={samples!r} was expected to be an integer of at least 1.")
