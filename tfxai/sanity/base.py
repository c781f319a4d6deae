"""What every sanity check is: a frozen record of options, and one call for all of them."""

from __future__ import annotations

import abc
import dataclasses
import warnings
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.core.inputs.frozen_arrays import listed
from tfxai.core.model.functions import is_function
from tfxai.core.options import Declared, option
from tfxai.errors import InvalidInputError, TfxaiWarning, UnsupportedModelError
from tfxai.methods.base import AttributionMethod, plain
from tfxai.metrics.base import OF_TARGET
from tfxai.progress import Report, shown
from tfxai.sanity import similarity
from tfxai.sanity.result import NUMBERS, SanityResult
from tfxai.subject import Subject

THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """What a check is asked about.

    Args:
        subject: The model.
        inputs: The batch, as the user passed it.
        attribution: What the method says of the model itself.
        method: The method that is checked.
        question: `score`, `at` and `chunk_size`, to pass on.
        shuffled: A model that was trained on shuffled labels, or None.
        progress: As for a method.
    """

    subject: Subject
    inputs: Any
    attribution: Attribution
    method: AttributionMethod
    question: dict[str, Any]
    shuffled: Any
    progress: Any

    @property
    def target(self) -> Array | None:
        """What was explained of each example, or None where the score says it."""
        is_of_one = self.attribution.score_name in OF_TARGET
        return self.attribution.target if is_of_one else None

    def explained(self, model: Any = None, target: Any = None) -> Attribution:
        """The same question put to another model, or about other targets."""
        with warnings.catch_warnings():  # what they say is of no model that anybody uses
            warnings.simplefilter("ignore", TfxaiWarning)
            return self.method(
                self.subject if model is None else model,
                self.inputs,
                self.target if target is None else target,
                progress=False,
                **self.question,
            )

    def reporting(self, what: str, total: int) -> Any:
        """A display of `total` steps."""
        return shown(self.progress, what, total)


class Curves:
    """Similarities to the maps of the model itself, gathered step by step."""

    def __init__(self, first: Attribution) -> None:
        self._first = similarity.maps(first)
        self._found: dict[str, list[Array]] = {name: [] for name in NUMBERS}

    def add(self, other: Attribution) -> None:
        """One more step."""
        one = similarity.maps(other)
        for name in NUMBERS:
            self._found[name].append(getattr(similarity, name)(self._first, one))

    def stacked(self) -> dict[str, Array]:
        """(B, K) by name."""
        return {name: np.stack(values, axis=1) for name, values in self._found.items()}


@dataclasses.dataclass(frozen=True, kw_only=True)
class SanityCheck(Declared, abc.ABC):
    """Base of all sanity checks. Options are fields; `_compare` reads like the paper.

    Args:
        threshold: Mean rank correlation that a method has to stay below to pass, in (0, 1).
    """

    name: ClassVar[str]
    threshold: float = option(THRESHOLD, above=0, below=1)

    @abc.abstractmethod
    def _compare(self, asked: Asked) -> tuple[Curves, list[str]]:
        """The similarities after each step, and what each step changed."""

    @property
    def has_verdict(self) -> bool:
        """Whether the steps together say whether a method passes."""
        return True

    def __call__(  # noqa: PLR0913 - as that of a method, with a model to compare with
        self,
        model: Any,
        inputs: Any,
        method: AttributionMethod,
        target: Any = None,
        *,
        score: Any = None,
        at: str | None = None,
        shuffled: Any = None,
        chunk_size: int | str = "auto",
        progress: bool | Report | None = None,
    ) -> SanityResult:
        """Checks whether the maps of a method follow the model.

        Args:
            model: A built Keras 3 model or a `Subject`; it is left as it is.
            inputs: A batch (B, ...), or a list or dict of batches, as for a method. Two examples
                or more give an interval.
            method: The method that is checked.
            target: As for a method; None is the class that the model predicts. The same output is
                explained at every step.
            score: As for a method.
            at: As for a method.
            shuffled: A model trained on shuffled labels; for `DataRandomisation` alone.
            chunk_size: As for a method.
            progress: As for a method; a function is called with (steps done, steps).

        Raises:
            InvalidInputError: An argument does not fit; the sentence says how.
            UnsupportedModelError: The model cannot be copied, or is a function.
            TfxaiError: As for a method.
        """
        if not isinstance(method, AttributionMethod):
            raise InvalidInputError(
                f"method={method!r} was expected to be a method such as tfxai.Saliency(), since "
                "a check explains anew."
            )
        if is_function(model):
            raise UnsupportedModelError(
                f"{self.name} needs a Keras model, and a function came. Pass the model itself."
            )
        subject = Subject.of(model)
        question = {"score": score, "at": at, "chunk_size": chunk_size}
        first = method(subject, inputs, target, progress=False, **question)
        asked = Asked(subject, inputs, first, method, question, shuffled, progress)
        curves, steps = self._compare(asked)
        return SanityResult(
            **curves.stacked(),
            steps=tuple(steps),
            check=self.to_config(),
            method=listed(first.method),
            threshold=self.threshold,
            has_verdict=self.has_verdict,
        )

    def to_config(self) -> dict[str, Any]:
        """Name and options as JSON takes them."""
        options = {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {"name": self.name, "options": options}
