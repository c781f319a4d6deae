"""Gradient rollout: the attention that speaks for the target, through all layers."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.core.forward import Attention
from tfxai.methods.attention.base import Rollout, by_head


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientRollout(Rollout):
    """Adds up what attention lets through for the target, layer upon layer.

    R starts as the identity. Each layer adds E_h[(dA * A)+] R, the mean over heads of the positive
    part of weights times the score's gradient by them.

    Args:
        row: The token whose row is the answer, negative from the end. None is the mean over the
            tokens that the score rests on behind the last attention: the class token alone, or
            all that are pooled.
        reshape: (h, w), the grid of the patches of an image; None follows the image through the
            model and takes it from there. Tokens before them, such as a class token, have no
            place in it.

    Returns:
        `Attribution` with values (B, T), non-negative, a token's own row counting 1 at itself; for
        images (B, h, w), those of the patches.

    Raises:
        UnsupportedModelError: The model has no attention that can be seen, or its layers look at
            different tokens.
        InvalidInputError: There is no such row, or the grid does not fit.

    Reference:
        Chefer, Gur, Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
        Encoder-Decoder Transformers", ICCV 2021, Eqs. 5-6, for self-attention. arXiv:2103.15679.
        Departure: the row is that of what the score reads.

    Example:
        >>> import keras, numpy as np
        >>> x = keras.Input((2, 1))
        >>> scores = keras.ops.zeros_like(keras.ops.matmul(x, keras.ops.transpose(x, (0, 2, 1))))
        >>> h = keras.ops.matmul(keras.ops.softmax(scores * x), x)
        >>> GradientRollout(row=0)(keras.Model(x, h[:, 0]), np.array([[[2.0], [4.0]]])).values
        array([[2., 2.]], dtype=float32)
    """

    name: ClassVar[str] = "gradient_rollout"

    def _step(self, one: Attention, weights: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        gradient = by_head(dataclasses.replace(one, weights=one.gradient()))
        let_through = tf.reduce_mean(tf.nn.relu(gradient * weights), axis=1)
        return before + tf.matmul(let_through, before)
