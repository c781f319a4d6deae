"""Data randomisation: do maps change when the labels that were learned meant nothing?"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.core.options import option
from tfxai.errors import InvalidInputError
from tfxai.sanity.base import THRESHOLD, Asked, Curves, SanityCheck
from tfxai.subject import Subject


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class DataRandomisation(SanityCheck):
    """Compares the maps with those of a model that learned shuffled labels by heart.

    That model, of the same inputs and outputs, comes as `shuffled=` of the call: train it as the
    other one, on labels in a random order, until it knows them.

    Args:
        threshold: Mean rank correlation that a method has to stay below to pass, in (0, 1).

    Returns:
        `SanityResult` with one step.

    Raises:
        InvalidInputError: No `shuffled` came, it answers as the model does, or its outputs are
            others.

    Reference:
        Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 4.
        arXiv:1810.03292. Departure: a threshold and a verdict.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> first, second = (
        ...     keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        ...     for _ in range(2)
        ... )
        >>> first.set_weights([np.array([[2.0], [1.0]])])
        >>> second.set_weights([np.array([[1.0], [2.0]])])
        >>> x = np.array([[1.0, 3.0]], "float32")
        >>> DataRandomisation()(first, x, tfxai.Saliency(), shuffled=second).spearman
        array([[-1.]])
    """

    name: ClassVar[str] = "data_randomisation"
    threshold: float = option(THRESHOLD, above=0, below=1)

    def _compare(self, asked: Asked) -> tuple[Curves, list[str]]:
        if asked.shuffled is None:
            raise InvalidInputError(
                f"{self.name} compares with a model that was trained on shuffled labels, and none "
                "came. Pass it as shuffled=."
            )
        other = Subject.of(asked.shuffled)
        if other.card is None:
            other = dataclasses.replace(other, card=asked.subject.card)
        ours, theirs = (one.predict(asked.inputs) for one in (asked.subject, other))
        if ours.shape != theirs.shape or np.array_equal(ours, theirs):
            what = (
                "gives the very answers of the model itself"
                if ours.shape == theirs.shape
                else f"has outputs of shape {theirs.shape}, and the model {ours.shape}"
            )
            raise InvalidInputError(
                f"The model that came as shuffled= {what}. Pass one with the same inputs and "
                "outputs that was trained on shuffled labels."
            )
        curves = Curves(asked.attribution)
        curves.add(asked.explained(other))
        return curves, ["shuffled labels"]
