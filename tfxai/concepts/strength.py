"""How strongly a discovered concept shows, as a score that any method explains."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import tensorflow as tf

from tfxai.concepts.coefficients import coefficients
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.model.head import at_least_float32
from tfxai.core.question.scores import LayerScore
from tfxai.errors import InvalidInputError


@dataclasses.dataclass(frozen=True)
class ConceptStrength(LayerScore):
    """The mean, over the positions of a layer, of the coefficient of one concept.

    Pass it as `score=` of a method that takes gradients or scores, to see where in an image the
    concept is. Its gradient goes through the factorisation: that of the least squares with the
    concepts that are there.

    Args:
        layer: Path of the layer.
        bank: (M, K) numbers of at least 0: each of M concepts among K channels, of length 1.
        number: Which of them, from 0.

    Raises:
        InvalidInputError: There is no such concept, or the bank is none.

    Reference:
        Fel et al., "CRAFT: Concept Recursive Activation FacTorization for Explainability", CVPR
        2023, section 3.4. arXiv:2211.10154. Departure: the concepts themselves are held.
    """

    layer: str
    bank: FrozenArray
    number: int

    def __post_init__(self) -> None:
        bank = FrozenArray.of("bank", self.bank, "Pass that of discovered concepts.")
        object.__setattr__(self, "bank", bank)
        shape = bank.array.shape
        if len(shape) != 2 or (bank.array < 0).any():
            raise InvalidInputError(
                f"bank of shape {shape} was expected to be (M, K) numbers of at least 0. Pass "
                "that of discovered concepts."
            )
        if isinstance(self.number, bool) or self.number not in range(shape[0]):
            raise InvalidInputError(
                f"number={self.number!r} is none of the {shape[0]} concepts. Pass one from 0."
            )

    @property
    def of_channels(self) -> bool:
        """Concepts are made of channels, wherever the layer has them."""
        return True

    def select(self, activations: tf.Tensor) -> tf.Tensor:
        """The mean coefficient, (B,), of (B, ..., K)."""
        found = coefficients(activations, self.bank.array)[..., self.number]
        axes = list(range(1, found.shape.rank))
        return tf.cast(tf.reduce_mean(found, axis=axes), at_least_float32(activations).dtype)

    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """What is explained, for people: `"concept 2 of conv5"`."""
        return f"concept {self.number + 1} of {self.layer}"

    def check(self, shape: tuple[int | None, ...] | None) -> None:
        """Raises `InvalidInputError` unless the layer has as many channels as the bank."""
        channels = self.bank.array.shape[1]
        if not shape or shape[-1] != channels:
            raise InvalidInputError(
                f"The concepts have {channels} channels, and layer {self.layer!r} returns {shape} "
                "an example. Pass the model and the layer in which they were found."
            )
