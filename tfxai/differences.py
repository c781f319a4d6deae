"""The difference of two attributions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


def difference(one: Attribution, other: Attribution) -> Attribution:
    """The result of `one - other`."""
    mine_of, theirs_of = [(each.at, each.is_map) for each in (one, other)]
    if mine_of != theirs_of:
        raise InvalidInputError(
            f"The values are of {_place(one)} and of {_place(other)}. "
            "Subtract attributions of the same place."
        )
    shapes = [_shapes(each) for each in (one, other)]
    if shapes[0] != shapes[1]:
        raise InvalidInputError(
            f"The values have shapes {shapes[0]} and {shapes[1]}. "
            "Subtract attributions of the same shape."
        )
    picked: dict[str, Any] = {
        name: None
        if getattr(one, name) is None or getattr(other, name) is None
        else getattr(one, name) - getattr(other, name)
        for name in ("score", "baseline_score", "completeness_gap")
    }
    if one.text != other.text:
        raise InvalidInputError(
            "The values are of the tokens of different texts. Subtract attributions of the same "
            "texts, cut into the same tokens."
        )
    target = np.full(len(one), -1, np.int32)
    if np.shape(one.target) == np.shape(other.target):
        target = np.where(one.target == other.target, one.target, -1)
    score = one.score_name
    if score != other.score_name:
        score = f"{score} minus {other.score_name}"
    return dataclasses.replace(
        one,
        values=_less(one.values, other.values),
        target=target,
        prediction=None,
        details={},
        method={"name": "difference", "options": {"of": one.method, "minus": other.method}},
        score_name=score,
        is_signed=True,
        channels="sum",
        probability=None,
        **picked,
    )


def _shapes(one: Attribution) -> Any:
    if isinstance(one.values, dict):
        return {name: array.shape for name, array in one.values.items()}
    return one.values.shape


def _less(mine: Any, theirs: Any) -> Any:
    if isinstance(mine, dict):
        return {name: array - theirs[name] for name, array in mine.items()}
    return mine - theirs


def _place(one: Attribution) -> str:
    """What the values lie on, in words."""
    where = "the input" if one.at is None else f"layer {one.at!r}"
    return f"a map over {where}" if one.is_map else where
