"""The tokens of a batch of texts: pieces, words, sentences, special tokens and padding."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tfxai.arrays import Array

WORD, SPECIAL, PADDING = 0, 1, 2
KINDS = ("word", "special", "padding")
"""What a token is: part of the text, a mark of the model's own, or filling up to the length."""
_ENDS = frozenset(".!?…。！？؟")
_NOT_WORDS = -1


@dataclasses.dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of a batch of texts, every array with a row for each text.

    Args:
        texts: (B,) the texts, as they were passed.
        pieces: (B, T) the tokens as the vocabulary writes them, such as `"##ly"`.
        kinds: (B, T) int8, positions in `KINDS`.
        words: (B, T) int32 number of the word that a token is part of; -1 where it is of none.
        shown: (B, T) at the first token of each word the word itself; elsewhere empty.
    """

    texts: Array
    pieces: Array
    kinds: Array
    words: Array
    shown: Array

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        pieces: Sequence[Sequence[str]],
        kinds: Array,
        begins: Array,
        parts: Sequence[Sequence[bytes]],
    ) -> Tokens:
        """The tokens with their words joined.

        Args:
            texts: The texts.
            pieces: T tokens of each.
            kinds: (B, T) as in the class.
            begins: (B, T) bool, whether a token begins a word.
            parts: What each token adds to its word, in UTF-8.
        """
        words = np.full(np.shape(kinds), _NOT_WORDS, np.int32)
        shown = [[""] * len(row) for row in pieces]
        for i, row in enumerate(parts):
            first, number, word = 0, -1, b""
            for j, part in enumerate(row):
                if kinds[i, j] != WORD:
                    continue
                is_first = number < 0 or begins[i, j] or kinds[i, j - 1] != WORD
                first, number = (j, number + 1) if is_first else (first, number)
                word = part if is_first else word + part
                words[i, j] = number
                shown[i][first] = word.decode("utf-8", "replace")
        return cls(_texts(texts), _texts(pieces), np.asarray(kinds, np.int8), words, _texts(shown))

    def __getitem__(self, index: Any) -> Tokens:
        return Tokens(**{name: array[index] for name, array in self.arrays().items()})

    def __len__(self) -> int:
        return len(self.texts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tokens):
            return NotImplemented
        mine, theirs = self.arrays(), other.arrays()
        return all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]

    def arrays(self) -> dict[str, Array]:
        """Every array by the name of its field."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    @staticmethod
    def concat(several: Sequence[Tokens]) -> Tokens:
        """The texts of all of them, in order; all of one T."""
        every = [one.arrays() for one in several]
        return Tokens(**{name: np.concatenate([one[name] for one in every]) for name in every[0]})

    @property
    def sentences(self) -> Array:
        """(B, T) int32 number of the sentence that a token is part of; -1 where it is of none.

        A sentence ends behind a word of nothing but `.`, `!`, `?`, `…` and their like, or one
        that ends so.
        """
        found = np.full(self.words.shape, _NOT_WORDS, np.int32)
        for i, row in enumerate(self.words):
            number, ends, before = 0, False, _NOT_WORDS
            for j, word in enumerate(row):
                if word < 0:
                    continue
                if word != before:
                    text = str(self.shown[i, j])
                    number += ends and text[-1:] not in _ENDS
                    ends, before = text[-1:] in _ENDS, word
                found[i, j] = number
        return found

    def spans(self, i: int) -> Iterator[tuple[str, Array]]:
        """Each word of a text and the positions of its tokens."""
        for number in range(int(self.words[i].max(initial=_NOT_WORDS)) + 1):
            places = np.flatnonzero(self.words[i] == number)
            yield str(self.shown[i, places[0]]), places


def _texts(given: Any) -> Array:
    """Texts as an array of str, one character wide at least."""
    made = np.asarray(given, dtype=np.str_)
    return made if made.dtype.itemsize else made.astype("<U1")
