"""The random numbers of methods, written once more in NumPy."""

from __future__ import annotations

import numpy as np


def hashed(seed: int, k: int, count: int, stream: int) -> list[np.ndarray]:
    """`pcg4d` of (0 .. count - 1, k, seed, stream): four arrays of uint32."""
    words = [np.arange(count), np.full(count, k), np.full(count, seed), np.full(count, stream)]
    x, y, z, w = (
        word.astype(np.uint32) * np.uint32(1664525) + np.uint32(1013904223) for word in words
    )
    for last in (False, True):
        x = x + y * w
        y = y + z * x
        z = z + x * y
        w = w + y * z
        if not last:
            x, y, z, w = (word ^ (word >> np.uint32(16)) for word in (x, y, z, w))
    return [x, y, z, w]


def unit(bits: np.ndarray) -> np.ndarray:
    return (bits >> np.uint32(8)) / 2.0**24


def uniforms(seed: int, copies: int, shape: tuple[int, ...]) -> np.ndarray:
    """(copies, *shape) in [0, 1)."""
    size = int(np.prod(shape))
    rows = []
    for k in range(copies):
        parts = [unit(part) for part in hashed(seed, k, -(-size // 4), 1)]
        rows.append(np.concatenate(parts)[:size].reshape(shape))
    return np.stack(rows)


def normals(seed: int, copies: int, shape: tuple[int, ...]) -> np.ndarray:
    """(copies, *shape), standard normal by Box and Muller."""
    size = int(np.prod(shape))
    rows = []
    for k in range(copies):
        a, b, c, d = (unit(part) for part in hashed(seed, k, -(-size // 4), 0))
        parts = []
        for first, second in ((a, b), (c, d)):
            radius = np.sqrt(-2 * np.log(first + 2.0**-24))
            parts += [radius * np.cos(2 * np.pi * second), radius * np.sin(2 * np.pi * second)]
        rows.append(np.concatenate(parts)[:size].reshape(shape))
    return np.stack(rows)
