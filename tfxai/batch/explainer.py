"""One batch of a data set in, its explanations out: what every engine calls."""

from __future__ import annotations

import dataclasses
import functools
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.batch.columns import check_batch, check_targets, merged, ragged, read_column
from tfxai.batch.inputs import batch_as_pixels
from tfxai.card import Card
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.together import explain
from tfxai.registry import load
from tfxai.registry.own_objects import own_objects
from tfxai.subject import Subject
from tfxai.token_values import has_token_values, token_values
from tfxai.tokens import PADDING

if TYPE_CHECKING:
    from tfxai.core.question.scores import ScoreKind

_LOADING = threading.Lock()
_NUMBERS = ("target", "score", "baseline_score", "completeness_gap", "probability", "prediction")


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
        column: The column of a batch that holds the model's input, (B, ...): arrays, or texts
            for a model that takes texts. Images of integers from 0 to 255 are taken for pixels as
            uint8 is, where the card says how these become the input. Several names are columns
            of numbers, (B,), that are one input side by side, or each the input of its name where
            the model has several.
        target: None for the predicted class, an index or a class name, for every example.
        target_column: The column with one class index per example, (B,), instead of `target`.
        score: What is explained, as for a method; None is each method's own.
        at: Path of a layer whose activations are explained in the place of the input.
        preprocessing: How uint8 pixels become the model's input; None is what its card says.
        chunk_size: Most examples that a method runs at once, as for a method.
        trust: Whether to load the model whatever its scan finds, as for `tfxai.load`.
        modules: Name of a module with classes and functions that the model uses, or several; each
            process imports them, which runs their code.
        classes: Names of the classes in the order of the model's outputs; None for the card's.

    Raises:
        InvalidInputError: An argument is none of these.
    """

    model: str
    methods: tuple[AttributionMethod, ...]
    column: str | tuple[str, ...] = "inputs"
    target: int | str | None = None
    target_column: str | None = None
    score: ScoreKind | None = None
    at: str | None = None
    preprocessing: Preprocessing | None = None
    chunk_size: int | str = "auto"
    trust: bool = False
    modules: str | tuple[str, ...] = ()
    classes: tuple[str, ...] | None = None

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
        if isinstance(self.modules, str):
            object.__setattr__(self, "modules", (self.modules,))
        for name in ("column", "modules", "classes"):
            words = getattr(self, name)
            if not isinstance(words, str | None):
                object.__setattr__(self, name, tuple(words))
        check_targets(self.target, self.target_column)

    def setup(self) -> None:
        """Loads the model, unless this process has it. A call does so where it has to.

        Raises:
            TfxaiError: As `tfxai.load`.
        """
        _ = self.subject

    @property
    def subject(self) -> Subject:
        """The model with its card, loaded where this process has it not yet."""
        with _LOADING:
            return _load_once(
                self.model, self.trust, self.preprocessing, tuple(self.modules), self.classes
            )

    def inputs(self, batch: Mapping[str, Any]) -> Any:
        """What the model is given of a batch.

        Raises:
            InvalidInputError: A column is missing, or a value in it.
        """
        names = [str(one.name) for one in getattr(self.subject.model, "inputs", None) or ()]
        if isinstance(self.column, str):
            if len(names) > 1 and self.column not in batch:
                raise InvalidInputError(
                    f"The model has the inputs {', '.join(names)}, and column={self.column!r} "
                    f"names one column. Pass column={tuple(names)!r} to the Explainer."
                )
            read = read_column(batch, self.column)
            is_text = self.subject.encoder is not None and np.asarray(read).dtype.kind in "OUS"
            return _texts(self.column, read) if is_text else self._pixels(read)
        columns = {name: np.asarray(read_column(batch, name)) for name in self.column}
        if len(names) > 1:
            return columns
        return np.stack([np.asarray(one, np.float32) for one in columns.values()], axis=-1)

    def _pixels(self, read: Any) -> Any:
        """One array; images of integers from 0 to 255 as uint8 where the card knows pixels."""
        array = np.asarray(read)
        if array.dtype.kind == "O":
            array = read = _stacked(str(self.column), array)
        if array.dtype.kind in "iu" and self.subject.preprocessing is not None:
            return batch_as_pixels(array)
        return read

    def attributions(self, batch: Mapping[str, Any]) -> list[Attribution]:
        """What each method gives for a batch.

        Raises:
            TfxaiError: As `__call__`.
        """
        check_batch(batch)
        inputs = self.inputs(batch)
        target: Any = self.target
        if self.target_column is not None:
            target = read_column(batch, self.target_column)
        words: dict[str, Any] = {"score": self.score, "at": self.at, "chunk_size": self.chunk_size}
        found = explain(self.subject, inputs, self.methods, target, **words, progress=False)
        return [self._named(one) for one in found]

    def _named(self, found: Attribution) -> Attribution:
        """With the names of columns that were put side by side."""
        count = 1 if isinstance(self.column, str) else len(self.column)
        if count == 1 or isinstance(found.values, dict) or np.shape(found.values)[1:] != (count,):
            return found
        return found.with_feature_names(self.column)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Array]:
        """The explanations of one batch, equal to those of the methods called in process.

        Args:
            batch: Arrays by column, each (B, ...), with `column` among them.

        Returns:
            All columns of the batch but the input, and for each method `NAME/values`, (B, ...),
            raw, `NAME/target`, (B,) or (B, r), `NAME/score`, (B,), `NAME/baseline_score` and
            `NAME/completeness_gap`, (B,), where the method has them, and `NAME/probability` and
            `NAME/prediction`, (B,), where the model says so. Of several inputs
            `NAME/values/INPUT` for each. Of texts `NAME/tokens` and `NAME/token_values`, (B,)
            of one array for each text, without padding, in the place of the values.

        Raises:
            InvalidInputError: A column is missing, has a name that an answer takes, or another
                length than the others, or a value is missing in one that is used.
            TfxaiError: As a call of the method.
        """
        answers: dict[str, Array] = {}
        for answer in self.attributions(batch):
            answers |= columns_of(answer)
        used = (self.column,) if isinstance(self.column, str) else self.column
        return merged(batch, used, answers)


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


@functools.cache
def _load_once(
    model: str,
    trust: bool,
    preprocessing: Preprocessing | None,
    modules: tuple[str, ...],
    classes: tuple[str, ...] | None,
) -> Subject:
    subject = load(model, trust=trust, custom_objects=own_objects(modules))
    given = {"preprocessing": preprocessing, "classes": classes}
    changed: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    if not changed:
        return subject
    card = subject.card or Card(name=Path(model).stem)
    return dataclasses.replace(subject, card=dataclasses.replace(card, **changed))


def _stacked(name: str, column: Array) -> Array:
    """A column of arrays, as tables hold them, as one array."""
    rows = [np.asarray(one) for one in column]
    other = next((i for i, row in enumerate(rows) if row.shape != rows[0].shape), None)
    if other is not None:
        raise InvalidInputError(
            f"The column {name!r} holds arrays of shape {rows[0].shape} in row 0 and "
            f"{rows[other].shape} in row {other}. Pass examples of one shape in a batch."
        )
    return np.stack(rows) if rows else column


def _texts(name: str, column: Any) -> list[str]:
    for i, one in enumerate(column):
        if not isinstance(one, str | bytes):
            raise InvalidInputError(
                f"The column {name!r} holds a {type(one).__name__} in row {i} of {len(column):,}, "
                "and a text was expected. Leave such rows out, or fill them."
            )
    return [
        one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in column
    ]


def columns_of(answer: Attribution) -> dict[str, Array]:
    """What an explanation says, as columns (B, ...): see `Explainer.__call__`."""
    name = answer.method["name"]
    found: dict[str, Array | None]
    if has_token_values(answer):
        found = _tokens(answer)
    elif isinstance(answer.values, dict):
        found = {f"values/{key}": array for key, array in answer.values.items()}
    else:
        found = {"values": answer.values}
    for key in _NUMBERS:
        found[key] = getattr(answer, key)
    return {f"{name}/{key}": np.asarray(one) for key, one in found.items() if one is not None}


def _tokens(answer: Attribution) -> dict[str, Array | None]:
    text = answer.text
    if text is None:
        return {}
    is_there = text.kinds != PADDING
    found = {"tokens": text.pieces, "token_values": np.asarray(token_values(answer))}
    return {
        key: ragged([row[kept] for row, kept in zip(rows, is_there, strict=True)])
        for key, rows in found.items()
    }
