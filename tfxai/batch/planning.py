"""From a source and an explainer to a run: its columns, and how large its shards are."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from tfxai import config
from tfxai.batch.explainer import Explainer
from tfxai.batch.formats import FORMATS
from tfxai.batch.inputs import INPUTS, Taken
from tfxai.batch.job import Job
from tfxai.batch.labels import with_known_labels
from tfxai.batch.sources.rows import Fields, Row, Source, with_likely
from tfxai.batch.trying import looked_at, unusable
from tfxai.batch.where import Where
from tfxai.errors import InvalidInputError, UnknownNameError


def job_of(  # noqa: PLR0913 - an argument for each thing that may be asked
    source: Source,
    explainer: Explainer,
    output: str | os.PathLike[str],
    *,
    kind: str = "parquet",
    batch_size: int = 32,
    shard_size: int | None = None,
    where: Where | str | None = None,
    resize: int | None = None,
) -> Job:
    """A run over a data set; loads the model.

    Args:
        source: The examples.
        explainer: The model and the methods; what its columns are called does not matter here.
        output: The folder of the results.
        kind: What they are written as: `"parquet"`, `"tfrecord"` or `"vertex"`.
        batch_size: Examples explained at once.
        shard_size: Examples in a file; None makes about twenty, of 1,000 at most.
        where: Which examples are explained, as a condition or its text; None for all.
        resize: Side of the squares that pictures are made into by a bilinear filter; None brings
            those of another size to the model's by a sharper one (Lanczos).

    Raises:
        UnknownNameError: There is no such format.
        InvalidInputError: The format takes one method, the sizes are below 1, the fields are not
            those of the model's inputs, or the model takes no pictures of the size `resize`.
        TfxaiError: The model cannot be loaded.
    """
    if kind not in FORMATS:
        raise UnknownNameError.of("format", kind, FORMATS)
    if kind == "vertex" and len(explainer.methods) > 1:
        raise InvalidInputError(
            f"Vertex AI's form has one explanation for an example, and {len(explainer.methods)} "
            "methods came. Pass one, or write Parquet."
        )
    where = Where(where) if isinstance(where, str) else where
    if batch_size < 1 or (shard_size is not None and shard_size < 1):
        raise InvalidInputError(
            f"batch_size={batch_size}, shard_size={shard_size} came. Pass at least 1 for both."
        )
    _check_kept(source, explainer)
    if shard_size is None:
        about = min(max(source.count // _SHARDS, 1), _MOST)
        shard_size = max(about // batch_size, 1) * batch_size
    source = with_known_labels(source, explainer.subject.classes)
    taken = Taken.by(explainer.subject, resize)
    source = with_likely(source, taken.names)
    fields = _input_fields(source)
    columns = taken.columns(fields)
    explainer = dataclasses.replace(explainer, column=columns)
    sizes: dict[str, Any] = {"batch_size": batch_size, "shard_size": shard_size}
    words: dict[str, Any] = {"resize": resize, "feature": fields[0]}
    words["memory_budget"] = config.memory_budget
    return Job(source, explainer, os.fspath(output), kind, **sizes, where=where, **words)


def _check_kept(source: Source, explainer: Explainer) -> None:
    """Raises `InvalidInputError` where a field is handed through under the name of a result."""
    fields = getattr(source, "fields", None)
    methods = [method.name for method in explainer.methods]
    for name in fields.keep if isinstance(fields, Fields) else ():
        if name in ("key", "label") or name.partition("/")[0] in methods:
            raise InvalidInputError(
                f"The field {name!r} is to be kept (--keep, --where), and the results have a "
                "column of that name. Rename the field in the data."
            )


def _input_fields(source: Source) -> tuple[str, ...]:
    """The fields that the first readable example gives the model.

    Raises:
        InvalidInputError: None of those that are tried can be read.
    """
    failures = []
    for _, row in looked_at(source):
        if isinstance(row, Row):
            return tuple(row.inputs)
        failures.append(row)
    if failures:
        raise unusable(failures)
    return (INPUTS,)


_SHARDS, _MOST = (
    20,
    1000,
)  # files that are made where nobody says how many, and their most examples
