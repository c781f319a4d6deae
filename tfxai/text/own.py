"""Any callable as a tokenizer: from texts to ids and masks, with a way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.text.encoders import Encoder
from tfxai.text.pieces import Style, style_of

_BACK = "id_to_token(id), convert_ids_to_tokens(ids) or get_vocabulary()"
_SPECIAL = ("all_special_ids", "special_token_ids", "special_ids")


class OwnEncoder(Encoder):
    """A callable of the user's own.

    Args:
        tokenizer: From a list of texts to ids (B, T), or to a dict of ids and masks; rows of
            different lengths are filled up. It has one of `id_to_token`, `convert_ids_to_tokens`
            and `get_vocabulary`; `pad_token_id` (0 if it has none), `mask_token_id`,
            `unk_token_id` and `all_special_ids` where there are such tokens.

    Raises:
        InvalidInputError: It is no callable, or has no way back to tokens.
    """

    def __init__(self, tokenizer: Any) -> None:
        if not callable(tokenizer):
            raise InvalidInputError(
                f"tokenizer is a {type(tokenizer).__name__}, and a callable from texts to ids was "
                f"expected, with {_BACK}."
            )
        self._tokenizer = tokenizer
        self._back = _way_back(tokenizer)
        self.pad_id = self._id("pad_token_id") or 0
        self.mask_id = self._id("mask_token_id")

    def inputs(self, texts: Sequence[str]) -> dict[str, Array]:
        """What the tokenizer makes of the texts, filled up to one length."""
        made = self._tokenizer(list(texts))
        found = dict(made) if isinstance(made, Mapping) else {"": made}
        return {name: self._filled(name, rows, len(texts)) for name, rows in found.items()}

    def piece(self, token_id: int) -> str:
        """The token of an id."""
        return self._back(token_id)

    def special_ids(self) -> frozenset[int]:
        """Ids that the tokenizer calls special, but for the one of unknown words."""
        named = [name for name in _SPECIAL if hasattr(self._tokenizer, name)]
        given = getattr(self._tokenizer, named[0]) if named else ()
        return frozenset(int(one) for one in given) - {self.unknown_id()}

    def unknown_id(self) -> int | None:
        """What it calls `unk_token_id`."""
        return self._id("unk_token_id")

    def style(self, pieces: Sequence[str]) -> Style:
        """By the classes of the tokenizer, else by the pieces."""
        return style_of([base.__name__ for base in type(self._tokenizer).__mro__], pieces)

    def _id(self, name: str) -> int | None:
        found = getattr(self._tokenizer, name, None)
        return None if found is None else int(found)

    def _filled(self, name: str, rows: Any, count: int) -> Array:
        rows = rows.to_list() if hasattr(rows, "to_list") else rows
        try:
            lists = [np.asarray(row).ravel() for row in rows]
        except (TypeError, ValueError) as error:
            raise InvalidInputError(
                f"The tokenizer returns {name or 'ids'} that are no rows of numbers. Let it "
                "return one row of integers for each text."
            ) from error
        if len(lists) != count or any(row.size and row.dtype.kind not in "iub" for row in lists):
            raise InvalidInputError(
                f"The tokenizer returns {len(lists)} rows of {name or 'ids'} for {count} texts, "
                "and one row of integers for each was expected."
            )
        longest = max((len(row) for row in lists), default=0)
        fill = 0 if any(part in name for part in ("mask", "segment", "type")) else self.pad_id
        filled = np.full((count, longest), fill, np.int32)
        for row, own in zip(filled, lists, strict=True):
            row[: len(own)] = own
        return filled


def _way_back(tokenizer: Any) -> Callable[[int], str]:
    """From an id to its token.

    Raises:
        InvalidInputError: The tokenizer has no such way.
    """
    if hasattr(tokenizer, "id_to_token"):
        return lambda one: str(tokenizer.id_to_token(one))
    if hasattr(tokenizer, "convert_ids_to_tokens"):
        return lambda one: str(tokenizer.convert_ids_to_tokens([one])[0])
    if hasattr(tokenizer, "get_vocabulary"):
        words = list(tokenizer.get_vocabulary())
        return lambda one: str(words[one]) if 0 <= one < len(words) else f"[{one}]"
    raise InvalidInputError(
        f"The tokenizer, a {type(tokenizer).__name__}, cannot go back from ids to tokens: it has "
        f"none of {_BACK}. Give it one of them."
    )
