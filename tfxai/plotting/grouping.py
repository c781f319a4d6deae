"""Values that are summed before they are drawn: over columns, or over regions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tfxai.errors import InvalidInputError
from tfxai.feature_groups import Groups, OneHot, one_hot_found
from tfxai.table_features import by_region, features_of, has_features, one_hot_groups

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.feature_groups import Feature
    from tfxai.plotting.drawing import Drawing


def grouped(one: Attribution, drawing: Drawing) -> Attribution:
    """The attribution with its values summed over regions, where `groups` are regions.

    Raises:
        InvalidInputError: The groups are of another kind than the values.
    """
    groups = drawing.groups
    if groups is None or isinstance(groups, OneHot):
        return one
    if not isinstance(groups, Mapping | str | tuple):
        return by_region(one, groups)
    if groups and not has_features(one):
        first = groups if isinstance(groups, str) else next(iter(groups))
        raise InvalidInputError(
            f"groups names columns such as {first!r}, and the values are not of a "
            "table. Pass an integer for each place, as tfxai.superpixels gives."
        )
    return one


def with_groups(several: Sequence[Attribution], drawing: Drawing) -> Drawing:
    """The drawing with the one-hot columns of all examples, unless others are summed."""
    names, found = drawing.feature_names, OneHot()
    if isinstance(drawing.groups, str):
        for one in several:
            found.update(one_hot_found(features_of(one, names)))
    elif drawing.groups is None:
        for one in several:
            found.update(one_hot_groups(one, names))
    return dataclasses.replace(drawing, groups=found) if found else drawing


def columns_or_groups(
    one: Attribution, names: Sequence[str] | None, groups: Groups | None
) -> tuple[list[Feature], list[str]]:
    """The features of a chart, one-hot columns summed unless `groups` says otherwise.

    Returns:
        The features, and a sentence that says which columns are summed without having been given.
    """
    chosen = one_hot_groups(one, names) if groups is None else groups
    if isinstance(chosen, str):
        chosen = one_hot_found(features_of(one, names))
    notes = [chosen.note] if isinstance(chosen, OneHot) and chosen else []
    return features_of(one, names, chosen), notes
