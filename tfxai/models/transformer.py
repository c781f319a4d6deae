"""Small transformers, of words and of images: tokens, blocks of attention, a mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from tfxai.errors import InvalidInputError
from tfxai.models._parts import check_architecture, normalisation

_STEM = (32, 64)  # filters of the convolutions before the one that makes the tokens
_STRIDE = 4  # of all three


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
        x = _block(x, dim, heads, dropout, f"block{block}", mask=ops.expand_dims(there, 1))
    x = layers.LayerNormalization(name="norm")(x)
    weights = there / ops.maximum(ops.sum(there, axis=1, keepdims=True), 1.0)
    mean = ops.sum(x * ops.expand_dims(weights, -1), axis=1)  # (B, D), without padding
    mean = layers.Dropout(dropout, name="drop_mean")(mean)
    return keras.Model(
        text, layers.Dense(num_classes, name="logits")(mean), name="text_transformer"
    )


def vision_transformer(
    input_shape: tuple[int, int, int] = (32, 32, 3),
    classes: int = 10,
    *,
    dim: int = 64,
    heads: int = 4,
    blocks: int = 3,
    dropout: float = 0.1,
) -> keras.Model:
    """A classifier of images, of layers that Keras brings: its file needs no other code.

    Three convolutions of 3x3, the last two with stride 2, make (H / 4) x (W / 4) tokens of (H, W)
    pixels; each place has a learned vector, which is added; blocks of attention and a dense layer
    follow; the mean of the tokens goes to the last layer. The first layer, `"normalisation"`,
    subtracts CIFAR-10's mean and divides by its standard deviation, so that the model takes images
    in [0, 1].

    Args:
        input_shape: (height, width, channels), height and width multiples of 4 and at least 8.
            With other than 3 channels, mean and standard deviation are 0.5 and 0.25.
        classes: Number of classes, at least 2.
        dim: Numbers of a token.
        heads: Heads of each attention; `dim` is a multiple of it.
        blocks: Blocks of attention and a dense layer.
        dropout: Share of numbers that are dropped in training, in [0, 1).

    Returns:
        An untrained model from images (B, H, W, C) in [0, 1] to probabilities (B, classes).

    Raises:
        InvalidInputError: The shape, the number of classes or another number cannot be used.

    Reference:
        Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, arXiv:2010.11929, with the
        stem of Xiao et al., "Early Convolutions Help Transformers See Better", NeurIPS 2021,
        arXiv:2106.14881. Departures: the mean of the tokens in place of a class token, and dense
        layers that are twice, not four times, as wide as a token.
    """
    check_architecture(input_shape, classes, smallest=2 * _STRIDE)
    if any(size % _STRIDE for size in input_shape[:2]):
        raise InvalidInputError(
            f"input_shape={tuple(input_shape)} was expected to have a height and a width that are "
            f"multiples of {_STRIDE}. Resize the images."
        )
    if min(dim, heads, blocks) < 1 or dim % heads:
        raise InvalidInputError(
            f"dim={dim}, heads={heads} and blocks={blocks} were expected to be 1 or more, and dim "
            "a multiple of heads. Change one of them."
        )
    images = keras.Input(input_shape, name="images")
    x = normalisation(input_shape[-1], "normalisation")(images)
    for number, filters in enumerate((*_STEM, dim)):
        x = layers.Conv2D(
            filters,
            3,
            strides=2 if number else 1,
            padding="same",
            use_bias=False,  # the batch normalisation after it has one
            kernel_initializer="he_normal",
            name=f"stem{number}",
        )(x)
        x = layers.BatchNormalization(name=f"stem{number}_norm")(x)
        x = layers.ReLU(name=f"stem{number}_relu")(x)
    x = layers.Reshape((-1, dim), name="tokens")(x)
    places = ops.cumsum(ops.ones_like(x[..., 0], dtype="int32"), axis=1) - 1
    x = x + layers.Embedding(x.shape[1], dim, name="places")(places)
    for block in range(blocks):
        x = _block(x, dim, heads, dropout, f"block{block}")
    x = layers.LayerNormalization(name="norm")(x)
    mean = layers.GlobalAveragePooling1D(name="mean")(x)
    outputs = layers.Dense(classes, activation="softmax", name="classes")(mean)
    return keras.Model(images, outputs, name="vision_transformer")


def _block(x: Any, dim: int, heads: int, dropout: float, name: str, mask: Any = None) -> Any:
    """Attention and a dense layer, each behind a normalisation and added to what came in."""
    look = layers.MultiHeadAttention(heads, dim // heads, dropout=dropout, name=f"{name}_look")
    normal = layers.LayerNormalization(name=f"{name}_norm")(x)
    seen = look(normal, normal, attention_mask=mask)
    x = x + layers.Dropout(dropout, name=f"{name}_drop")(seen)
    wide = layers.Dense(2 * dim, activation="gelu", name=f"{name}_wide")
    narrow = layers.Dense(dim, name=f"{name}_narrow")
    made = narrow(wide(layers.LayerNormalization(name=f"{name}_dense_norm")(x)))
    return x + layers.Dropout(dropout, name=f"{name}_dense_drop")(made)
