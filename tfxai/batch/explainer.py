"""One batch of a data set in, its explanations out: what every engine calls."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.registry import load
from tfxai.subject import Subject

_LOADING = threading.Lock()


@final
@dataclasses.dataclass(frozen=True)
class Explainer:
    """Explains batches of one model, as a loop, Ray Data's `map_batches` or Spark call it.

    It holds no model, only how to get one, so that it can be pickled. Each process loads the
    model once and shares it between its threads and explainers; a file that is replaced later is
    not read again.

    Args:
        model: Name or path of a model, as for `tfxai.load`.
        methods: Records of the methods to run, such as `(tfxai.GradCAM(),)`, no two of one name.
        column: The column of a batch that holds the model's input, (B, ...).
        target: None for the predicted class, an index or a class name, for every example.
        target_column: The column with one class index per example, (B,), instead of `target`.

    Raises:
        InvalidInputError: An argument is none of these.
    """

    model: str
    methods: tuple[AttributionMethod, ...]
    column: str = "inputs"
    target: int | str | None = None
    target_column: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.model, str | os.PathLike):
            raise InvalidInputError(
                f"model is a {type(self.model).__name__}, and each process loads its own. "
                "Save the model and pass its name or path."
            )
        object.__setattr__(self, "model", os.fspath(self.model))
        given = self.methods
        several = (given,) if isinstance(given, AttributionMethod) else tuple(given)
        object.__setattr__(self, "methods", several)
        _check_methods(several)
        if self.target is not None and self.target_column is not None:
            raise InvalidInputError(
                f"target={self.target!r} and target_column={self.target_column!r} were both "
                "given. Pass one of them."
            )

    def setup(self) -> None:
        """Loads the model, unless this process has it. A call does so where it has to.

        Raises:
            TfxaiError: As `tfxai.load`.
        """
        _subject(self.model)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Array]:
        """The explanations of one batch, equal to those of the methods called in process.

        Args:
            batch: Arrays by column, each (B, ...), with `column` among them.

        Returns:
            All columns of the batch but the input, and for each method `NAME/values`, (B, ...),
            raw, `NAME/target`, (B,) or (B, r), `NAME/score`, (B,), and `NAME/completeness_gap`,
            (B,), where the method has one.

        Raises:
            InvalidInputError: A column is missing or has a name that an answer takes, or the
                model has several inputs.
            TfxaiError: As a call of the method.
        """
        inputs = self._read(batch, self.column)
        target = self.target
        if self.target_column is not None:
            target = self._read(batch, self.target_column)
        answers: dict[str, Array] = {}
        for method in self.methods:
            answer = method(_subject(self.model), inputs, target, progress=False)
            answers |= _columns(method.name, answer)
        if taken := sorted(batch.keys() & answers.keys()):
            raise InvalidInputError(
                f"The batch has a column {taken[0]!r}, and so have the answers. Rename the column."
            )
        kept = {name: np.asarray(batch[name]) for name in batch if name != self.column}
        return kept | answers

    def _read(self, batch: Mapping[str, Any], name: str) -> Any:
        if name not in batch:
            raise InvalidInputError(
                f"The batch has no column {name!r}, only {', '.join(map(repr, batch)) or 'none'}. "
                "Name the column in Explainer(column=..., target_column=...)."
            )
        return batch[name]


def _check_methods(methods: tuple[Any, ...]) -> None:
    if not methods:
        raise InvalidInputError("methods is empty. Pass one method or more.")
    for method in methods:
        if not isinstance(method, AttributionMethod):
            raise InvalidInputError(
                f"methods holds {method!r}, which is no method. Pass records such as "
                "tfxai.GradCAM()."
            )
    names = [method.name for method in methods]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidInputError(
            f"methods holds {twice[0]!r} twice, and its columns would have one name. "
            "Use an Explainer for each."
        )


def _subject(model: str) -> Subject:
    with _LOADING:
        return _load_once(model)


@functools.cache
def _load_once(model: str) -> Subject:
    return load(model)


def _columns(name: str, answer: Attribution) -> dict[str, Array]:
    if not isinstance(answer.values, np.ndarray):
        raise InvalidInputError(
            "The model has several inputs, and a batch has one column of them. "
            "Call the method in process."
        )
    columns = {"values": answer.values, "target": answer.target, "score": answer.score}
    if answer.completeness_gap is not None:
        columns["completeness_gap"] = answer.completeness_gap
    return {f"{name}/{key}": np.asarray(column) for key, column in columns.items()}
