"""The features of tables as rows of numbers with names, for charts and DataFrames."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import by_number, channels_last, value_axes
from tfxai.columns import Column
from tfxai.core.inputs.frames import imported_pandas
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

Groups: TypeAlias = "Mapping[str, Sequence[str]]"


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
    """

    name: str
    values: Array
    inputs: Array | None = None
    column: Column | None = None


def has_features(one: Attribution) -> bool:
    """Whether the values are of features: one number of each for each example."""
    arrays = one.values.values() if isinstance(one.values, dict) else [one.values]
    if one.is_map or _is_of_tokens(one) or not len(one):
        return False
    return all(np.ndim(array) in (1, 2) for array in arrays)


def _is_of_tokens(one: Attribution) -> bool:
    """Whether there is a number for each token of a text."""
    if one.text is None or isinstance(one.values, dict):
        return False
    return np.shape(one.values) == one.text.kinds.shape


def features_of(
    one: Attribution, names: Sequence[str] | None = None, groups: Groups | None = None
) -> list[Feature]:
    """The features of a table, in the order of the inputs.

    Args:
        one: An attribution whose values are (B, F), or (B, F) and (B,) by input.
        names: One name for each feature instead of those of the columns.
        groups: A name to the names of the columns whose values are summed under it, such as those
            of a one-hot encoding. The group comes where the first of them was.

    Raises:
        InvalidInputError: The values are of no table, names do not fit, or groups overlap.
        UnknownNameError: A group names a column that is not there.
    """
    if not has_features(one):
        shapes = {name or "values": np.shape(array) for name, array in _arrays(one).items()}
        raise InvalidInputError(
            f"The values have shapes {shapes}, and those of a table were expected: (B, F), or "
            "(B, F) for each input. Use heatmap() or plot() for images, series and volumes."
        )
    found = [feature for name in _arrays(one) for feature in _of_input(one, name)]
    if names is not None:
        if isinstance(names, str) or len(names) != len(found):
            count = "one text" if isinstance(names, str) else f"{len(names)} names"
            raise InvalidInputError(
                f"feature_names holds {count}, and there are {len(found)} features. "
                "Pass one name for each."
            )
        found = [
            dataclasses.replace(feature, name=str(name))
            for feature, name in zip(found, names, strict=True)
        ]
    else:
        found = _told_apart(found)
    if isinstance(groups, OneHot):
        there = {feature.name for feature in found}
        groups = {name: of for name, of in groups.items() if there.issuperset(of)}
    return _grouped(found, groups) if groups else found


