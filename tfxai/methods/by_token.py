"""Perturbation of texts: groups of tokens that are there, are replaced, or are dropped.

Each group is one number of an input of the model that `text.networks.ByToken` makes, so that the
methods know nothing of tokens. Texts with about as many groups run together.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.baseline_records import Activations
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.errors import InvalidInputError
from tfxai.subject import Subject
from tfxai.text.encoders import Encoded
from tfxai.text.networks import GROUPS, OTHERS, SHOWN, ByToken, around
from tfxai.tokens import WORD, Tokens

if TYPE_CHECKING:
    from tfxai.methods.base import AttributionMethod
    from tfxai.methods.texts import Asked

SIZES = (2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)
"""Numbers of groups for which programs are made: that of a text is the first that holds its own,
but for methods that fit the values of all groups together.

It rests on the text alone, so that a text is explained in a batch as it is by itself.
"""


def explain_by_token(
    method: AttributionMethod, given: Asked, target: Any, **asked: Any
) -> Attribution:
    """Values (B, T) of tokens; a group's value lies in equal shares on its tokens."""
    encoded, options = given.encoded, method._options()
    baseline = options.get("baseline")
    if isinstance(baseline, Activations):
        raise InvalidInputError(
            f"{method.name} shows a model some of the tokens, and baseline='zero' is of vectors. "
            "Pass None to drop the others, 'pad', 'mask' or a text, or name a layer with at=."
        )
    groups = groups_of(encoded.tokens, options.get("mask"))
    model, inputs = of_groups(given, groups, baseline)
    plain = _plain(method)
    slots = np.array([_size(int(row.max()) + 1, method) for row in groups])
    levels = levels_of(encoded.tokens, groups)
    parts, order = [], []
    for size in sorted(set(slots.tolist())):
        alike = np.flatnonzero(slots == size)
        for fitted, some in plain._by_groups([levels[i] for i in alike], size):
            rows = alike[some]
            shown = {SHOWN: np.ones((len(rows), size), np.float32)}
            given_rows = {name: array[rows] for name, array in inputs.items()} | shown
            targets = _rows_of(target, rows, len(groups))
            one = fitted._answer(model, given_rows, targets, **asked)
            parts.append(_by_token(one, groups[rows]))
            order.append(rows)
    whole = Attribution.concat(_alike(parts))
    return whole[np.argsort(np.concatenate(order), kind="stable")]


def of_groups(given: Asked, groups: Array, baseline: Any) -> tuple[Subject, dict[str, Array]]:
    """The model of which groups of tokens are there, and its inputs but for `SHOWN`.

    Args:
        given: The texts.
        groups: (B, T) as `groups_of` makes them.
        baseline: What stands in the place of tokens that are not there; None drops them where the
            model has a mask.
    """
    encoded = given.encoded
    inputs = encoded.inputs | {GROUPS: groups}
    if baseline is not None or not encoded.mask:
        inputs[OTHERS] = given.replaced_ids(baseline)
    return _model(given.subject, encoded, given.encoder.pad_id), inputs


def groups_of(tokens: Tokens, mask: Any) -> Array:
    """(B, T) int32 the group of each token; -1 for special ones and padding.

    Args:
        tokens: The tokens.
        mask: None or `"tokens"`, `"words"`, `"sentences"`, or integers (T,) or (B, T).

    Raises:
        InvalidInputError: It is no such thing.
    """
    is_own = tokens.kinds == WORD
    if mask is None or mask == "tokens":
        numbers = np.cumsum(is_own, axis=1) - 1
    elif mask == "words":
        numbers = tokens.words
    elif mask == "sentences":
        numbers = tokens.sentences
    elif isinstance(mask, FrozenArray) and mask.array.shape in (is_own.shape, is_own.shape[1:]):
        numbers = np.broadcast_to(mask.array, is_own.shape)
    else:
        raise InvalidInputError(
            f"mask={mask!r} was expected to be 'tokens', 'words', 'sentences', or integers of "
            f"shape {is_own.shape[1:]}, a group number for each token."
        )
    found = np.full(is_own.shape, -1, np.int32)
    for i, own in enumerate(is_own):
        found[i, own] = np.unique(numbers[i, own], return_inverse=True)[1]
    return found


def levels_of(tokens: Tokens, groups: Array) -> list[Array]:
    """The sentence and the word of each group of tokens, (levels, G) by the text.

    Args:
        tokens: The tokens.
        groups: (B, T) as `groups_of` makes them.

    Returns:
        Of each text the levels in which every group lies whole, the coarsest first.
    """
    found = []
    for own, *numbers in zip(groups, tokens.sentences, tokens.words, strict=True):
        count, inside = int(own.max()) + 1, own >= 0
        first = np.unique(own[inside], return_index=True)[1]
        levels = [row[inside][first] for row in numbers]
        kept = [
            level
            for level, row in zip(levels, numbers, strict=True)
            if (level[own[inside]] == row[inside]).all()
        ]
        found.append(np.stack(kept) if kept else np.zeros((0, count), np.int32))
    return found


def _size(count: int, method: AttributionMethod) -> int:
    """How many numbers a program takes for so many groups: as many where they are fitted."""
    if method.fits_features:
        return max(count, SIZES[0])
    return next((size for size in SIZES if size >= count), count)


def _model(subject: Subject, encoded: Encoded, pad_id: int) -> Subject:
    model = subject.of_ids
    key = ("tokens", encoded.ids, encoded.mask, pad_id)
    made = around(model, key, lambda: ByToken(model, encoded.ids, encoded.mask, pad_id))
    return Subject(made, subject.card)


def _plain(method: AttributionMethod) -> AttributionMethod:
    """The method for groups that are numbers: one by one unless it says otherwise."""
    options = method._options()
    changed: dict[str, Any] = {name: None for name in ("mask", "baseline") if name in options}
    if options.get("window", 0) is None:
        changed["window"] = 1
    return dataclasses.replace(method, **changed)


def _rows_of(target: Any, rows: Array, batch: int) -> Any:
    """The targets of some of the examples."""
    if isinstance(target, list | tuple | np.ndarray) and np.ndim(target) and len(target) == batch:
        return np.asarray(target, dtype=object)[rows].tolist()
    return target


def _by_token(one: Attribution, groups: Array) -> Attribution:
    """Values of groups as values of tokens."""
    values = np.asarray(one.values[SHOWN] if isinstance(one.values, dict) else one.values)
    spread = np.zeros(groups.shape, values.dtype)
    for i, row in enumerate(groups):
        sizes = np.bincount(row[row >= 0], minlength=values.shape[1])
        own = row >= 0
        spread[i, own] = values[i, row[own]] / sizes[row[own]]
    return dataclasses.replace(
        one, values=spread, inputs=groups, is_map=False, map_input=None, held=(), axes=""
    )


def _alike(parts: list[Attribution]) -> list[Attribution]:
    """The answers of one method with details of one shape, zeros for groups that are not."""
    record = parts[0].method  # the others have the trees of their own texts
    parts = [dataclasses.replace(one, method=record) for one in parts]
    names = [name for name in parts[0].details if all(name in one.details for one in parts)]
    for name in names:
        shapes = np.array([one.details[name].shape[1:] for one in parts])
        most = shapes.max(axis=0, initial=0)
        for i, one in enumerate(parts):
            array = one.details[name]
            missing = [(0, 0), *((0, int(n)) for n in most - np.array(array.shape[1:], int))]
            details = one.details | {name: np.pad(array, missing)}
            parts[i] = dataclasses.replace(one, details=details)
    return parts
