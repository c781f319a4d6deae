"""Random logit: do maps change when another class is explained?"""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import model_structure
from tfxai.core.options import SEEDS, option
from tfxai.errors import InvalidInputError
from tfxai.sanity.base import Asked, Curves, SanityCheck


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class RandomLogit(SanityCheck):
    """Explains another class, drawn at random for each example, and compares the maps.

    Args:
        threshold: Mean rank correlation that a method has to stay below to pass, in (0, 1). It is
            higher than in other checks, since classes share what the layers before the last see.
        seed: Seed of the draws.

    Returns:
        `SanityResult` with one step.

    Raises:
        InvalidInputError: The score is not of one of at least two outputs.

    Reference:
        Sixt, Granz, Landgraf, "When Explanations Lie", ICML 2020, section 4. arXiv:1912.09818.
        Departures: rank correlation decides, with SSIM beside it; a threshold and a verdict.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs * 2.0)  # each class sees a feature of its own
        >>> RandomLogit()(model, np.ones((1, 2), "float32"), tfxai.Saliency()).spearman
        array([[-1.]])
    """

    name: ClassVar[str] = "random_logit"
    threshold: float = option(0.75, above=0, below=1)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _compare(self, asked: Asked) -> tuple[Curves, list[str]]:
        target = asked.target
        layout, _ = read_inputs(asked.subject.model, asked.subject.prepare(asked.inputs))
        outputs = model_structure(asked.subject.model, layout).outputs
        count = outputs[0][-1] if len(outputs) == 1 and len(outputs[0]) == 1 else None
        if target is None or target.ndim > 1 or count is None or count < 2:
            raise InvalidInputError(
                f"{self.name} explains another class, and the score that came is not of one of "
                "several outputs (B, N). Pass a classifier with two outputs or more, and no score "
                "that chooses for itself."
            )
        rng = np.random.default_rng(self.seed)
        other = (target + rng.integers(1, count, len(target))) % count
        curves = Curves(asked.attribution)
        curves.add(asked.explained(target=other.astype(np.int32)))
        return curves, ["another class"]
