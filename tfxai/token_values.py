"""Values of tokens: summed over vectors, by word, by kind, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tfxai.arrays import Array
from tfxai.core.inputs.frames import imported_pandas
from tfxai.errors import InvalidInputError
from tfxai.tokens import KINDS, Tokens

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


def has_token_values(one: Attribution) -> bool:
    """Whether the values are of the tokens of texts."""
    if one.text is None or one.is_map or isinstance(one.values, dict):
        return False
    shape = np.shape(one.values)
    return len(shape) in (2, 3) and shape[:2] == one.text.kinds.shape


def token_values(one: Attribution) -> Array:
    """(B, T), summed over the vectors; see `Attribution.token_values`."""
    if not has_token_values(one):
        what = "no texts came" if one.text is None else f"the values have shape {_shape(one)}"
        raise InvalidInputError(
            f"Values of tokens were asked for, and {what}. Explain texts at a layer with a vector "
            "for each token, or by a method that needs no gradient."
        )
    values = np.asarray(one.values)
    return cast(Array, values if values.ndim == 2 else values.sum(axis=2))


def token_kinds(text: Tokens) -> list[list[str]]:
    """The kind of each token in a word."""
    return [[KINDS[kind] for kind in row] for row in text.kinds]


def words(one: Attribution) -> list[list[tuple[str, float]]]:
    """The words of each text and their values; see `Attribution.words`."""
    values, text = token_values(one), cast(Tokens, one.text)
    return [
        [(word, float(values[i, places].sum())) for word, places in text.spans(i)]
        for i in range(len(text))
    ]


def token_sums(one: Attribution) -> list[dict[str, float]]:
    """The sums by kind of token; see `Attribution.token_sums`."""
    values, text = token_values(one), cast(Tokens, one.text)
    return [
        {name: float(row[kinds == k].sum()) for k, name in enumerate(KINDS)}
        for row, kinds in zip(values, text.kinds, strict=True)
    ]


def token_frame(one: Attribution) -> Any:
    """A pandas DataFrame with a row for each token that is no padding.

    Raises:
        MissingExtraError: pandas is not installed.
    """
    values, text = token_values(one), cast(Tokens, one.text)
    places = np.argwhere(text.kinds != KINDS.index("padding"))
    example, position = places[:, 0], places[:, 1]
    return imported_pandas().DataFrame(
        {
            "example": example,
            "position": position,
            "token": text.pieces[example, position],
            "kind": [KINDS[kind] for kind in text.kinds[example, position]],
            "word": text.words[example, position],
            "value": values[example, position],
        }
    )


def _shape(one: Attribution) -> Any:
    if isinstance(one.values, dict):
        return {name: np.shape(array) for name, array in one.values.items()}
    return np.shape(one.values)
