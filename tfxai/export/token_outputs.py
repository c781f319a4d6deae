"""The words of texts and their values, among the outputs of an explanation."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tfxai.export.names import TOKEN_VALUES, TOKENS
from tfxai.methods.prepared import Prepared
from tfxai.text.vectorization import VectorizationEncoder


@dataclasses.dataclass(frozen=True)
class TokenOutputs:
    """What a signature adds for a model that takes strings.

    Args:
        look_up: The layer that makes ids of words.
        words: The word of each id.
    """

    look_up: Any
    words: tuple[str, ...]

    @classmethod
    def of(cls, ready: Prepared) -> TokenOutputs | None:
        """For a method that explains the vectors of words; None for all else.

        It reads the vocabulary, which cannot be done while a function is traced.
        """
        encoder = ready.subject.encoder
        if not isinstance(encoder, VectorizationEncoder) or ready.subject.tokenizer is not None:
            return None
        if ready.at is None or ready.at != ready.body.token_embedding():
            return None
        return cls(encoder.layer, tuple(encoder.piece(i) for i in range(encoder.size)))

    def __call__(self, texts: tf.Tensor, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """`tokens`, (B, T) strings, empty where a text is filled up, and `token_values`, (B, T).

        Args:
            texts: As the model takes them.
            values: (B, T, D) of the method; of values that are shaped otherwise nothing is told.
        """
        if values.shape.rank != 3:
            return {}
        ids = self.look_up(texts)
        return {
            TOKENS: tf.gather(tf.constant(self.words), ids),
            TOKEN_VALUES: tf.reduce_sum(values, axis=2),
        }
