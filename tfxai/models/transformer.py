"""A small transformer that takes strings: words looked up, blocks of attention, a mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


def text_transformer(
    vocabulary: Sequence[str],
    num_classes: int,
    *,
    length: int = 48,
    dim: int = 64,
    heads: int = 4,
    blocks: int = 1,
    dropout: float = 0.4,
) -> keras.Model:
    """A classifier of texts, of layers that Keras brings: its file needs no other code.

    Words are cut at spaces, in lower case and without punctuation. Padding is masked in every
    attention and left out of the mean before the last layer.

    Args:
        vocabulary: The words that have a vector of their own; all others share one.
        num_classes: Number of classes, 2 or more.
        length: Words that are read of a text.
        dim: Numbers of a word's vector.
        heads: Heads of each attention; `dim` is a multiple of it.
        blocks: Blocks of attention and a dense layer.
        dropout: Share of numbers that are dropped in training, in [0, 1).

    Returns:
        An untrained model from strings (B, 1) to logits (B, num_classes).
    """
    text = keras.Input((1,), dtype="string", name="text")
    look_up = layers.TextVectorization(
        vocabulary=list(vocabulary), output_sequence_length=length, name="look_up"
    )
    ids = look_up(text)
    x = layers.Embedding(len(vocabulary) + 2, dim, name="words")(ids)
    there = ops.cast(ops.not_equal(ids, 0), "float32")  # (B, T)
    places = ops.cumsum(ops.ones_like(ids), axis=1) - 1
    x = x + layers.Embedding(length, dim, name="places")(places)
    x = layers.Dropout(dropout, name="drop_words")(x)
    for block in range(blocks):
        x = _block(x, there, dim, heads, dropout, f"block{block}")
    x = layers.LayerNormalization(name="norm")(x)
    weights = there / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)
    mean = ops.sum(x * ops.expand_dims(weights, -1), axis=1)  # (B, D), without padding
    mean = layers.Dropout(dropout, name="drop_mean")(mean)
    return keras.Model(
        text, layers.Dense(num_classes, name="logits")(mean), name="text_transformer"
    )


def _block(x: Any, there: Any, dim: int, heads: int, dropout: float, name: str) -> Any:
    """Attention and a dense layer, each behind a normalisation and added to what came in."""
    look = layers.MultiHeadAttention(heads, dim // heads, dropout=dropout, name=f"{name}_look")
    normal = layers.LayerNormalization(name=f"{name}_norm")(x)
    seen = look(normal, normal, attention_mask=ops.expand_dims(there, 1))
    x = x + layers.Dropout(dropout, name=f"{name}_drop")(seen)
    wide = layers.Dense(2 * dim, activation="gelu", name=f"{name}_wide")
    narrow = layers.Dense(dim, name=f"{name}_narrow")
    made = narrow(wide(layers.LayerNormalization(name=f"{name}_dense_norm")(x)))
    return x + layers.Dropout(dropout, name=f"{name}_dense_drop")(made)
