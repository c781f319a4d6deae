"""The hash behind random numbers, in the graph and on the host. Free of TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arithmetic import HOST, Arithmetic

if TYPE_CHECKING:
    from tfxai.arrays import Array

_MULTIPLIER, _INCREMENT = 1664525, 1013904223
UNIFORM = 1
"""The stream of uniform numbers."""


def random_bits(seed: Any, k: Any, place: Any, stream: int, xp: Arithmetic) -> list[Any]:
    """Four arrays of random bits, (K, count) uint32 each.

    The hash `pcg4d` of Jarzynski, Olano, "Hash Functions for GPU Rendering", Journal of Computer
    Graphics Techniques 9(3), 2020.

    Args:
        seed: Seed of all draws.
        k: (K, 1) uint32, numbers of the copies.
        place: (1, count) uint32, positions of the numbers of one copy.
        stream: Which of several sets of draws.
        xp: What they are arrays of.
    """
    zeros = 0 * (k + place)
    words = (place + zeros, k + zeros, zeros + seed, zeros + stream)
    words = _mixed(*(word * _MULTIPLIER + _INCREMENT for word in words))
    return list(_mixed(*(xp.xor(word, xp.right_shift(word, 16)) for word in words)))


def unit(bits: Any, dtype: Any, xp: Arithmetic) -> Any:
    """The upper 24 bits as a number in [0, 1), which float32 holds exactly."""
    return xp.cast(xp.right_shift(bits, 8), dtype) * 2.0**-24


def uniform_on_host(seed: int, k: Any, count: int) -> Array:
    """What `random_numbers.uniform` gives: numbers in [0, 1) of the copies k, (K, count) float64.

    Args:
        seed: Seed of all draws.
        k: (K,) numbers of the copies.
        count: How many numbers one copy needs.
    """
    each = np.asarray(k).astype(np.uint32)[:, None]
    place = np.arange(-(-count // 4), dtype=np.uint32)[None]
    bits = random_bits(seed, each, place, UNIFORM, HOST)
    return np.concatenate([unit(part, np.float64, HOST) for part in bits], axis=1)[:, :count]


def _mixed(x: Any, y: Any, z: Any, w: Any) -> tuple[Any, Any, Any, Any]:
    """A round of the hash."""
    x = x + y * w
    y = y + z * x
    z = z + x * y
    w = w + y * z
    return x, y, z, w
