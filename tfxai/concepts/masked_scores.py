"""What becomes of a score where some concepts are taken out of a layer, as a method."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import tensorflow as tf

from tfxai.concepts.coefficients import coefficients
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.options import Kind, declaration
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import PATH

_ARRAY = Kind("an array", lambda name, given: FrozenArray.of(name, given, "Pass an array."))


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskedScores(AttributionMethod, is_named=False):
    """The score at the activations that are made again of a share of each concept.

    The activations A at each position become (u(A) * m) W for each mask m.

    Args:
        layer: Path of the layer.
        bank: W, (M, K) concepts.
        masks: (V, M) in [0, 1]: how much of each concept each variant keeps.

    Returns:
        `Attribution` with values (B, V), the score of each variant.
    """

    name: ClassVar[str] = "masked_concept_scores"
    is_map: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))
    bank: FrozenArray = dataclasses.field(metadata=declaration(kind=_ARRAY))
    masks: FrozenArray = dataclasses.field(metadata=declaration(kind=_ARRAY))

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        behind, activations = f.behind(self.layer, x)
        found = tf.cast(coefficients(activations, self.bank.array), activations.dtype)
        bank = tf.constant(self.bank.array, activations.dtype)
        masks = tf.constant(self.masks.array, activations.dtype)
        per_row = [-1, *[1] * (activations.shape.rank - 2), self.bank.array.shape[0]]

        def masked(f: Score, found: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            kept = found * tf.reshape(tf.gather(masks, k), per_row)
            return f(tf.tensordot(kept, bank, 1))

        return behind.scores_of_copies(masked, len(self.masks.array), found)
