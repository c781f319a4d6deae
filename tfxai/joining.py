"""Attributions of several batches as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.errors import InvalidInputError
from tfxai.tokens import Tokens

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_NUMBERS = ("target", "score", "probability", "baseline_score", "completeness_gap", "prediction")
_ARRAYS = ("values", "inputs", "details")


def joined(several: Sequence[Attribution]) -> Attribution:
    """The examples of all of them, in order; see `Attribution.concat`."""
    first = several[0]
    for number, other in enumerate(several[1:], 1):
        _check_alike(first, other, number)
    picked: dict[str, Any] = {name: _field(several, name) for name in (*_NUMBERS, *_ARRAYS)}
    notes = dict.fromkeys(note for one in several for note in one.notes)
    texts = [one.text for one in several if one.text is not None]
    text = Tokens.concat(texts) if len(texts) == len(several) else None
    return dataclasses.replace(first, **picked, notes=tuple(notes), text=text)


def _check_alike(first: Attribution, other: Attribution, number: int) -> None:
    """Raises `InvalidInputError` unless both answer the same question in the same way."""
    for field in dataclasses.fields(first):
        name = field.name
        mine, theirs = getattr(first, name), getattr(other, name)
        if name == "notes":
            continue
        if name == "text":
            mine, theirs = (None if one is None else one.kinds.shape[1:] for one in (mine, theirs))
        if name in _ARRAYS or name in _NUMBERS:
            mine, theirs = _form(mine), _form(theirs)
        if mine != theirs:
            raise InvalidInputError(
                f"Attribution {number} differs from attribution 0 in {name}: {_short(theirs)} "
                f"instead of {_short(mine)}. Join answers of one method to one question, about "
                "inputs of one shape."
            )


def _form(arrays: Any) -> Any:
    """Names and shapes of arrays, without the batch; None where there is nothing."""
    if isinstance(arrays, dict):
        return {name: _form(array) for name, array in arrays.items()}
    return None if arrays is None else np.shape(arrays)[1:]


def _field(several: Sequence[Attribution], name: str) -> Any:
    parts = [getattr(one, name) for one in several]
    if parts[0] is None:
        return None
    if isinstance(parts[0], dict):
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
