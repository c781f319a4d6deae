"""Columns of a DataFrame as arrays of numbers or texts."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, MissingExtraError

_NUMBERS = "fiub"
_TEXTS = "SU"


def by_column(frame: Any) -> dict[str, Any]:
    """Each column of a DataFrame as a Series, by its name as text.

    Raises:
        InvalidInputError: Two columns have the same name.
    """
    labels = list(frame.columns)
    names = [str(label) for label in labels]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise InvalidInputError(
            f"The table has several columns named {double[0]!r}. Give each a name of its own."
        )
    return {name: _at(frame, i, labels[i]) for i, name in enumerate(names)}


def frame_array(frame: Any) -> Array:
    """(B, F) the columns of a DataFrame side by side, all numbers or all texts.

    Raises:
        InvalidInputError: A column holds neither, misses values, or holds texts beside numbers.
    """
    labels = list(frame.columns)
    if not labels:
        return np.asarray(frame.to_numpy())
    columns = [column_array(str(label), _at(frame, i, label)) for i, label in enumerate(labels)]
    is_text = [column.dtype.kind in _TEXTS for column in columns]
    if any(is_text) and not all(is_text):
        name = str(labels[is_text.index(True)])
        raise InvalidInputError(
            f"Column {name!r} holds texts and column {str(labels[is_text.index(False)])!r} "
            "numbers, and the model takes all columns as one array. Encode the texts as for its "
            "training, or pass a model with one input for each column."
        )
    return np.stack(columns, axis=1)


def column_array(name: str, series: Any) -> Array:
    """(B,) the numbers or texts of a column.

    Raises:
        InvalidInputError: It misses values, or holds neither.
    """
    is_missing = getattr(series, "isna", None) or getattr(series, "is_null", None)
    count = int(np.sum(np.asarray(is_missing()))) if is_missing else 0
    if count:
        raise InvalidInputError(
            f"Column {name!r} misses {count} of {len(series)} values. Fill them in first, as for "
            "the model's training."
        )
    array = np.asarray(series.to_numpy())
    if array.dtype.kind not in _NUMBERS + _TEXTS and array.ndim == 1:
        array = _plainer(array)
    if array.dtype.kind not in _NUMBERS + _TEXTS:
        dtype = getattr(series, "dtype", array.dtype)
        raise InvalidInputError(
            f"Column {name!r} has type {dtype}, and numbers or texts were expected. Turn it into "
            "them as for the model's training."
        )
    return array


def _at(frame: Any, i: int, label: Any) -> Any:
    return frame.iloc[:, i] if hasattr(frame, "iloc") else frame[label]


def _plainer(array: Array) -> Array:
    """Objects as numbers where all are numbers, as texts where all are texts; else as they are."""
    found = [one.item() if isinstance(one, np.generic) else one for one in array]
    for kinds in ((bool,), (bool, int), (bool, int, float), (str,)):
        if found and all(isinstance(one, kinds) for one in found):
            return np.asarray(found)
    return array


def imported_pandas() -> Any:
    """The module pandas.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingExtraError.of("pandas", "pandas") from error
    return pandas
