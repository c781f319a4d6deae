"""Concepts that are drawn: stripes, dots, checks, zigzags, and plain colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from tfxai.arrays import Array
from tfxai.concepts.data import Concept
from tfxai.core.options import Option, check_seed
from tfxai.errors import InvalidInputError, UnknownNameError

Random = np.random.Generator
_SMALLEST, _LARGEST, _MOST = 8, 4096, 100_000
_BYTES = 2**31
COLOURS: Final = {
    "red": (200, 30, 30), "green": (40, 150, 50), "blue": (40, 80, 200),
    "yellow": (225, 200, 40), "orange": (230, 130, 30), "brown": (120, 80, 45),
    "purple": (130, 60, 160), "white": (240, 240, 240), "grey": (128, 128, 128),
    "black": (20, 20, 20),
}  # fmt: skip


def stripes(count: int = 50, size: int | tuple[int, int] = 32, seed: int = 0) -> Concept:
    """Straight stripes of two colours, at any angle and width.

    Args:
        count: Number of images, at least 10.
        size: Height and width in pixels, at least 8; one number for a square.
        seed: The same seed gives the same images.

    Returns:
        uint8 images (count, H, W, 3).

    Raises:
        InvalidInputError: An argument is out of range.
    """
    return pattern("stripes", count, size, seed)


def dots(count: int = 50, size: int | tuple[int, int] = 32, seed: int = 0) -> Concept:
    """Round dots on a grid, of any angle and spacing; arguments as for `stripes`."""
    return pattern("dots", count, size, seed)


def checks(count: int = 50, size: int | tuple[int, int] = 32, seed: int = 0) -> Concept:
    """Checkerboards of any angle and width; arguments as for `stripes`."""
    return pattern("checks", count, size, seed)


def zigzags(count: int = 50, size: int | tuple[int, int] = 32, seed: int = 0) -> Concept:
    """Zigzag stripes of any angle and width; arguments as for `stripes`."""
    return pattern("zigzags", count, size, seed)


def colour(name: str, count: int = 50, size: int | tuple[int, int] = 32, seed: int = 0) -> Concept:
    """Surfaces of one colour with soft shading, such as `"red"`; else as for `stripes`.

    Raises:
        UnknownNameError: `name` is none of `COLOURS`.
    """
    if name not in COLOURS:
        raise UnknownNameError.of("colour", name, tuple(COLOURS))
    return pattern(name, count, size, seed)


def pattern(name: str, count: int, size: int | tuple[int, int], seed: int) -> Concept:
    """The drawn concept of that name: a pattern or a colour; arguments as for `stripes`.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if name not in PATTERNS and name not in COLOURS:
        raise UnknownNameError.of("pattern", name, NAMES)
    Option(kind=int, at_least=1, below=_MOST + 1).read("count", count)
    check_seed(seed)
    height, width = (size, size) if isinstance(size, int) else size
    for side in (height, width):
        Option(kind=int, at_least=_SMALLEST, below=_LARGEST + 1).read("size", side)
    if count * height * width * 3 > _BYTES:
        raise InvalidInputError(
            f"{count} images of {height}x{width} pixels take more than 2 GiB. Draw fewer."
        )
    key = NAMES.index(name)
    randoms = (np.random.default_rng((seed, key, i)) for i in range(count))
    made = [_drawn(name, height, width, random) for random in randoms]
    return Concept(name, np.stack(made))


def _drawn(name: str, height: int, width: int, random: Random) -> Array:
    """One image, uint8 (H, W, 3)."""
    if name in COLOURS:
        return _surface(COLOURS[name], height, width, random)
    side = min(height, width)
    angle, period = random.uniform(0, np.pi), random.uniform(side / 8, side / 2.5)
    y, x = np.mgrid[:height, :width] - np.array([height, width]).reshape(2, 1, 1) / 2
    along = (x * np.cos(angle) + y * np.sin(angle)) / period + random.uniform()
    across = (y * np.cos(angle) - x * np.sin(angle)) / period + random.uniform()
    share = PATTERNS[name](along, across)[..., None]  # 0 to 1: of the second colour
    first, second = _two_colours(random)
    image = first * (1 - share) + second * share + random.normal(0, 4, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def _two_colours(random: Random) -> tuple[Array, Array]:
    """Two colours that can be told apart in grey too."""
    while True:
        first, second = random.uniform(0, 255, (2, 3))
        if abs(first.mean() - second.mean()) > 70:
            return first, second


def _surface(rgb: tuple[int, int, int], height: int, width: int, random: Random) -> Array:
    """A colour that varies a little, with light from one side."""
    angle, strength = random.uniform(0, 2 * np.pi), random.uniform(0.05, 0.3)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    light = 1 + strength * (np.cos(angle) * x + np.sin(angle) * y)
    base = np.array(rgb) + random.normal(0, 12) + random.normal(0, 4, 3)
    image = light[..., None] * base + random.normal(0, 4, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8)


def _edge(distance: Array) -> Array:
    """0 outside, 1 inside, with a soft edge; the distance is in periods."""
    return np.clip(0.5 + distance * 8, 0, 1)


def _wave(phase: Array) -> Array:
    """A triangle wave of the phase, from 0 to 0.5 and back."""
    return np.abs(phase - np.round(phase))


def _dots(along: Array, across: Array) -> Array:
    return _edge(0.3 - np.hypot(_wave(along), _wave(across)))


def _checks(along: Array, across: Array) -> Array:
    first, second = _edge(_wave(along) - 0.25), _edge(_wave(across) - 0.25)
    return first * (1 - second) + second * (1 - first)


PATTERNS: Final[dict[str, Callable[[Array, Array], Array]]] = {
    "stripes": lambda along, across: _edge(_wave(along) - 0.25),
    "dots": _dots,
    "checks": _checks,
    "zigzags": lambda along, across: _edge(_wave(along + _wave(across)) - 0.25),
}
NAMES: Final = (*PATTERNS, *COLOURS)
"""Every concept that can be drawn."""
