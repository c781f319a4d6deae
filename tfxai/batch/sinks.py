"""What a shard of explanations is written as: Parquet, TFRecord or Vertex AI's objects."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.arithmetic import gap_shares
from tfxai.arrays import Array
from tfxai.batch.shards import UNKNOWN
from tfxai.classes import class_name
from tfxai.errors import InvalidInputError

Columns: TypeAlias = Mapping[str, Array]


@dataclasses.dataclass(frozen=True)
class _Names:
    """What the input and the classes are called, where a format has a word for them."""

    feature: str
    classes: tuple[str, ...] | None


class Writer(Protocol):
    """Takes the explanations of one batch after another."""

    def __call__(self, columns: Columns) -> None:
        """Writes a batch: arrays (B, ...) by name."""


@contextlib.contextmanager
def writing(
    kind: str,
    path: Path,
    *,
    are_fixed: bool,
    classes: tuple[str, ...] | None = None,
    feature: str = "inputs",
) -> Iterator[Writer]:
    """A writer to a file.

    Args:
        kind: One of `formats.FORMATS`.
        path: The file.
        are_fixed: Whether the values have one shape in all batches.
        classes: Names of the model's classes.
        feature: What the one input is called in Vertex AI's form.
    """
    with _WRITERS[kind](path, are_fixed, _Names(feature, classes)) as writer:
        yield writer


@contextlib.contextmanager
def _parquet(path: Path, are_fixed: bool, names: _Names) -> Iterator[Writer]:
    from tfxai.batch.sources.tables import parquet

    opened: list[Any] = []

    def write(columns: Columns) -> None:
        table = _table(columns, are_fixed)
        if not opened:
            opened.append(parquet().ParquetWriter(path, table.schema))
        elif table.schema != opened[0].schema:
            before = {one.name: one for one in opened[0].schema}
            other = next(one.name for one in table.schema if one != before.get(one.name))
            raise InvalidInputError(
                f"The field {other!r} is of another type than in examples before. Leave it out."
            )
        opened[0].write_table(table)

    try:
        yield write
    finally:
        for one in opened:
            one.close()


def _table(columns: Columns, are_fixed: bool) -> Any:
    import pyarrow

    made: dict[str, Any] = {}
    for name, array in columns.items():
        if array.dtype == object:
            made[name] = pyarrow.array([np.asarray(one).tolist() for one in array])
            if name.endswith("/token_values"):
                made[name] = made[name].cast(pyarrow.list_(pyarrow.float32()))
        elif array.ndim > 1 and are_fixed:
            whole = np.ascontiguousarray(array)
            made[name] = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(whole)
        elif array.ndim > 1:
            made[name] = pyarrow.array([one.ravel() for one in array])
            made[f"{name}/shape"] = pyarrow.array([list(one.shape) for one in array])
        else:
            made[name] = pyarrow.array(array.tolist() if array.dtype.kind in "US" else array)
    return pyarrow.table(made)


@contextlib.contextmanager
def _tfrecord(path: Path, are_fixed: bool, names: _Names) -> Iterator[Writer]:
    with tf.io.TFRecordWriter(str(path)) as file:

        def write(columns: Columns) -> None:
            for i in range(len(next(iter(columns.values())))):
                file.write(_example({name: array[i] for name, array in columns.items()}))

        yield write


def _example(row: Mapping[str, Any]) -> bytes:
    features: dict[str, Any] = {}
    for name, one in row.items():
        array = np.asarray(one)
        features[name] = _feature(array)
        if array.ndim > 1:
            features[f"{name}/shape"] = _feature(np.asarray(array.shape, np.int64))
    example = tf.train.Example(features=tf.train.Features(feature=features))
    return bytes(example.SerializeToString(deterministic=True))


def _feature(array: Array) -> Any:
    flat = array.ravel()
    if array.dtype.kind == "f":
        return tf.train.Feature(float_list=tf.train.FloatList(value=flat))
    if array.dtype.kind in "iub":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=flat.astype(np.int64)))
    texts = [str(one).encode() for one in flat]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=texts))


@contextlib.contextmanager
def _vertex(path: Path, are_fixed: bool, names: _Names) -> Iterator[Writer]:
    with path.open("w", encoding="utf-8") as file:

        def write(columns: Columns) -> None:
            for i in range(len(columns["key"])):
                one = _object({name: array[i] for name, array in columns.items()}, names)
                file.write(json.dumps(one, allow_nan=False) + "\n")

        yield write


def _object(row: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    """One line: the example, what the model says, and the explanation."""
    of_example = {name: _plain(one) for name, one in row.items() if "/" not in name}
    if of_example.get("label") == UNKNOWN:
        del of_example["label"]
    of_method = {name.partition("/")[2]: one for name, one in row.items() if "/" in name}
    if "tokens" in of_method:
        of_example["tokens"] = _plain(of_method["tokens"])
    found: dict[str, Any] = {"instance": of_example, "explanation": {}}
    if "prediction" in of_method:
        predicted = int(of_method["prediction"])
        found["prediction"] = {"class": predicted}
        if name := class_name(predicted, names.classes):
            found["prediction"]["displayName"] = name
    found["explanation"]["attributions"] = [_attribution(of_method, names)]
    return found


def _attribution(row: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    index = [int(one) for one in np.asarray(row["target"]).ravel()]
    made: dict[str, Any] = {
        "instanceOutputValue": float(row["score"]),
        "featureAttributions": _features(row, names.feature),
        "outputIndex": index,
    }
    name = class_name(index[0], names.classes) if len(index) == 1 else None
    if name is not None:
        made["outputDisplayName"] = name
    if "baseline_score" in row:
        made["baselineOutputValue"] = float(row["baseline_score"])
        if "completeness_gap" in row:
            numbers = (row["completeness_gap"], row["score"], row["baseline_score"])
            error = float(gap_shares(*numbers))
            made["approximationError"] = error if math.isfinite(error) else None
    return made


def _features(row: Mapping[str, Any], feature: str) -> dict[str, Any]:
    if "token_values" in row:
        return {feature: _plain(row["token_values"])}
    if "values" in row:
        return {feature: _plain(row["values"])}
    start = "values/"
    return {
        name.removeprefix(start): _plain(one)
        for name, one in row.items()
        if name.startswith(start)
    }


def _plain(one: Any) -> Any:
    return np.asarray(one).tolist()


_WRITERS: dict[str, Callable[..., Any]] = {
    "parquet": _parquet,
    "tfrecord": _tfrecord,
    "vertex": _vertex,
}
