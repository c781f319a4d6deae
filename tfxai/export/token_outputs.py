"""The words of texts and their values, among the outputs of an explanation."""

from __future__ import annotations

import tensorflow as tf

from tfxai.export.names import TOKEN_VALUES, TOKENS
from tfxai.methods.prepared import Prepared
from tfxai.text.vectorization import VectorizationEncoder


def token_outputs(
    ready: Prepared, leaves: list[tf.Tensor], values: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Of a model that takes strings and is explained at the vectors of its words.

    Args:
        ready: The method, fitted to the model.
        leaves: The inputs of the model.
        values: What the method gives for the layer.

    Returns:
        `tokens`, (B, T) strings, empty where a text is filled up; `token_values`, (B, T), the
        values summed over the vectors. Nothing for other models, layers and values.
    """
    encoder = ready.subject.encoder
    if not isinstance(encoder, VectorizationEncoder) or ready.subject.tokenizer is not None:
        return {}
    if ready.at is None or ready.at != ready.body.token_embedding():
        return {}
    if len(leaves) != 1 or leaves[0].dtype != tf.string or values.shape.rank != 3:
        return {}
    ids = encoder.layer(leaves[0])
    words = tf.constant([encoder.piece(i) for i in range(encoder.size)])
    made = {TOKENS: tf.gather(words, ids), TOKEN_VALUES: tf.reduce_sum(values, axis=2)}
    return made if values.shape[1] in (None, ids.shape[1]) else {}
