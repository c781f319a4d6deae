"""A prompt and its continuation as a language model takes them, and what it says of them."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.text.encoders import Encoded
from tfxai.text.keras_hub import KerasHubEncoder, is_causal_lm
from tfxai.text.networks import Around
from tfxai.tokens import PADDING, SPECIAL, WORD

NUMBERS = "output_numbers"
"""Input of `Continuation` beside those of the model."""
_IDS, _MASK = "token_ids", "padding_mask"


class Continuation(Around):
    """A language model, as one of how likely it continues a prompt as it is continued.

    It takes a dict: the model's own inputs, and `output_numbers`, (B, T) int32: n at the n-th
    token of the continuation, 0 elsewhere. It returns (B, 1 + N): the sum of what follows, and
    of each token of the continuation its log-probability (natural logarithm) or its logit behind
    all tokens before it; 0 for those that are not there.

    Args:
        model: From ids and a mask to logits (B, T, V).
        count: N, the most tokens of a continuation.
        gives: `"log_probability"` or `"logit"`.
    """

    def __init__(self, model: keras.Model, count: int, gives: str) -> None:
        super().__init__(model)
        self._count, self._gives = count, gives

    def call(self, inputs: Any, training: bool = False) -> Any:
        """What the model says of each token of the continuation, and the sum of it."""
        given = dict(inputs)
        numbers, ids = given.pop(NUMBERS), given[_IDS]
        logits = self.model(given, training=False)
        logits = tf.cast(logits, tf.float64 if logits.dtype == tf.float64 else tf.float32)
        is_it = tf.equal(numbers[:, None, :], tf.range(1, self._count + 1)[None, :, None])
        is_there = tf.reduce_any(is_it, axis=2)  # (B, N)
        place = tf.argmax(tf.cast(is_it, tf.int32), axis=2, output_type=tf.int32)
        own = tf.gather(ids, place, batch_dims=1)
        before = tf.gather(logits, tf.maximum(place - 1, 0), batch_dims=1)  # (B, N, V)
        if self._gives == "log_probability":
            before = tf.nn.log_softmax(before)
        said = tf.gather(before, own[:, :, None], batch_dims=2)[:, :, 0]
        said = tf.where(is_there, said, tf.zeros_like(said))
        return tf.concat([tf.reduce_sum(said, axis=1, keepdims=True), said], axis=1)


@dataclasses.dataclass(frozen=True)
class Language:
    """A causal language model of KerasHub, with what turns texts into ids and back.

    Args:
        model: The model.
        encoder: Its preprocessor.
    """

    model: Any
    encoder: KerasHubEncoder

    @classmethod
    def of(cls, model: keras.Model, encoder: Any) -> Language:
        """The model, checked.

        Raises:
            UnsupportedModelError: It is none of KerasHub's `CausalLM` with a prompt alone.
        """
        kind = type(model).__name__
        if not is_causal_lm(model):
            raise UnsupportedModelError(
                f"The model is a {kind}, and a CausalLM of KerasHub was expected, whose outputs "
                "are the next tokens. Explain other models with a method: method(model, inputs)."
            )
        names = sorted(one.name for one in model.inputs)
        if names != sorted((_IDS, _MASK)):
            raise UnsupportedModelError(
                f"The {kind} takes {', '.join(names)}, and a model of a prompt alone was "
                f"expected, with {_IDS} and {_MASK}. Pass a CausalLM that reads nothing else."
            )
        if not isinstance(encoder, KerasHubEncoder):
            raise UnsupportedModelError(
                f"The {kind} has no preprocessor, so there is nothing to make tokens of a text. "
                "Pass tfxai.Subject(model, tokenizer=preprocessor) with its preprocessor."
            )
        return cls(model, encoder)

    @property
    def limit(self) -> int:
        """Most tokens of a prompt and its continuation."""
        preprocessor = self.encoder.preprocessor
        sizes = [
            getattr(preprocessor, "sequence_length", None),
            getattr(self.model.backbone, "max_sequence_length", None),
        ]
        return int(min(size for size in sizes if size))

    @property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a text."""
        tokenizer = self.encoder.preprocessor.tokenizer
        found = [getattr(tokenizer, name, None) for name in ("end_token_id", "end_token2_id")]
        return frozenset(int(one) for one in found if one is not None)

    def prompt_ids(self, prompt: Any) -> list[int]:
        """Ids of a prompt, the start token among them where the tokenizer has one.

        Raises:
            InvalidInputError: It is no text, or there is nothing in it.
        """
        own = self._ids("prompt", prompt)
        if not set(own) - self.encoder.special_ids():
            raise InvalidInputError(
                f"The prompt {prompt!r} has no token but special ones, which are not explained. "
                "Pass a text of at least one word."
            )
        start = getattr(self.encoder.preprocessor.tokenizer, "start_token_id", None)
        return own if start is None else [int(start), *own]

    def continuation_ids(self, continuation: Any) -> list[int]:
        """Ids of a continuation.

        Raises:
            InvalidInputError: It is no text, or there is nothing in it.
        """
        return self._ids("continuation", continuation)

    def _ids(self, what: str, text: Any) -> list[int]:
        if not isinstance(text, str):
            raise InvalidInputError(
                f"{what}={text!r} is a {type(text).__name__}, and one text was expected. Pass a "
                "str."
            )
        ids = self.encoder.ids(text) if text else []
        if not ids:
            advice = "Pass a text of at least one token" + (
                ", or None for what the model would go on with." if what == "continuation" else "."
            )
            raise InvalidInputError(f"The {what} {text!r} has no token. {advice}")
        return ids

    def check_length(self, prompt: list[int], count: int) -> None:
        """Raises `InvalidInputError` where prompt and continuation are more than the model takes.

        Args:
            prompt: Ids of the prompt.
            count: Tokens of the continuation.
        """
        if len(prompt) + count > self.limit:
            raise InvalidInputError(
                f"The prompt has {len(prompt)} tokens and the continuation {count}, and the model "
                f"takes {self.limit} in all. Shorten one of them, or raise sequence_length of the "
                "preprocessor where the model allows it."
            )

    def inputs(self, ids: list[int], room: int) -> dict[str, Array]:
        """What the model takes, (1, T) each.

        Args:
            ids: Ids of tokens.
            room: T, filled up to.
        """
        filled = np.full((1, room), self.encoder.pad_id, np.int32)
        filled[0, : len(ids)] = ids
        return {_IDS: filled, _MASK: (np.arange(room) < len(ids)).astype(np.int32)[None]}

    def encoded(self, prompt: list[int], continuation: list[int], room: int, rows: int) -> Encoded:
        """Rows of a prompt and its continuation, in which the prompt's words are to be explained.

        Args:
            prompt: Ids.
            continuation: Ids.
            room: T, filled up to.
            rows: B, all alike.
        """
        count, both = len(prompt), [*prompt, *continuation]
        is_special = np.isin(prompt, sorted(self.encoder.special_ids()))
        kinds = np.full(room, PADDING, np.int8)
        kinds[:count] = np.where(is_special, SPECIAL, WORD)
        kinds[count : len(both)] = SPECIAL  # it is what is explained, and always there
        numbers = np.zeros(room, np.int32)
        numbers[count : len(both)] = np.arange(1, len(continuation) + 1)
        inputs = self.inputs(both, room) | {NUMBERS: numbers[None]}
        text = self.encoder.text(both)
        tokens = self.encoder.tokens([text], inputs[_IDS], kinds[None])
        repeated = {name: np.repeat(array, rows, axis=0) for name, array in inputs.items()}
        return Encoded(repeated, _IDS, _MASK, tokens[np.zeros(rows, int)])
