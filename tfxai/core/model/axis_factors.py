"""The axes of a tensor as products of examples, rows, columns and tokens of an image."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from tfxai.patch_grid import PatchGrid

BATCH = 2**61 - 1
"""A prime in place of the free number of examples: no reshape divides it."""


@dataclasses.dataclass(frozen=True)
class Factor:
    """A part of an axis: `"B"` examples, `"H"` rows, `"W"` columns, `"P"` tokens with patches."""

    size: int
    letter: str = ""
    covers: float = 1.0
    grid: PatchGrid | None = None


Axis = tuple[Factor, ...]
Axes = tuple[Axis, ...]


def agreed(given: set[Axis]) -> Axis:
    """One axis of those that several operands have."""
    lettered = {axis for axis in given if any(factor.letter for factor in axis)}
    if len(lettered) == 1:
        return lettered.pop()
    return plain(size_of(next(iter(given)))) if given else ()


def plain(size: int, letter: str = "", covers: float = 1.0) -> Axis:
    """An axis of one part; nothing where it has one element."""
    return (Factor(size, letter, covers),) if size != 1 else ()


def size_of(axis: Axis) -> int:
    """The length of an axis."""
    return math.prod(factor.size for factor in axis)


def grid_of(axis: Axis) -> PatchGrid | None:
    """The patches of an axis that holds all of them, row by row."""
    if len(axis) == 1:
        return axis[0].grid
    if [factor.letter for factor in axis] != ["H", "W"]:
        return None
    rows, columns = axis
    return PatchGrid(rows.size, columns.size, covers=(rows.covers, columns.covers))


def tokens(grid: PatchGrid | None, before: int, total: int) -> Axis:
    """An axis of that many tokens, with so many more of them before the patches."""
    if grid is None:
        return plain(total)
    first = grid.first + before
    moved = dataclasses.replace(grid, first=first, behind=total - first - grid.size)
    if moved.first == moved.behind == 0:
        rows, columns = grid.covers
        return (Factor(grid.height, "H", rows), Factor(grid.width, "W", columns))
    return (Factor(total, "P", 1.0, moved),)


def regrouped(factors: Sequence[Factor], shape: Sequence[int | None]) -> Axes | None:
    """The same elements in the same order under another shape."""
    sizes = _filled(math.prod(factor.size for factor in factors), list(shape))
    if sizes is None:
        return None
    left = list(reversed(factors))
    found: list[Axis] = []
    for size in sizes:
        axis: list[Factor] = []
        while size > 1:
            if not left:
                return None
            factor = left.pop()
            if size % factor.size == 0:
                axis.append(factor)
                size //= factor.size
            elif factor.size % size == 0:
                keeps = factor.letter if factor.letter in ("H", "W") else ""
                axis.append(Factor(size, keeps, factor.covers))
                left.append(Factor(factor.size // size))
                size = 1
            else:
                return None
        found.append(tuple(axis))
    return tuple(found) if not left else None


def _filled(total: int, shape: list[int | None]) -> list[int] | None:
    """The shape with its free number, where there is only one."""
    if shape.count(None) > 1:
        return None
    known = math.prod(size for size in shape if size is not None)
    if known == 0 or total % known:
        return None
    filled = [total // known if size is None else size for size in shape]
    return filled if math.prod(filled) == total else None


def fits(axes: Axes, shape: Sequence[int | None]) -> bool:
    """Whether a shape, of which some numbers may be free, is that of the axes."""
    return len(shape) == len(axes) and all(
        n is None or n == size_of(axis) for n, axis in zip(shape, axes, strict=True)
    )
