"""Which values of an attribution its samples make certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from tfxai.arrays import Array
from tfxai.axes import channels_last, value_axes
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

ERROR = "standard_error"
"""The detail that sampling methods report."""
TOP = "certain_top"
"""The detail that follows from it: how many of the top tenth of the values are certain."""


def has_errors(one: Attribution) -> bool:
    """Whether each of two values or more has a standard error."""
    error = one.details.get(ERROR)
    if error is None or isinstance(one.values, dict):
        return False
    return error.shape == one.values.shape and error[0].size > 1


def certain(one: Attribution, confidence: float) -> Array:
    """What `Attribution.certain` returns."""
    values, error = _with_error(one)
    return np.asarray(np.abs(values) > _deviations(confidence) * error)


def certain_top(one: Attribution, share: float = 0.1, confidence: float = 0.95) -> Array:
    """What `Attribution.certain_top` returns."""
    if not 0 < share < 1:
        raise InvalidInputError(f"share={share} was expected to lie in (0, 1).")
    values, error = (array.reshape(len(one), -1) for array in _with_error(one))
    sizes, count = np.abs(values), max(1, round(share * values.shape[1]))
    if count >= values.shape[1]:
        raise InvalidInputError(
            f"share={share} of {values.shape[1]} positions is all of them. Pass a smaller share."
        )
    order = np.argsort(-sizes, axis=1, kind="stable")
    sizes, error = (np.take_along_axis(array, order, axis=1) for array in (sizes, error))
    lead = sizes[:, :count] - sizes[:, count, None]
    of_lead = np.sqrt(error[:, :count] ** 2 + error[:, count, None] ** 2)
    return np.asarray((lead > _deviations(confidence) * of_lead).sum(axis=1))


def certain_map(one: Attribution, confidence: float = 0.95) -> Array:
    """(B, *places) bool: where the map of an attribution is certain not to be zero.

    Where channels are summed their errors are added up as if they were of one sign, which is the
    most that the error of a sum can be; else one certain channel is enough.
    """
    if one.is_map:
        return certain(one, confidence)
    values, error = _with_error(one)
    word = value_axes(one)
    values, error = (channels_last(array, word) if word else array for array in (values, error))
    if one.channels != "sum":
        return np.asarray((np.abs(values) > _deviations(confidence) * error).any(axis=-1))
    return np.asarray(np.abs(values.sum(axis=-1)) > _deviations(confidence) * error.sum(axis=-1))


def _with_error(one: Attribution) -> tuple[Array, Array]:
    """The values and their standard errors."""
    if not has_errors(one):
        raise InvalidInputError(
            f"This attribution of {one.method['name']} has no standard error of each value. Pass "
            "one of a method that draws samples, such as SmoothGrad, two or more of them, of a "
            "model with one input of two or more values."
        )
    return np.asarray(one.values, np.float64), np.asarray(one.details[ERROR], np.float64)


def _deviations(confidence: float) -> float:
    """How many standard errors reach that confidence, on both sides."""
    if not 0 < confidence < 1:
        raise InvalidInputError(f"confidence={confidence} was expected to lie in (0, 1).")
    return float(stats.norm.ppf((1 + confidence) / 2))
