"""The features of tables as rows of numbers with names, for charts and DataFrames."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import by_number, channels_last, value_axes
from tfxai.core.inputs.frames import imported_pandas
from tfxai.errors import InvalidInputError
from tfxai.feature_groups import Feature, Groups, OneHot, grouped, one_hot_among

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


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
        groups: Columns whose values are summed, as for `feature_groups.grouped`.

    Raises:
        InvalidInputError: The values are of no table, names do not fit, or groups do not.
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
    return grouped(found, groups)


def one_hot_groups(one: Attribution, names: Sequence[str] | None = None) -> OneHot:
    """The one-hot columns of a table whose values are summed unless `groups` says otherwise.

    Of methods whose values are compared with a baseline: others' values do not add up.

    Args:
        one: An attribution.
        names: One name for each feature instead of those of the columns.
    """
    if one.baseline_score is None or not one.is_signed or not has_features(one):
        return OneHot()
    return one_hot_among(features_of(one, names))


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
