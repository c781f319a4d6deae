"""One batch in, the explanations of an export out: the methods are those of its signatures."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, final

import numpy as np

from tfxai.arrays import Array
from tfxai.batch.columns import check_batch, check_targets, merged, ragged, read_column
from tfxai.batch.inputs import batch_as_pixels
from tfxai.classes import class_index
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnknownNameError
from tfxai.export.names import EXPLAIN, TARGET, TOKEN_VALUES, TOKENS
from tfxai.remarks import gap_shares, large_gaps, missed
from tfxai.serving.messages.problems import RequestError
from tfxai.serving.messages.signatures import VALUES, needed
from tfxai.serving.messages.tensors import Feeds, check_shape
from tfxai.serving.models.disk import versions_in
from tfxai.serving.models.loaded import Loaded

_LOADING = threading.Lock()
_NUMBERS = (TARGET, "score", "baseline_score", "completeness_gap")


@final
@dataclasses.dataclass(frozen=True)
class ExportExplainer:
    """Explains batches as `Explainer` does, by the `explain_*` signatures of an export.

    The model and the methods are those of the export, as TensorFlow Serving runs them; layers of
    one's own need no code. Each process loads it once.

    Args:
        model: The folder that `tfxai.export.save` wrote, or the one of its versions, of which the
            latest is taken.
        methods: Names of signatures without `explain_`; empty for all.
        column: As for `Explainer`; several names are the inputs of the model.
        target: As for `Explainer`.
        target_column: As for `Explainer`.
        trust: Whether to load it whatever the scan finds.

    Raises:
        InvalidInputError: An argument is none of these.
    """

    model: str
    methods: str | tuple[str, ...] = ()
    column: str | tuple[str, ...] = "inputs"
    target: int | str | None = None
    target_column: str | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", os.fspath(self.model))
        for name in ("methods", "column"):
            given = getattr(self, name)
            several = (given,) if isinstance(given, str) else tuple(given)
            object.__setattr__(self, name, several)
        check_targets(self.target, self.target_column)

    def setup(self) -> None:
        """Loads the export, unless this process has it. A call does so where it has to.

        Raises:
            DataNotFoundError: There is none.
            UnsafeModelError: The scan advises against loading it.
            ModelFileError: It cannot be loaded.
            UnknownNameError: It has no signature of that name.
        """
        self._signatures(self._loaded())

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, Array]:
        """The explanations of one batch.

        Args:
            batch: Arrays by column, each (B, ...): pixels (uint8) where the export says how they
                become the model's input, else what the model takes.

        Returns:
            As `Explainer.__call__`, without probabilities and predictions: a signature that
            explains says neither.

        Warns:
            TfxaiWarning: Values miss the score's difference to the baseline by more than 10 %.

        Raises:
            InvalidInputError: A column is missing or has a name that an answer takes, or the
                inputs do not fit the model.
            TfxaiError: As `setup`.
        """
        check_batch(batch)
        loaded = self._loaded()
        answers: dict[str, Array] = {}
        for name, signature in self._signatures(loaded).items():
            about = _about(loaded, signature)
            feeds = self._feeds(batch, loaded, signature, about)
            outputs = needed(loaded.signatures[signature].outputs, (VALUES, TOKENS))
            with _of_input():
                given = loaded.run(signature, feeds, outputs)
            _warn_of_gaps(name, given, about)
            answers |= {f"{name}/{key}": one for key, one in _columns(given, about).items()}
        return merged(batch, self.column, answers)

    def _loaded(self) -> Loaded:
        with _LOADING:
            return _load_once(self.model, self.trust)

    def _signatures(self, loaded: Loaded) -> dict[str, str]:
        known = [one.removeprefix(EXPLAIN) for one in loaded.signatures if one.startswith(EXPLAIN)]
        for name in self.methods:
            if name not in known:
                raise UnknownNameError.of("explanation", name, known, repr(self.model))
        if not known:
            raise InvalidInputError(
                f"The SavedModel {self.model!r} has no signature {EXPLAIN}*. Write it by "
                "tfxai export, or pass its model to Explainer."
            )
        return {name: f"{EXPLAIN}{name}" for name in self.methods or known}

    def _feeds(
        self, batch: Mapping[str, Any], loaded: Loaded, signature: str, about: dict[str, Any]
    ) -> dict[str, Array]:
        ends = {
            name: end
            for name, end in loaded.signatures[signature].inputs.items()
            if name != TARGET
        }
        names = {name: name for name in ends} | (about.get("input_names") or {})
        if len(self.column) != len(ends):
            raise InvalidInputError(
                f"column names {len(self.column)} columns, and the model has {len(ends)} inputs: "
                f"{', '.join(names.values())}. Name one for each."
            )
        of = dict.fromkeys(ends, self.column[0]) if len(ends) == 1 else names
        feeds = {}
        for name, end in ends.items():
            array = np.asarray(read_column(batch, of[name]))
            if end.dtype.startswith("float"):
                array = _preprocessed(array, loaded, of[name], is_alone=len(ends) == 1)
            kind = np.dtype(object if end.dtype == "string" else end.dtype)
            if kind.kind != "O" and not np.can_cast(array.dtype, kind, "same_kind"):
                raise InvalidInputError(
                    f"The column {of[name]!r} holds {array.dtype}, and the model takes {kind}. "
                    "Convert it."
                )
            with _of_input():
                check_shape(of[name], array.shape, end)
            feeds[name] = array.astype(kind)
        count = len(next(iter(feeds.values())))
        return {**feeds, TARGET: self._targets(batch, loaded, count)}

    def _targets(self, batch: Mapping[str, Any], loaded: Loaded, count: int) -> Array:
        if self.target_column is not None:
            return _indices(read_column(batch, self.target_column), self.target_column)
        if self.target is None:
            return np.full(count, -1, np.int32)  # the predicted class
        target: Any = self.target
        if isinstance(target, str):
            classes = (loaded.record or {}).get("class_names")
            target = class_index(target, classes)
            if target is None:
                raise UnknownNameError.of("class", str(self.target), classes or ())
        return np.repeat(_indices([target], "target"), count)


@contextlib.contextmanager
def _of_input() -> Iterator[None]:
    """Tells of inputs that do not fit as of every other argument."""
    try:
        yield
    except RequestError as error:
        if error.status != HTTPStatus.BAD_REQUEST:
            raise
        raise InvalidInputError(f"{error} Bring the batch to the model's shape.") from error


def _warn_of_gaps(name: str, given: Feeds, about: Mapping[str, Any]) -> None:
    """Warns of values that miss the difference of the scores, as the method itself does."""
    scored = SimpleNamespace(**{key: given.get(key) for key in _NUMBERS})
    shares = gap_shares(scored)
    is_large = large_gaps(scored, (about.get("method") or {}).get("options") or {})
    if shares is not None and is_large.any():
        advice = "Export the method with more steps or samples."
        warnings.warn(f"{missed(name, shares, is_large)} {advice}", TfxaiWarning, stacklevel=3)


def _indices(given: Any, name: str) -> Array:
    """Classes by their numbers: a negative one would mean the predicted class."""
    array = np.asarray(given)
    if array.dtype.kind not in "iu" or (array < 0).any():
        raise InvalidInputError(
            f"{name} holds {array.ravel()[:3].tolist()}, and numbers of classes from 0 were "
            "expected. Leave out examples without a label."
        )
    return array.astype(np.int32)


def _about(loaded: Loaded, signature: str) -> dict[str, Any]:
    """What the record of the export says about a signature."""
    return dict(((loaded.record or {}).get("signatures") or {}).get(signature) or {})


def _preprocessed(given: Array, loaded: Loaded, column: str, *, is_alone: bool) -> Array:
    """What the model takes, as `Subject.prepare` makes it of pixels and checks other numbers."""
    said = (loaded.record or {}).get("preprocessing")
    known = None if said is None else Preprocessing.from_dict(said)
    if known is not None:
        given = batch_as_pixels(given)
    if given.dtype != np.uint8:
        if known is not None and is_alone:
            advice = "Pass pixels as uint8, or preprocess them first."
            known.check_range(f"The numbers of {column!r} run", given, advice)
        return given
    if known is None:
        raise InvalidInputError(
            f"The column {column!r} holds pixels (uint8), and the export does not say how pixels "
            "become the model's input. Pass what the model takes."
        )
    return known.apply(given)


def _columns(given: Mapping[str, Array], about: Mapping[str, Any]) -> dict[str, Array]:
    """The outputs of a signature, as `Explainer` names them."""
    names: Mapping[str, str] = about.get("input_names") or {}
    found = {name: given[name] for name in _NUMBERS if name in given}
    if TOKENS in given and TOKEN_VALUES in given:
        is_there = [row != b"" for row in given[TOKENS]]
        for name in (TOKENS, TOKEN_VALUES):
            found[name] = ragged(
                [row[kept] for row, kept in zip(given[name], is_there, strict=True)]
            )
        found[TOKENS] = ragged([np.array([one.decode() for one in row]) for row in found[TOKENS]])
        return found
    for name, array in given.items():
        if name.startswith(VALUES):
            part = name.removeprefix(VALUES).removeprefix("_")
            found[f"values/{names.get(part, part)}" if part else "values"] = array
    return found


@functools.cache
def _load_once(model: str, trust: bool) -> Loaded:
    folder = Path(model)
    versions = versions_in(folder)
    if not (folder / "saved_model.pb").is_file() and not versions:
        raise DataNotFoundError(
            f"There is no export at {model!r}. Pass a folder that tfxai export wrote."
        )
    if versions:
        folder = versions[max(versions)]
    return Loaded(folder, trust=trust)
