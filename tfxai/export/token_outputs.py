"""The words of texts and their values, among the outputs of an explanation."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from tfxai.export.names import TOKEN_VALUES, TOKENS
from tfxai.methods.prepared import Prepared
from tfxai.text.vectorization import VectorizationEncoder

_UNKNOWN = 1  # id of a word that the vocabulary lacks


@dataclasses.dataclass(frozen=True)
class TokenOutputs:
    """What a signature adds for a model that takes strings.

    Args:
        look_up: The layer that makes ids of words.
        words: The word of each id.
        length: T, None where it is that of the longest text of a batch.
        is_of_layer: Whether values are of a layer with a vector for each word.
    """

    look_up: Any
    words: tuple[str, ...]
    length: int | None
    is_of_layer: bool

    @classmethod
    def of(cls, ready: Prepared) -> TokenOutputs | None:
        """For values at a layer with a vector for each word, and maps of attention; else None.

        It reads the vocabulary, which cannot be done while a function is traced.
        """
        encoder = ready.subject.encoder
        if not isinstance(encoder, VectorizationEncoder) or ready.subject.tokenizer is not None:
            return None
        limit = encoder.layer.get_config()["output_sequence_length"]
        length = None if limit is None else int(limit)
        own = ready.method._options().get("layer")
        layer = own if ready.method.is_of_layer else ready.at or own
        if isinstance(layer, str):
            shape = ready.body.find(layer).shape or ()
            is_embedding = layer == ready.body.token_embedding()
            is_over_words = is_embedding or (length is not None and shape[:-1] == (length,))
        else:
            is_over_words = layer is None and ready.method.is_map
        if not is_over_words:
            return None
        words = tuple(encoder.piece(i) for i in range(encoder.size))
        return cls(encoder.layer, words, length, isinstance(layer, str))

    def record(self) -> dict[str, Any]:
        """What a client needs to know of the words: how many at most, what an unknown one is."""
        return {"limit": self.length, "unknown": self.words[_UNKNOWN]}

    def __call__(self, texts: tf.Tensor, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """`tokens`, (B, T) strings, empty where a text is filled up, and `token_values`, (B, T).

        Args:
            texts: As the model takes them.
            values: (B, T, D), or a map (B, T); of values that are shaped otherwise nothing is
                told.
        """
        is_map = values.shape.rank == 2
        is_of_length = self.length is not None and values.shape[1] == self.length
        if not (is_of_length if is_map else values.shape.rank == 3 and self.is_of_layer):
            return {}
        ids = self.look_up(texts)
        return {
            TOKENS: tf.gather(tf.constant(self.words), ids),
            TOKEN_VALUES: values if is_map else tf.reduce_sum(values, axis=2),
        }
