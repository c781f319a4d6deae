"""Values that are summed before they are drawn: over columns, or over regions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tfxai.errors import InvalidInputError
from tfxai.table_features import Feature, OneHot, by_region, features_of, has_features

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.plotting.drawing import Drawing

_SEPARATOR = re.compile(r"[_\-=:./| ]+")


def grouped(one: Attribution, drawing: Drawing) -> Attribution:
    """The attribution with its values summed over regions, where `groups` are regions.

    Raises:
        InvalidInputError: The groups are of another kind than the values.
    """
    groups = drawing.groups
    if groups is None or isinstance(groups, OneHot):
        return one
    if not isinstance(groups, Mapping):
        return by_region(one, groups)
    if groups and not has_features(one):
        raise InvalidInputError(
            f"groups names columns such as {next(iter(groups))!r}, and the values are not of a "
            "table. Pass an integer for each place, as tfxai.superpixels gives."
        )
    return one


def with_groups(several: Sequence[Attribution], drawing: Drawing) -> Drawing:
    """The drawing with the one-hot columns of tables, where nothing is said of groups."""
    if drawing.groups is not None:
        return drawing
    found = OneHot()
    for one in several:
        found.update(one_hot_groups(one, drawing.feature_names))
    return dataclasses.replace(drawing, groups=found) if found else drawing


def one_hot_groups(one: Attribution, names: Sequence[str] | None = None) -> OneHot:
    """The columns of a table that are one feature in one-hot form.

    They lie side by side, their names begin alike up to a separator (`color_red`, `color_blue`),
    their inputs are 0 or 1, and one of each example is 1. Of a single example they are three or
    more, or truths in the table. Of methods whose values are compared with a baseline: others'
    values do not add up.

    Args:
        one: An attribution.
        names: One name for each feature instead of those of the columns.
    """
    found = OneHot()
    if one.baseline_score is None or not one.is_signed or not has_features(one):
        return found
    features = features_of(one, names)
    taken = {feature.name for feature in features}
    start = 0
    while start < len(features):
        group, members = _one_hot_from(features, start)
        if members and group not in taken:
            taken.add(group)
            found[group] = tuple(feature.name for feature in members)
        start += max(len(members), 1)
    return found


def _one_hot_from(features: Sequence[Feature], start: int) -> tuple[str, Sequence[Feature]]:
    """The group that begins with a column, and its columns; none where there is none."""
    name = features[start].name
    for separator in _SEPARATOR.finditer(name):
        head, end = name[: separator.end()], start
        while end < len(features) and _is_binary_of(features[end], head):
            end += 1
        members = features[start:end]
        if separator.start() and _is_one_hot(members):
            return _shared_head([feature.name for feature in members]), members
    return "", ()


def _shared_head(names: Sequence[str]) -> str:
    """What all names begin with, up to a separator."""
    ends = [
        found.start()
        for found in _SEPARATOR.finditer(names[0])
        if found.start() and all(name.startswith(names[0][: found.end()]) for name in names)
    ]
    return names[0][: ends[-1]]


def _is_binary_of(feature: Feature, head: str) -> bool:
    given = feature.inputs
    if given is None or given.dtype.kind not in "fiub":
        return False
    is_longer = feature.name.startswith(head) and len(feature.name) > len(head)
    return bool(is_longer and np.isin(given, (0, 1)).all())


def _is_one_hot(members: Sequence[Feature]) -> bool:
    if len(members) < 2:
        return False
    stacked = np.stack([np.asarray(one.inputs, np.float64) for one in members], axis=1)
    is_sure = len(stacked) > 1 or len(members) > 2
    is_sure |= all(one.column is not None and one.column.dtype == "bool" for one in members)
    return bool(is_sure and (stacked.sum(axis=1) == 1).all())
