"""From texts to what a model takes, and back to tokens: what encoders have in common."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.text.pieces import Style
from tfxai.tokens import PADDING, SPECIAL, WORD, Tokens

IDS = ("token_ids", "input_ids", "ids", "tokens")
"""Names that the ids of tokens have among several inputs, the first that is there."""
_BESIDE = ("mask", "segment", "type", "position")


@dataclasses.dataclass(frozen=True, eq=False)
class Encoded:
    """A batch of texts as a model takes it.

    Args:
        inputs: (B, T) each, by name; the only one has the name `""`.
        ids: Name of the input with the ids of tokens.
        mask: Name of the input that says which tokens are there; empty where there is none.
        tokens: The tokens of the texts.
        notes: What to know about the texts, one sentence each.
    """

    inputs: dict[str, Array]
    ids: str
    mask: str
    tokens: Tokens
    notes: tuple[str, ...] = ()

    def given(self, inputs: Mapping[str, Array] | None = None) -> Any:
        """The inputs as a model takes them; others of the same names in their place."""
        found = dict(self.inputs if inputs is None else inputs)
        return found[""] if set(found) == {""} else found


class Encoder(abc.ABC):
    """A tokenizer, whoever wrote it.

    Attributes:
        pad_id: Id that stands for no token.
        mask_id: Id that stands for a token that is not known, None where there is none.
    """

    pad_id: int
    mask_id: int | None

    @abc.abstractmethod
    def inputs(self, texts: Sequence[str]) -> dict[str, Array]:
        """What the model takes, (B, T) each by name; the only input has the name `""`."""

    @abc.abstractmethod
    def piece(self, token_id: int) -> str:
        """The token of an id, as the vocabulary writes it."""

    @abc.abstractmethod
    def special_ids(self) -> frozenset[int]:
        """Ids that the tokenizer adds by itself: they begin, end or part texts."""

    @abc.abstractmethod
    def unknown_id(self) -> int | None:
        """Id of words that the vocabulary lacks, None where it has one for all."""

    @abc.abstractmethod
    def style(self, pieces: Sequence[str]) -> Style:
        """How the vocabulary writes pieces of words; `pieces` are those of the texts at hand."""

    def length(self, text: str) -> int | None:
        """Number of tokens of the whole text without special ones, None where nobody knows."""
        return None

    def encode(self, texts: Sequence[str]) -> Encoded:
        """The texts as the model takes them, with their tokens.

        Raises:
            InvalidInputError: A text is empty, or what came of them has no ids.
        """
        check_texts(texts)
        inputs = {name: np.asarray(array) for name, array in self.inputs(texts).items()}
        ids_name = ids_among(inputs)
        mask_name = next((name for name in inputs if "mask" in name), "")
        ids = inputs[ids_name]
        is_there = inputs[mask_name] > 0 if mask_name else ids != self.pad_id
        is_special = np.isin(ids, sorted(self.special_ids() - {self.pad_id}))
        kinds = np.where(is_there, np.where(is_special, SPECIAL, WORD), PADDING)
        tokens = self.tokens(texts, ids, kinds)
        notes = [*self._cut(texts, kinds), *self._unknown(texts, ids, kinds)]
        _check_any(texts, kinds)
        return Encoded(inputs, ids_name, mask_name, tokens, tuple(notes))

    def tokens(self, texts: Sequence[str], ids: Array, kinds: Array) -> Tokens:
        """The tokens of texts from their ids, (B, T), and what kind each is, (B, T)."""
        pieces = [[self.piece(int(one)) for one in row] for row in ids]
        style = self.style([piece for row in pieces for piece in row])
        begins = np.array([[style.begins(piece) for piece in row] for row in pieces], bool)
        parts = [[style.part(piece) for piece in row] for row in pieces]
        return Tokens.of(texts, pieces, kinds, begins.reshape(ids.shape), parts)

    def _cut(self, texts: Sequence[str], kinds: Array) -> list[str]:
        """Which texts are longer than the model's limit."""
        found = []
        for i, text in enumerate(texts):
            if (kinds[i] == PADDING).any():  # there was room left
                continue
            whole, kept = self.length(text), int((kinds[i] == WORD).sum())
            if whole is not None and whole > kept:
                found.append(
                    f"texts[{i}] has {whole} tokens and was cut to the first {kept}, the most "
                    "that the model's preprocessing takes."
                )
        return found

    def _unknown(self, texts: Sequence[str], ids: Array, kinds: Array) -> list[str]:
        """Which texts hold no word that the model knows."""
        unknown, found = self.unknown_id(), []
        for i, text in enumerate(texts):
            own = ids[i][kinds[i] == WORD]
            if unknown is not None and len(own) and (own == unknown).all():
                found.append(
                    f"texts[{i}] ({_short(text)}) holds no word of the model's vocabulary: the "
                    "model answers every such text of its length alike."
                )
        return found


def ids_among(inputs: Mapping[str, Array]) -> str:
    """The name of the input that holds the ids of tokens.

    Raises:
        InvalidInputError: There is none, or it is no (B, T) of integers.
    """
    named = [name for name in IDS if name in inputs]
    others = [name for name in inputs if not any(part in name for part in _BESIDE)]
    if not named and len(others) != 1:
        raise InvalidInputError(
            f"The tokenizer returns {sorted(inputs)}, and one of {', '.join(IDS)} was expected "
            "for the ids of tokens. Rename the ids."
        )
    name = (named or others)[0]
    shapes = {key: np.shape(array) for key, array in inputs.items()}
    if (
        inputs[name].dtype.kind not in "iu"
        or len({*shapes.values()}) > 1
        or inputs[name].ndim != 2
    ):
        raise InvalidInputError(
            f"The tokenizer returns {name!r} of type {inputs[name].dtype} and shapes {shapes}, "
            "and integers (B, T) were expected, all arrays alike."
        )
    return name


def check_texts(texts: Sequence[str]) -> None:
    """Raises `InvalidInputError` where there is no text, or an empty one."""
    if not len(texts):
        raise InvalidInputError("The batch is empty. Pass at least one text.")
    for i, text in enumerate(texts):
        if not text.strip():
            raise InvalidInputError(
                f"texts[{i}] is empty, and there is nothing in it to explain. Pass a text with at "
                "least one word."
            )


def _check_any(texts: Sequence[str], kinds: Array) -> None:
    for i, text in enumerate(texts):
        if not (kinds[i] == WORD).any():
            raise InvalidInputError(
                f"texts[{i}] ({_short(text)}) has no token: the tokenizer drops all of it. Pass a "
                "text with at least one word."
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:39]}…")
