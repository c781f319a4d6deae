"""Tasks of KerasHub, which bring their preprocessor. KerasHub itself is not imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.text.encoders import Encoder
from tfxai.text.pieces import Style, style_of


def is_task(model: keras.Model) -> bool:
    """Whether a model is a KerasHub task with a preprocessor of texts."""
    is_one = _has_base(model, "keras_hub.src.models.task", "Task")
    return is_one and is_preprocessor(getattr(model, "preprocessor", None))


def is_causal_lm(model: Any) -> bool:
    """Whether a model is a KerasHub task that says which token comes next."""
    return _has_base(model, "keras_hub.src.models.causal_lm", "CausalLM")


def is_preprocessor(one: Any) -> bool:
    """Whether it is a preprocessor of KerasHub with a tokenizer."""
    is_one = _has_base(one, "keras_hub.src.models.preprocessor", "Preprocessor")
    return is_one and getattr(one, "tokenizer", None) is not None


def _has_base(one: Any, module: str, name: str) -> bool:
    return any((base.__module__, base.__name__) == (module, name) for base in type(one).__mro__)


class KerasHubEncoder(Encoder):
    """A preprocessor of KerasHub.

    Args:
        preprocessor: With a `tokenizer`; it fills texts up to its `sequence_length`.
    """

    def __init__(self, preprocessor: Any) -> None:
        self.preprocessor = preprocessor
        self._tokenizer = preprocessor.tokenizer
        self.pad_id = self._id("pad_token_id", 0)
        mask = getattr(self._tokenizer, "mask_token_id", None)
        self.mask_id = None if mask is None else int(mask)

    def inputs(self, texts: Sequence[str]) -> dict[str, Array]:
        """What the preprocessor makes of texts alone."""
        made = self.preprocessor(tf.constant(list(texts)))
        if isinstance(made, tuple):  # with labels and weights, as for training
            made = made[0]
        if not isinstance(made, dict):
            made = {"": made}
        return {name: np.asarray(array) for name, array in made.items()}

    def piece(self, token_id: int) -> str:
        """The token of an id."""
        return str(self._tokenizer.id_to_token(token_id))

    def special_ids(self) -> frozenset[int]:
        """Ids of the tokens that are called special, but for the one of unknown words."""
        found = {int(one) for one in getattr(self._tokenizer, "special_token_ids", None) or ()}
        return frozenset(found - {self.unknown_id()})

    def unknown_id(self) -> int | None:
        """Id of `oov_token`, which WordPiece has."""
        word = getattr(self._tokenizer, "oov_token", None)
        return None if word is None else int(self._tokenizer.token_to_id(word))

    def style(self, pieces: Sequence[str]) -> Style:
        """By the classes of the tokenizer."""
        return style_of([base.__name__ for base in type(self._tokenizer).__mro__], pieces)

    def length(self, text: str) -> int | None:
        """Number of tokens before the preprocessor cuts; known where they are not filled up."""
        if getattr(self._tokenizer, "sequence_length", None) is not None:
            return None
        return len(self._tokenizer(text))

    def ids(self, text: str) -> list[int]:
        """Ids of a text alone, without special tokens and padding."""
        return [int(one) for one in np.asarray(self._tokenizer(text)).ravel()]

    def text(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return str(self._tokenizer.detokenize(np.array(ids, np.int32)))

    def _id(self, name: str, default: int) -> int:
        found = getattr(self._tokenizer, name, None)
        return default if found is None else int(found)
