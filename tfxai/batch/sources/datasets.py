"""Data sets that tensorflow-datasets has prepared."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfxai.batch.sources.rows import Failure, Fields, Row
from tfxai.errors import (
    DataNotFoundError,
    InvalidInputError,
    MissingExtraError,
    UnknownNameError,
    first_line,
)


@dataclasses.dataclass(frozen=True)
class TfdsSplit:
    """The examples of a split in the order of its files, each named by its `id` where it has one.

    Args:
        name: Name of the data set, such as `"cifar10"` or `"glue/sst2:2.0.0"`.
        split: A split, or a part of one such as `"test[:100]"`.
        folder: The folder of tensorflow-datasets.
        version: The version that was found.
        count: How many examples there are.
        fields: Which features mean what.
    """

    name: str
    split: str
    folder: str | None
    version: str
    count: int
    fields: Fields

    def read(self, start: int, stop: int) -> Iterator[Row | Failure]:
        """Each example, uint8 where it is an image."""
        import tensorflow_datasets

        builder = _builder(self.name, self.folder)
        base = _instruction(builder, self.split)
        part = tensorflow_datasets.core.ReadInstruction(
            base.splitname, from_=base.from_ + start, to=base.from_ + stop, unit="abs"
        )
        data = tensorflow_datasets.as_numpy(builder.as_dataset(split=part, shuffle_files=False))
        names = {"image", "label", "text", "sentence", "id", *self.fields.likely}
        index = start - 1
        try:
            for index, example in enumerate(data, start):
                key = _key(example, f"{self.name}:{self.split}#{index}")
                chosen = example if self.fields.inputs else _likely(example, names)
                try:
                    yield self.fields.row(key, chosen)
                except InvalidInputError as error:
                    yield Failure(key, "read", str(error))
        except Exception as error:  # a damaged file: whatever its reader raises
            reason = f"The data set cannot be read: {first_line(error)}. Prepare it again."
            for i in range(index + 1, stop):
                yield Failure(f"{self.name}:{self.split}#{i}", "read", reason)

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest."""
        return {
            "format": "tfds",
            "name": self.name,
            "split": self.split,
            "version": self.version,
            "examples": self.count,
            "fields": dataclasses.asdict(self.fields),
        }


def find(name: str, split: str, folder: str | None, fields: Fields) -> TfdsSplit:
    """A split of a data set that has been prepared; nothing is downloaded.

    Raises:
        DataNotFoundError: The data set is not there.
        UnknownNameError: It has no such split.
        MissingExtraError: tensorflow-datasets is not installed.
    """
    builder = _builder(name, folder)
    split_name = split.partition("[")[0]
    if split_name not in builder.info.splits:
        raise UnknownNameError.of("split", split_name, list(builder.info.splits), owner=name)
    part = _instruction(builder, split)
    if fields.label is None and "label" in (builder.info.features or {}):
        fields = dataclasses.replace(fields, label="label")
    count = part.to - part.from_
    return TfdsSplit(name, split, folder, str(builder.version), count, fields)


def _builder(name: str, folder: str | None) -> Any:
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise MissingExtraError.of("tensorflow-datasets", "data") from error
    try:
        builder = tensorflow_datasets.builder(name, data_dir=folder, try_gcs=False)
        is_there = builder.info.splits
    except Exception as error:  # its own classes, for a name and for a folder
        is_there, reason = None, f": {first_line(error)}"
    else:
        reason = ""
    if not is_there:
        raise DataNotFoundError(
            f"tensorflow-datasets has prepared no {name!r}{reason}. Prepare it with "
            "tensorflow_datasets.load, or set TFDS_DATA_DIR to the folder that holds it."
        )
    return builder


def _instruction(builder: Any, split: str) -> Any:
    import tensorflow_datasets

    try:
        parts = tensorflow_datasets.core.ReadInstruction.from_spec(split).to_absolute(
            builder.info.splits
        )
    except Exception as error:  # its own classes
        raise InvalidInputError(
            f"{split!r} is no part of a split: {first_line(error)}. Write it as in test[:100]."
        ) from error
    if len(parts) != 1:
        raise InvalidInputError(f"{split!r} is of several splits. Pass one after the other.")
    part = parts[0]
    low = part.from_ or 0
    high = builder.info.splits[part.splitname].num_examples if part.to is None else part.to
    return dataclasses.replace(part, from_=low, to=high)


def _likely(example: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """An example without the fields that cannot be the input, where nobody says which is."""
    return {name: one for name, one in example.items() if name in names} or example


def _key(example: dict[str, Any], place: str) -> str:
    one = example.get("id")
    return one.decode("utf-8", "replace") if isinstance(one, bytes | np.bytes_) else place
