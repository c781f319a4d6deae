"""A design that grows: the coalitions of few draws first, then those that more draws add."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from tfxai.core.designs.features import CoalitionDesign, Features

if TYPE_CHECKING:
    from tfxai.arrays import Array

FIRST = 16
"""Draws before the first judgement: of fewer a standard error may be small by chance."""


def growing(most: int, first: int = FIRST) -> list[int]:
    """Numbers of draws at which one looks: half as many more each time, `most` at last."""
    found = [min(first, most)]
    while found[-1] < most:
        found.append(min(found[-1] + found[-1] // 2, most))
    return found


@dataclasses.dataclass(frozen=True, eq=False)
class Staged(CoalitionDesign):
    """The coalitions of several designs, each once, in the order in which they are needed.

    Args:
        designs: Designs of more and more draws, of the same features.
    """

    designs: tuple[CoalitionDesign, ...]

    @property
    def features(self) -> Features:  # type: ignore[override]
        """Those of every design."""
        return self.designs[-1].features

    @property
    def most(self) -> int:
        """All that the designs need."""
        return len(self.coalitions)

    @property
    def coalitions(self) -> Array:
        """(K, M) bool."""
        return self._table[0]

    @property
    def ends(self) -> tuple[int, ...]:
        """How many of the coalitions each design needs, with those before it."""
        return self._table[1]

    def places(self, stage: int) -> Array:
        """The numbers of the coalitions of one design, in its own order."""
        return self._table[2][stage]

    def values(self, *_: object) -> object:
        """Not known of the whole: each design has its own."""
        raise NotImplementedError

    @functools.cached_property
    def _table(self) -> tuple[Array, tuple[int, ...], list[Array]]:
        known: dict[bytes, int] = {}
        rows: list[Array] = []
        ends, places = [], []
        for design in self.designs:
            own = []
            for row in design.coalitions:
                key = row.tobytes()
                if key not in known:
                    known[key] = len(rows)
                    rows.append(row)
                own.append(known[key])
            ends.append(len(rows))
            places.append(np.array(own))
        return np.stack(rows), tuple(ends), places
