"""Parameter randomisation: do maps change when the weights of the model are thrown away?"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np

from tfxai.core.inputs.reading import read_inputs
from tfxai.core.options import SEEDS, option
from tfxai.errors import NotFiniteError
from tfxai.model_copies import copy_of
from tfxai.sanity.base import THRESHOLD, Asked, Curves, SanityCheck
from tfxai.sanity.depth import Weighted, top_down


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ParameterRandomisation(SanityCheck):
    """Re-initialises layers of a copy by their own initialisers, and compares the maps.

    Maps that stay alike say more about the image than about the model. The user's model is left
    as it is.

    Args:
        order: `"cascading"`: from the output down, each layer on top of the ones before it;
            `"independent"`: one layer at a time, the others as they were trained.
        most_steps: Most points of the curve, at least 1: layers next to each other are then
            re-initialised together. None takes every layer by itself.
        threshold: Mean rank correlation over steps and examples that a method has to stay below to
            pass, in (0, 1).
        seed: Seed of the initialisers, whatever seed they have of their own.

    Returns:
        `SanityResult` with a step for each layer or group of layers that has weights, the one
        next to the output first. Its verdict is about the mean over the steps: a method that
        follows the model changes its maps with the first layers already, and one that does not may
        still change them with the last. One layer at a time has no verdict.

    Raises:
        UnsupportedModelError: A layer cannot be made again from its config.
        InvalidInputError: No layer has weights that its initialisers change.
        NotFiniteError: The maps of a copy are NaN or infinite; the sentence names the step.

    Reference:
        Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, section 3.
        arXiv:1810.03292. The rise of the entropy: Hedström et al., "Sanity Checks Revisited",
        2023, the efficient test. arXiv:2401.06465. Departures: a threshold and a verdict; the
        histogram of the entropy has 100 bins; SSIM is of magnitudes, the maximum of each scaled
        to 1.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2, name="head")])
        >>> x = np.random.default_rng(0).normal(size=(4, 8)).astype("float32")
        >>> ParameterRandomisation(seed=1)(model, x, tfxai.Saliency()).steps
        ('head',)
    """

    name: ClassVar[str] = "parameter_randomisation"
    order: str = option("cascading", choices=("cascading", "independent"))
    most_steps: int | None = option(None, kind=int, at_least=1)
    threshold: float = option(THRESHOLD, above=0, below=1)
    seed: int = option(0, at_least=0, below=SEEDS)

    @property
    def has_verdict(self) -> bool:
        """Whether the steps together say whether a method passes."""
        return self.order == "cascading"

    def _compare(self, asked: Asked) -> tuple[Curves, list[str]]:
        model = asked.subject.model
        layout, leaves = read_inputs(model, asked.subject.prepare(asked.inputs))
        copy = copy_of(model, layout, leaves, self.seed)
        groups = _grouped(top_down(copy, layout), self.most_steps)
        subject = dataclasses.replace(asked.subject, model=copy.model)
        curves = Curves(asked.attribution)
        with asked.reporting(self.name, len(groups)) as report:
            for done, group in enumerate(groups):
                variables = [one for layer in group for one in layer.variables]
                for one in variables:
                    one.assign(copy.fresh[id(one)])
                try:
                    curves.add(asked.explained(subject))
                except NotFiniteError as error:
                    raise NotFiniteError(
                        f"With {_label(group)} re-initialised in a copy: {error}", error.example
                    ) from error
                if self.order == "independent":
                    for one in variables:
                        one.assign(copy.trained[id(one)])
                report(done + 1, len(groups))
        return curves, [_label(group) for group in groups]


def _grouped(layers: Sequence[Weighted], most: int | None) -> list[list[Weighted]]:
    """The layers in their order, in at most that many groups of about equal size."""
    count = len(layers) if most is None else min(most, len(layers))
    ends = np.rint(np.linspace(0, len(layers), count + 1)).astype(int)
    return [list(layers[a:b]) for a, b in itertools.pairwise(ends)]


def _label(group: Sequence[Weighted]) -> str:
    first, last = group[0].path, group[-1].path
    return first if len(group) == 1 else f"{first} ... {last}"