def data_frame(features: Sequence[Feature], *, of_inputs: bool) -> Any:
    """A pandas DataFrame with a row for each example and a column for each feature.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    pandas = imported_pandas()
    if not of_inputs:
        return pandas.DataFrame({feature.name: feature.values for feature in features})
    given = {f.name: _typed(f, pandas) for f in features if f.inputs is not None}
    return pandas.DataFrame(given)


def masses(one: Attribution, mask: Any) -> list[Feature]:
    """The sum of the values over each region of a mask, in the order of the regions' numbers.

    Args:
        one: An attribution of which the values are one array, (B, ...).
        mask: Integers, one for each position, shaped like the values of one example or of all,
            with or without the channels: what `tfxai.superpixels` gives.

    Raises:
        InvalidInputError: The mask does not fit the values, or holds no integers.
    """
    values = None if isinstance(one.values, dict) else np.asarray(one.values, np.float64)
    regions = np.asarray(mask)
    if values is None or regions.dtype.kind not in "iu":
        what = f"of type {regions.dtype}" if values is not None else "for several inputs"
        raise InvalidInputError(
            f"mask is {what}, and integers for the one array of values were expected. Pass one "
            "integer for each position, as tfxai.superpixels gives them."
        )
    shape = values.shape
    fitting = [full for full in (shape, shape[1:], shape[:-1], shape[1:-1]) if len(full)]
    if regions.shape not in fitting:
        raise InvalidInputError(
            f"mask has shape {regions.shape}, and the values {shape}. Pass a mask with the shape "
            "of one example or of all, with or without the channels."
        )
    has_batch = regions.shape in (shape, shape[:-1])
    regions = regions if has_batch else regions[None]
    regions = regions if regions.ndim == values.ndim else regions[..., None]
    regions = np.broadcast_to(regions, shape)
    numbers = np.unique(regions)
    axes = tuple(range(1, values.ndim))
    return [
        Feature(f"region {number}", np.where(regions == number, values, 0).sum(axis=axes))
        for number in numbers
    ]


def by_region(one: Attribution, mask: Any) -> Attribution:
    """The values summed over each region of a mask and its channels, at every place of the region.

    Args:
        one: An attribution of which the values are one array over places, (B, ...).
        mask: Integers, one for each place of one example or of each.

    Returns:
        The attribution with a map (B, *places) for values.

    Raises:
        InvalidInputError: The mask does not fit the values, or holds no integers.
    """
    values = None if isinstance(one.values, dict) else np.asarray(one.values, np.float64)
    regions = np.asarray(mask)
    word = "" if values is None else value_axes(one) or by_number(values)
    if values is None or not spatial(word):
        raise InvalidInputError(
            "The values are not one array over places, whose regions could be summed. Pass groups "
            "as a dict from a name to the names of columns for a table."
        )
    if not one.is_map:
        values = channels_last(values, word).sum(axis=-1)
    if regions.shape not in (values.shape, values.shape[1:]):
        raise InvalidInputError(
            f"groups has shape {regions.shape}, and the values lie over {values.shape[1:]} "
            "places. Pass an integer for each place of one example or of all, as "
            "tfxai.superpixels gives."
        )
    regions = np.broadcast_to(regions, values.shape)
    summed = np.empty_like(values)
    for i, (of, numbers) in enumerate(zip(values, regions, strict=True)):
        _, places = np.unique(numbers.ravel(), return_inverse=True)
        summed[i] = np.bincount(places, of.ravel())[places].reshape(of.shape)
    return dataclasses.replace(one, values=summed, is_map=True)


def _arrays(one: Attribution) -> dict[str, Array]:
    return one.values if isinstance(one.values, dict) else {"": one.values}


def _of_input(one: Attribution, name: str) -> list[Feature]:
    """The features of one array of values; a single one has the name of its input."""
    values = np.asarray(_arrays(one)[name], np.float64)
    values = values[:, None] if values.ndim == 1 else values
    is_named = isinstance(one.inputs, dict)
    inputs: Any = one.inputs
    if isinstance(inputs, dict):
        inputs = inputs.get(name)
    inputs = None if inputs is None or one.at is not None else np.asarray(inputs)
    if inputs is not None:
        inputs = inputs[:, None] if inputs.ndim == 1 else inputs
        inputs = inputs if inputs.shape == values.shape else None
    columns = one.columns.get(name, ()) if isinstance(one.columns, dict) else one.columns
    count = values.shape[1]
    columns = columns if inputs is not None and len(columns) == count else ()
    if columns and not (is_named and count == 1):
        names = [column.name for column in columns]
    elif is_named and count == 1:
        names = [name]
    elif name:
        names = [f"{name} {i}" for i in range(count)]
    else:
        names = [f"{'unit' if inputs is None else 'feature'} {i}" for i in range(count)]
    return [
        Feature(
            names[i],
            values[:, i],
            None if inputs is None else inputs[:, i],
            columns[i] if columns else None,
        )
        for i in range(count)
    ]


def _told_apart(found: list[Feature]) -> list[Feature]:
    """The features, those with a name that others have too with a number behind it."""
    names = [feature.name for feature in found]
    seen: dict[str, int] = {}
    result = []
    for feature in found:
        count = seen[feature.name] = seen.get(feature.name, 0) + 1
        is_double = names.count(feature.name) > 1
        result.append(
            dataclasses.replace(feature, name=f"{feature.name} ({count})")
            if is_double
            else feature
        )
    return result


def _grouped(found: list[Feature], groups: Groups) -> list[Feature]:
    """The features, the members of each group as one."""
    by_name = {feature.name: feature for feature in found}
    owner = _owners(groups, by_name)
    result: dict[str, Feature] = {}
    for feature in found:
        name = owner.get(feature.name)
        if name is None:
            result[feature.name] = feature
        elif name not in result:
            result[name] = _sum(name, [by_name[member] for member in groups[name]])
    return list(result.values())


def _owners(groups: Groups, known: Mapping[str, Feature]) -> dict[str, str]:
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
    if len(given) < len(members) or any(array.dtype.kind not in "fiub" for array in given):
        return Feature(name, values)
    stacked = np.stack(given, axis=1)
    is_one_hot = np.isin(stacked, (0, 1)).all() and (stacked.sum(axis=1) == 1).all()
    if not is_one_hot:
        return Feature(name, values)
    short = [_without_head(feature.name, name) for feature in members]
    return Feature(name, values, np.asarray(short)[stacked.argmax(axis=1)])


def _without_head(name: str, group: str) -> str:
    """`"colour_red"` as red in the group colour."""
    rest = name.removeprefix(group).lstrip("_-=:. ")
    return rest if rest and rest != name else name


def _typed(feature: Feature, pandas: Any) -> Any:
    """The inputs in the type of their column, where they still fit it."""
    column, inputs = feature.column, feature.inputs
    if column is None or not column.dtype or inputs is None:
        return inputs
    if column.categories is not None:
        return pandas.Categorical(
            inputs.tolist(), categories=list(column.categories), ordered=column.ordered
        )
    series = pandas.Series(inputs)
    try:
        return series.astype(column.dtype)
    except (TypeError, ValueError):
        return series
