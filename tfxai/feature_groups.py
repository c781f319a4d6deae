"""Groups of columns whose values are summed: given, named by how they begin, or one-hot."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np

from tfxai.arrays import Array
from tfxai.columns import Column
from tfxai.errors import InvalidInputError, UnknownNameError

Groups: TypeAlias = "Mapping[str, Sequence[str]] | Sequence[str] | str"

ONE_HOT = "one_hot"
_SEPARATOR = re.compile(r"[_\-=:./| ]+")
_WORDS = (
    "a dict from a name to the names of columns, a list of the names that one-hot columns begin "
    f"with, or {ONE_HOT!r} to find them"
)


@final
class OneHot(dict[str, tuple[str, ...]]):
    """Groups of columns that were found to be one-hot, not given; empty where there are none."""

    @property
    def note(self) -> str:
        """What is summed, in a sentence; nothing where there is nothing."""
        listed = ", ".join(f"{name} ({len(members)})" for name, members in self.items())
        return (
            f"One-hot columns are summed: {listed}; groups={{}} keeps them apart." if self else ""
        )


@final
@dataclasses.dataclass(frozen=True)
class Feature:
    """One column of a table, or a group of columns.

    Args:
        name: Its name.
        values: (B,) its attribution.
        inputs: (B,) what the model was given, None where that is not one number or text: a unit
            of a layer, a group that is not one-hot.
        column: What the DataFrame said of it, where there was one.
        members: The names of the columns that were summed; none of one column.
    """

    name: str
    values: Array
    inputs: Array | None = None
    column: Column | None = None
    members: tuple[str, ...] = ()


def grouped(found: Sequence[Feature], groups: Groups | None) -> list[Feature]:
    """The features, the members of each group as one, which comes where the first of them was.

    Args:
        found: The features, each with a name of its own.
        groups: A name to the names of its columns; or the names that the columns begin with,
            `["color"]` for `color_red` and `color_blue`; or `"one_hot"`.

    Raises:
        InvalidInputError: The groups are of another kind, overlap, or there are none to find.
        UnknownNameError: A group names a column that is not there.
    """
    by_name = {feature.name: feature for feature in found}
    if isinstance(groups, OneHot):  # of several tables, which may lack some of the columns
        groups = {name: of for name, of in groups.items() if by_name.keys() >= set(of)}
    elif groups is not None:
        groups = _named(found, groups)
    if not groups:
        return list(found)
    owner = _owners(groups, by_name)
    result: dict[str, Feature] = {}
    for feature in found:
        name = owner.get(feature.name)
        if name is None:
            result[feature.name] = feature
        elif name not in result:
            result[name] = _sum(name, [by_name[member] for member in groups[name]])
    return list(result.values())


def one_hot_among(features: Sequence[Feature]) -> OneHot:
    """The features that are one column in one-hot form, as `pandas.get_dummies` makes them.

    They lie side by side, their names begin alike up to a separator (`color_red`, `color_blue`),
    their inputs are 0 or 1, and one of each example is 1. Of a single example they are three or
    more, or truths in the table.
    """
    found = OneHot()
    taken = {feature.name for feature in features}
    start = 0
    while start < len(features):
        group, members = _one_hot_from(features, start)
        if members and group not in taken:
            taken.add(group)
            found[group] = tuple(feature.name for feature in members)
        start += max(len(members), 1)
    return found


def one_hot_found(features: Sequence[Feature]) -> OneHot:
    """The one-hot columns, for one who asked for them.

    Raises:
        InvalidInputError: There are none.
    """
    groups = one_hot_among(features)
    if not groups:
        raise InvalidInputError(
            f"groups={ONE_HOT!r} found no columns side by side whose names begin alike, such as "
            "'color_red' and 'color_blue', and of which one is 1 and the others 0 in every "
            "example. Pass groups={'color': ['color_red', 'color_blue']}, or leave it out."
        )
    return groups


def _named(found: Sequence[Feature], groups: Any) -> Mapping[str, Sequence[str]]:
    """The groups as names with their columns."""
    if isinstance(groups, Mapping):
        return groups
    if isinstance(groups, str) and groups == ONE_HOT:
        return one_hot_found(found)
    if not isinstance(groups, list | tuple) or not all(isinstance(one, str) for one in groups):
        shown = repr(groups) if isinstance(groups, str) else type(groups).__name__
        raise InvalidInputError(f"groups is {shown}, and was expected to be {_WORDS}.")
    named = {head: tuple(f.name for f in found if _begins(f.name, head)) for head in groups}
    for head, members in named.items():
        if not members:
            raise InvalidInputError(
                f"groups names {head!r}, and no column begins with it and a separator, such as "
                f"'{head}_red'. Pass groups={{{head!r}: [...]}} with the names of its columns."
            )
    return named


def _begins(name: str, head: str) -> bool:
    """Whether a name is the head, a separator and more."""
    rest = name.removeprefix(head)
    separator = _SEPARATOR.match(rest) if rest != name else None
    return bool(head and separator and separator.end() < len(rest))


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
    is_sure |= all(one.column is not None and one.column.is_of_truths for one in members)
    return bool(is_sure and (stacked.sum(axis=1) == 1).all())


def _owners(groups: Mapping[str, Sequence[str]], known: Mapping[str, Feature]) -> dict[str, str]:
    """The group of each column that is in one."""
    owner: dict[str, str] = {}
    for group, members in groups.items():
        if isinstance(members, str) or not len(members):
            raise InvalidInputError(
                f"Group {group!r} is {members!r}, and a list of columns was expected."
            )
        for member in members:
            if member not in known:
                raise UnknownNameError.of("column", str(member), known)
            if member in owner:
                raise InvalidInputError(
                    f"Column {member!r} is named twice, in the group {owner[member]!r} and in "
                    f"{group!r}. Name each column once."
                )
            owner[member] = group
    taken = [group for group in groups if group in known and group not in owner]
    if taken:
        raise InvalidInputError(
            f"The group {taken[0]!r} has the name of a column that is in no group. "
            "Give it another name."
        )
    return owner


def _sum(name: str, members: Sequence[Feature]) -> Feature:
    """The group's values; its input is the name of the column that is 1 where one is."""
    values = np.sum([feature.values for feature in members], axis=0)
    given = [feature.inputs for feature in members if feature.inputs is not None]
    names = tuple(feature.name for feature in members)
    if len(given) < len(members) or any(array.dtype.kind not in "fiub" for array in given):
        return Feature(name, values, members=names)
    stacked = np.stack(given, axis=1)
    is_one_hot = np.isin(stacked, (0, 1)).all() and (stacked.sum(axis=1) == 1).all()
    if not is_one_hot:
        return Feature(name, values, members=names)
    short = [_without_head(feature.name, name) for feature in members]
    return Feature(name, values, np.asarray(short)[stacked.argmax(axis=1)], members=names)


def _without_head(name: str, group: str) -> str:
    """`"colour_red"` as red in the group colour."""
    rest = name.removeprefix(group).lstrip("_-=:. ")
    return rest if rest and rest != name else name
