"""The hash behind random numbers, and the same numbers on the host. Free of TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

MULTIPLIER, INCREMENT = 1664525, 1013904223


def mixed(x: Any, y: Any, z: Any, w: Any) -> tuple[Any, Any, Any, Any]:
    """A round of the hash `pcg4d`, of unsigned numbers of 32 bits."""
    x += y * w
    y += z * x
    z += x * y
    w += y * z
    return x, y, z, w


def uniform_on_host(seed: int, k: Any, count: int) -> np.ndarray[Any, Any]:
    """What `core.draws.uniform` gives: numbers in [0, 1) of the copies k, (K, count) float64.

    Args:
        seed: Of all draws.
        k: (K,) numbers of the copies.
        count: Of the numbers of one copy.
    """
    each = np.asarray(k).astype(np.uint32)[:, None]
    place = np.arange(-(-count // 4), dtype=np.uint32)[None]
    zeros = np.zeros(np.broadcast_shapes(each.shape, place.shape), np.uint32)
    words = [place + zeros, each + zeros, zeros + np.uint32(seed), zeros + np.uint32(1)]
    x, y, z, w = mixed(*(word * np.uint32(MULTIPLIER) + np.uint32(INCREMENT) for word in words))
    bits = mixed(*(word ^ (word >> np.uint32(16)) for word in (x, y, z, w)))
    drawn = np.concatenate([(part >> np.uint32(8)) * 2.0**-24 for part in bits], axis=1)
    return drawn[:, :count]
