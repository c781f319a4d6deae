"""What the two signs of values mean in words: for a class, or for an output that is none."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, final

from tfxai.classes import explains_class

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


@final
@dataclasses.dataclass(frozen=True)
class Signs:
    """Words for what positive and negative values do.

    Args:
        above: What a positive value does.
        below: What a negative value does.
        sentence: What red and blue mean.
        lines: What red and blue lines are around.
        parts: What the parts of a mask do.
    """

    above: str
    below: str
    sentence: str
    lines: str
    parts: str


CLASS = Signs(
    "supports",
    "speaks against",
    "Red supports, blue speaks against.",
    "Red lines are around what supports, blue ones around what speaks against.",
    "parts that support",
)
OUTPUT = Signs(
    "raises",
    "lowers",
    "Red raises the output, blue lowers it.",
    "Red lines are around what raises the output, blue ones around what lowers it.",
    "parts that raise the output",
)
DIFFERENCE = Signs(
    "more in the first",
    "less in the first",
    "Red is more in the first, blue less.",
    "Red lines are around what is more in the first, blue ones around what is less.",
    "parts that are more in the first",
)


def signs_of(one: Attribution) -> Signs:
    """The words that suit what is explained."""
    if one.method["name"] == "difference":
        return DIFFERENCE
    return CLASS if explains_class(one) else OUTPUT
