"""A run over a data set: shards that can be worked on anywhere, each written once it is whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tfxai import config
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.batch.explainer import Explainer, columns_of
from tfxai.batch.formats import FORMATS
from tfxai.batch.inputs import INPUTS, Taken, shape_of, stacked
from tfxai.batch.labels import class_number, no_class
from tfxai.batch.shards import DATA, NO_CARE, STATES, UNKNOWN, Care, Ready, ShardReport
from tfxai.batch.sinks import Writer, writing
from tfxai.batch.sources.rows import Failure, Row, Source
from tfxai.batch.trying import looked_at, unusable
from tfxai.batch.where import Where
from tfxai.class_outputs import class_outputs
from tfxai.errors import (
    InvalidInputError,
    NotFiniteError,
    TfxaiError,
    TfxaiWarning,
    first_line,
)
from tfxai.files import replacing

_Batch: TypeAlias = "tuple[list[Failure], list[list[Ready]]]"


@dataclasses.dataclass(frozen=True)
class Job:
    """A run, which every process can do a part of.

    Which examples stand in one batch is fixed by the shard and the size of a batch: values do not
    depend on how many processes share the work.

    Args:
        source: The examples.
        explainer: The model and the methods; its columns are those that `Taken.columns` says.
        output: The folder of the results.
        kind: What they are written as, one of `formats.FORMATS`.
        batch_size: Examples explained at once.
        shard_size: Examples in a file.
        where: Which examples are explained; None for all.
        resize: As for `Taken.by`.
        feature: What the one input is called in Vertex AI's form.
        memory_budget: Bytes that the activations of one chunk may take: it decides how sums are
            split, and so their last digits.
    """

    source: Source
    explainer: Explainer
    output: str
    kind: str = "parquet"
    batch_size: int = 32
    shard_size: int = 1000
    where: Where | None = None
    resize: int | None = None
    feature: str = INPUTS
    memory_budget: int = 2**30

    @property
    def shards(self) -> int:
        """How many shards there are."""
        return -(-self.source.count // self.shard_size)

    def span(self, shard: int) -> tuple[int, int]:
        """The places of a shard's examples in the data: from the first to before the second."""
        start = shard * self.shard_size
        return start, min(start + self.shard_size, self.source.count)

    def data_file(self, shard: int) -> Path:
        """Where the explanations of a shard are written."""
        return Path(self.output, DATA, f"part-{shard:05d}{FORMATS[self.kind]}")

    def state_file(self, shard: int) -> Path:
        """Where it is written that a shard is done."""
        return Path(self.output, STATES, f"{shard:05d}.json")

    def trace_file(self, shard: int) -> Path:
        """Where it is written which examples are being explained."""
        return Path(self.output, STATES, f"{shard:05d}.at")

    def todo(self) -> list[int]:
        """The shards that are not done, or of which a file is gone or has another size."""
        return [shard for shard in range(self.shards) if not self._is_done(shard)]

    def _is_done(self, shard: int) -> bool:
        try:
            report = self.report(shard)
            size = self.data_file(shard).stat().st_size if report.explained else 0
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False
        return size == report.data_bytes

    def report(self, shard: int) -> ShardReport:
        """What became of a shard that is done."""
        text = self.state_file(shard).read_text(encoding="utf-8")
        return ShardReport.from_dict(json.loads(text))

    def check(self) -> None:
        """Explains an example, so that a request that fits none ends before the run.

        Several are tried: the first ones may be bad themselves.

        Raises:
            TfxaiError: The request does not fit the model, or the condition not the data, or no
                example of those that are tried can be read.
        """
        subject = self.explainer.subject
        taken = Taken.by(subject, self.resize)
        if self.where is not None:
            self.where.check_classes(subject.classes)
        failures: list[Failure] = []
        errors: list[TfxaiError] = []
        for position, row in looked_at(self.source):
            ready = self._ready(taken, row, position)
            if isinstance(ready, Failure):
                failures.append(ready)
                continue
            try:
                return self._try(ready)
            except TfxaiError as error:
                errors.append(error)
            if len(errors) == _TRIES:
                break
        if errors:
            raise errors[0]
        if failures:
            raise unusable(failures)

    def _try(self, ready: Ready) -> None:
        self._holds([ready])
        with contextlib.suppress(NotFiniteError), warnings.catch_warnings():  # it may be its own
            warnings.simplefilter("ignore", TfxaiWarning)
            self.explainer.attributions(self._batch([ready]))

    def run(self, shard: int, care: Care = NO_CARE) -> ShardReport:
        """Explains the examples of a shard and writes its files.

        The data come first and the file that says that the shard is done last, each under
        another name until it is whole.

        Args:
            shard: Its number.
            care: How, after a process died over it.

        Raises:
            OutputError: The folder cannot be written to.
            TfxaiError: The model cannot be loaded.
        """
        start, stop = self.span(shard)
        report = ShardReport(shard, stop - start)
        subject = self.explainer.subject
        taken = Taken.by(subject, self.resize)
        are_fixed = all(shape is not None and None not in shape for shape in taken.shapes.values())
        words: dict[str, Any] = {
            "are_fixed": are_fixed,
            "classes": subject.classes,
            "feature": self.feature,
        }
        before, config.memory_budget = config.memory_budget, self.memory_budget
        try:
            self.data_file(shard).unlink(missing_ok=True)
            with (
                replacing(self.data_file(shard)) as path,
                writing(self.kind, path, **words) as write,
            ):
                batches = self._batches(taken, shard, care)
                for failures, groups in batches if care.is_watched else _ahead(batches):
                    report.failures += failures
                    for some in groups:
                        self._explain(some, report, write, watched=care.is_watched)
        finally:
            config.memory_budget = before
        if report.explained == 0:
            self.data_file(shard).unlink(missing_ok=True)
        else:
            _sync(self.data_file(shard))
            report.data_bytes = self.data_file(shard).stat().st_size
        with replacing(self.state_file(shard)) as path:
            path.write_text(json.dumps(report.to_dict(), allow_nan=False), encoding="utf-8")
            _sync(path)
        self.trace_file(shard).unlink(missing_ok=True)
        return report

    def _batches(self, taken: Taken, shard: int, care: Care) -> Iterator[_Batch]:
        """What fails of each batch, and the examples of each shape that can be explained."""
        start, stop = self.span(shard)
        lost = dict(care.lost)
        for places in self._places(start, stop, care):
            if care.is_watched:
                _trace(self.trace_file(shard), places)
            failures: list[Failure] = []
            groups: dict[tuple[Any, ...], list[Ready]] = {}
            rows = self.source.read(places.start, places.stop)
            for position, row in zip(places, _but(lost, places, rows), strict=True):
                ready = self._ready(taken, row, position)
                if isinstance(ready, Failure):
                    failures.append(ready)
                else:
                    groups.setdefault(shape_of(ready.given), []).append(ready)
            yield failures, list(groups.values())

    def _places(self, start: int, stop: int, care: Care) -> Iterator[range]:
        """The places of the examples of each batch."""
        for first in range(start, stop, self.batch_size):
            places = range(first, min(first + self.batch_size, stop))
            if care.alone.isdisjoint(places) and not any(p in places for p, _ in care.lost):
                yield places
            else:
                yield from (range(place, place + 1) for place in places)

    def _ready(self, taken: Taken, row: Row | Failure, position: int) -> Ready | Failure:
        """An example as the model takes it, or why it cannot be explained."""
        if isinstance(row, Failure):
            return row
        try:
            given, was_fitted = taken.read(row)
            label = class_number(row.label, self.explainer.subject.classes)
            uses = self.where is not None and "label" in self.where.names
            if label == UNKNOWN and (uses or self.explainer.target_column):
                raise no_class(row.label, self.explainer.subject.classes)
        except InvalidInputError as error:
            return Failure(row.key, "input", str(error))
        return Ready(row, position, given, label, was_fitted)

    def _explain(
        self, some: list[Ready], report: ShardReport, write: Writer, *, watched: bool
    ) -> None:
        """Explains a batch, and where that fails each example by itself."""
        if watched:
            _trace(self.trace_file(report.shard), [one.position for one in some])
        try:
            kept = some if self.where is None else self._holds(some)
            if kept:
                with warnings.catch_warnings():  # the summary has the gaps of all
                    warnings.simplefilter("ignore", TfxaiWarning)
                    answers = self.explainer.attributions(self._batch(kept))
                write(self._columns(kept, [columns_of(one) for one in answers]))
        except OSError:  # the disk, not an example
            raise
        except Exception as error:  # of one example, whatever it is: the others go on
            if len(some) == 1:
                report.failures.append(Failure(some[0].row.key, "explain", _reason(error)))
                return
            for one in some:
                self._explain([one], report, write, watched=watched)
            return
        report.left_out += len(some) - len(kept)
        if kept:
            self._count(report, kept, answers)

    def _count(self, report: ShardReport, kept: list[Ready], answers: list[Attribution]) -> None:
        """Adds examples that were explained to what is known of their shard."""
        keys = [one.row.key for one in kept]
        report.summary.add(answers, keys)
        report.explained += len(kept)
        report.fitted += sum(one.was_fitted for one in kept)
        if self._has_keys:
            report.add_keys(keys)
        for one in kept:
            if one.label == UNKNOWN and one.row.label is not None:
                report.add_unnamed(one.row.label)

    @property
    def _has_keys(self) -> bool:
        """Whether a field names the examples, of which there are not too many to compare."""
        fields = getattr(self.source, "fields", None)
        return bool(fields and fields.key) and self.source.count <= MOST_KEYS

    def _batch(self, some: Sequence[Ready]) -> dict[str, Any]:
        batch = stacked([one.given for one in some])
        if self.explainer.target_column is not None:
            batch[self.explainer.target_column] = np.array([one.label for one in some])
        return batch

    def _columns(self, some: Sequence[Ready], answers: list[dict[str, Array]]) -> dict[str, Array]:
        columns = {
            "key": np.array([one.row.key for one in some]),
            "label": np.array([one.label for one in some], np.int32),
        }
        for name in some[0].row.kept:
            columns[name] = np.array([one.row.kept[name] for one in some])
        for one in answers:
            columns |= one
        return columns

    def _holds(self, some: list[Ready]) -> list[Ready]:
        """Those for which the condition holds."""
        where, subject = self.where, self.explainer.subject
        if where is None:
            return some
        values = [{"key": one.row.key, "label": one.label, **one.row.kept} for one in some]
        if where.needs_answer:
            found = class_outputs(subject, self.explainer.inputs(self._batch(some)))
            if "probability" in where.names and not found.are_probabilities:
                raise InvalidInputError(
                    "The condition asks for the probability, and the model gives none. Ask for "
                    "the prediction."
                )
            if found.values.shape[1] == 1:
                raise InvalidInputError(
                    "The condition asks for a prediction, and the model's one output is no "
                    "probability of a class. Ask for fields of the data."
                )
            best = found.values.argmax(axis=1)
            for i, one in enumerate(values):
                one["prediction"] = int(best[i])
                one["probability"] = float(found.values[i, best[i]])
        holds = [where.holds(one, subject.classes) for one in values]
        return [one for one, is_kept in zip(some, holds, strict=True) if is_kept]


MOST_KEYS = 10**7
"""Most examples of a data set whose keys are compared."""
_TRIES = 8  # examples that are explained before a request is held for the fault


def _sync(path: Path) -> None:
    """What the file holds is on the disk before anything else is written."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _trace(path: Path, places: Sequence[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(places)), encoding="utf-8")


def _ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """The same batches, the next one read while one is worked on."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def _but(
    lost: Mapping[int, str], places: range, rows: Iterator[Row | Failure]
) -> Iterator[Row | Failure]:
    """The examples, of which a lost one, which is in a batch of its own, is not read again."""
    if places.start in lost:
        yield Failure(f"#{places.start}", "explain", lost[places.start])
    else:
        yield from rows


def _reason(error: Exception) -> str:
    if isinstance(error, TfxaiError):  # of a batch of one, whose place says nothing
        return re.sub(r"\bexample 0\b", "it", str(error)).replace("texts[0]", "The text")
    name, text = type(error).__name__, first_line(error)
    return f"{name}." if text == name else f"{name}: {text}."
