"""What every metric is: a frozen record of options, and one call for all of them."""

from __future__ import annotations

import abc
import dataclasses
import warnings
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.frozen_arrays import listed
from tfxai.core.options import Declared
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.base import AttributionMethod, plain
from tfxai.metrics.measurement import Measurement

OF_TARGET = ("logit", "probability", "output")
"""Scores of the output that is the target; others choose for themselves."""


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """What a metric is asked about.

    Args:
        model: The model, subject or function.
        inputs: The batch, as the user passed it.
        attribution: The attribution that is measured.
        method: The method that made it, where it was passed.
        target: What was explained of each example, or None where the score says it.
        regions: What the user marked in each example, or None.
        cost: `chunk_size` and `progress`, to pass on.
        score: The score that perturbed inputs are judged by, or None for the metric's own.
    """

    model: Any
    inputs: Any
    attribution: Attribution
    method: AttributionMethod | None
    target: Array | None
    regions: Any
    cost: dict[str, Any]
    score: Any

    def scores(self, program: AttributionMethod) -> Attribution:
        """What a program of `perturbed.py` finds; its remarks are not about an attribution.

        Raises:
            InvalidInputError: The attribution is of a score that has to be named, or of other
                inputs.
        """
        self.check_target()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TfxaiWarning)
            found = program(self.model, self.inputs, self.target, score=self.score, **self.cost)
        if not np.array_equal(np.asarray(found.inputs), np.asarray(self.attribution.inputs)):
            raise InvalidInputError(
                "The attribution is of other inputs than those that came. Pass the inputs that "
                "were explained."
            )
        return found

    def check_target(self) -> None:
        """Raises `InvalidInputError` where nothing says what was explained."""
        if self.target is None and self.score is None:
            raise InvalidInputError(
                f"The attribution is of {self.attribution.score_name!r}, which no target says. "
                "Pass the same score= as was explained."
            )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metric(Declared, abc.ABC):
    """Base of all metrics. Options are fields; `_measure` reads like the paper."""

    name: ClassVar[str]
    higher_is_better: ClassVar[bool | None]
    """Whether larger values speak for the attribution."""

    takes_texts: ClassVar[bool] = False
    """Whether attributions of texts are measured, by token."""
    needs_method: ClassVar[bool] = False
    """Whether other inputs are explained, so that an attribution alone will not do."""

    @abc.abstractmethod
    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        """(B,) values, and details of each example."""

    def __call__(  # noqa: PLR0913 - as that of a method, with regions
        self,
        model: Any,
        inputs: Any,
        explanation: Attribution | AttributionMethod,
        target: Any = None,
        *,
        regions: Any = None,
        score: Any = None,
        chunk_size: int | str = "auto",
        progress: Any = None,
    ) -> Measurement:
        """Measures the attributions of a batch.

        Args:
            model: As for a method.
            inputs: The batch that was explained, (B, ...).
            explanation: An `Attribution` of it, or the method that is to make one.
            target: As for a method; None is that of the attribution.
            regions: (B, ...) bool over the positions of the input, what the user knows to matter;
                for metrics of localisation alone.
            score: As for a method: what perturbed inputs are judged by. None is the probability.
            chunk_size: As for a method.
            progress: As for a method.

        Raises:
            InvalidInputError: The attribution is not of these inputs, or something is missing.
            TfxaiError: As for a method.
        """
        cost = {"chunk_size": chunk_size, "progress": progress}
        method = explanation if isinstance(explanation, AttributionMethod) else None
        if method is not None:
            one = method(model, inputs, target, **cost)
        elif isinstance(explanation, Attribution):
            one = explanation
        else:
            raise InvalidInputError(
                f"explanation={explanation!r} was expected to be an Attribution, or a method such "
                "as tfxai.Saliency()."
            )
        if one.text is not None and not self.takes_texts:
            raise InvalidInputError(
                f"{self.name} does not measure attributions of texts. Take deletion, insertion or "
                "srg, which leave out one token after the other."
            )
        is_dict = isinstance(one.inputs, dict) and one.text is None
        if not isinstance(one.values, np.ndarray) or is_dict:
            raise InvalidInputError(
                f"{self.name} measures attributions of one input, and this one is of several. "
                "Explain a model with one input."
            )
        if len(one) != len(inputs):
            raise InvalidInputError(
                f"The attribution is of {len(one)} examples, and {len(inputs)} inputs came. Pass "
                "the inputs that were explained."
            )
        chosen = one.target if target is None else target
        has_target = target is not None or one.score_name in OF_TARGET
        asked = Asked(
            model, inputs, one, method, chosen if has_target else None, regions, cost, score
        )
        values, details = self._measure(asked)
        return Measurement(
            np.asarray(values, np.float64),
            self.to_config(),
            listed(one.method),
            self._is_higher_better(),
            details,
        )

    def _is_higher_better(self) -> bool | None:
        """Whether larger values speak for the attribution, with these options."""
        return self.higher_is_better

    def to_config(self) -> dict[str, Any]:
        """Name and options as JSON takes them; arrays as nested lists."""
        options = {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return dict(listed({"name": self.name, "options": options}))
