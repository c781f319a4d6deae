"""Attention rollout: the product of the attention of all layers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.forward import Attention
from tfxai.methods.attention.base import Rollout


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class AttentionRollout(Rollout):
    """Follows attention from the token that is read down to the tokens of the input.

    Each layer hands on half of a token by its residual connection and half by its attention, the
    mean over heads. It says where a model looks, whatever it makes of that: the target does not
    matter.

    Args:
        row: The token whose row is the answer, negative from the end. None is the mean over the
            tokens that the score rests on behind the last attention: the class token alone, or
            all that are pooled.
        reshape: (h, w), the grid of the patches of an image; None follows the image through the
            model and takes it from there. Tokens before them, such as a class token, have no
            place in it.

    Returns:
        `Attribution` with values (B, T), shares of the tokens that add up to 1; for images
        (B, h, w), those of the patches. Non-negative.

    Raises:
        UnsupportedModelError: The model has no attention that can be seen, or its layers look at
            different tokens.
        InvalidInputError: There is no such row, or the grid does not fit.

    Reference:
        Abnar, Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, section 3.
        arXiv:2005.00928. Departure: the row is that of what the score reads.

    Example:
        >>> import keras, numpy as np
        >>> x = keras.Input((2, 3))
        >>> h = keras.layers.MultiHeadAttention(1, 3)(x, x)
        >>> model = keras.Model(x, keras.layers.Dense(1)(h[:, 0]))
        >>> AttentionRollout()(model, np.ones((1, 2, 3))).values  # 1/2 by itself, 1/2 shared
        array([[0.75, 0.25]], dtype=float32)
    """

    name: ClassVar[str] = "attention_rollout"

    def _step(self, one: Attention, weights: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        mean = tf.reduce_mean(weights, axis=1)
        return 0.5 * tf.matmul(mean, before) + 0.5 * before
