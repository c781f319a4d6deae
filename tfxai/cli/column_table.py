"""What each column of a row says, as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tfxai.cli.terminal import shown, table

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.attribution import Attribution
    from tfxai.feature_groups import Feature

MOST = 20
"""Most columns that are listed."""


def column_table(attributions: Sequence[Attribution]) -> tuple[Table, int] | None:
    """The columns with the largest values in any method, and each method's value of them.

    Args:
        attributions: One for each method, each of one row.

    Returns:
        The table, largest first, and how many columns it leaves out; None where no method's
        values are of columns.
    """
    found = {one.method["name"]: _by_name(one) for one in attributions if _is_of_columns(one)}
    if not found:
        return None
    largest: dict[str, float] = {}
    for features in found.values():
        whole = max((abs(float(one.values[0])) for one in features.values()), default=0.0) or 1.0
        for name, one in features.items():
            share = abs(float(one.values[0])) / whole
            largest[name] = max(largest.get(name, 0.0), share)
    names = sorted(largest, key=lambda name: -largest[name])
    made = table("Column", "Input", *found, right=range(1, len(found) + 2))
    for name in names[:MOST]:
        of = [features.get(name) for features in found.values()]
        given = next(one for one in of if one is not None)
        made.add_row(shown(name), shown(_input(given)), *map(_value, of))
    return made, max(0, len(names) - MOST)


def _is_of_columns(one: Attribution) -> bool:
    from tfxai.table_features import has_features

    return one.at is None and has_features(one)


def _by_name(one: Attribution) -> dict[str, Feature]:
    from tfxai.table_features import features_of

    return {feature.name: feature for feature in features_of(one)}


def _input(feature: Feature) -> str:
    from tfxai.plotting.feature_axes import input_text

    return "" if feature.inputs is None else _plain(input_text(feature, 0))


def _value(feature: Feature | None) -> str:
    """The attribution; nothing where a method held the column fast."""
    return "" if feature is None else f"{float(feature.values[0]):+.4g}"


def _plain(text: str) -> str:
    """Numbers with a sign that can be searched for."""
    return text.replace("\N{MINUS SIGN}", "-")
