"""Which elements a slice of a traced graph takes along each axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Kept:
    """What a slice takes along one axis.

    Args:
        numbers: The elements.
        is_dropped: Whether the axis goes, as for `t[0]`.
    """

    numbers: range
    is_dropped: bool = False

    @property
    def step(self) -> int:
        """From one element to the next."""
        return self.numbers.step


def kept_of_each(op: tf.Operation, sizes: Sequence[int]) -> list[Kept | None] | None:
    """What a `Slice` or `StridedSlice` takes along each axis, None for an axis that it adds.

    Args:
        op: The operation.
        sizes: Length of each axis of what is sliced.

    Returns:
        None where the limits are not known while the graph is traced, or nothing is taken.
    """
    limits = [tf.get_static_value(one, partial=True) for one in op.inputs[1:]]
    if any(one is None or any(n is None for n in one) for one in limits):
        return None
    numbers = [[int(n) for n in one] for one in limits]
    if op.type == "Slice":
        ends = [
            size if n < 0 else start + n for start, n, size in zip(*numbers, sizes, strict=True)
        ]
        found: list[Kept | None] = [
            Kept(range(start, end)) for start, end in zip(numbers[0], ends, strict=True)
        ]
    else:
        found = _strided(op, numbers, sizes)
    return found if all(one is None or len(one.numbers) for one in found) else None


def _strided(
    op: tf.Operation, limits: Sequence[Sequence[int]], sizes: Sequence[int]
) -> list[Kept | None]:
    def has(mask: str, i: int) -> bool:
        return bool(op.get_attr(f"{mask}_mask") >> i & 1)

    begins, ends, steps = limits
    given = range(len(begins))
    named = sum(not has("new_axis", i) and not has("ellipsis", i) for i in given)
    found: list[Kept | None] = []
    rest = list(sizes)
    for i in given:
        if has("ellipsis", i):
            count = len(sizes) - named
            found += [Kept(range(rest.pop(0))) for _ in range(count)]
        elif has("new_axis", i):
            found.append(None)
        elif has("shrink_axis", i):
            size = rest.pop(0)
            number = begins[i] % size
            found.append(Kept(range(number, number + 1), is_dropped=True))
        else:
            size = rest.pop(0)
            begin = None if has("begin", i) else begins[i]
            end = None if has("end", i) else ends[i]
            found.append(Kept(range(*slice(begin, end, steps[i]).indices(size))))
    return found + [Kept(range(size)) for size in rest]
