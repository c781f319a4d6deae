"""From the words of a user to a source."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tfxai.batch.sources import datasets, lines
from tfxai.batch.sources.images import ImageFiles
from tfxai.batch.sources.lines import JsonLines
from tfxai.batch.sources.rows import Fields, Marked, Source
from tfxai.data.folders import labelled_files
from tfxai.data.images import SUFFIXES
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

FORMATS = ("images", "tfrecord", "parquet", "jsonl")
"""Formats of files."""
_DATA_SET = re.compile(r"(?P<name>[^:]+(?::\d[\d.]*)?):(?P<split>[A-Za-z_]\w*(?:\[.*\])?)")
_ENDINGS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def open_source(
    words: Sequence[str], fields: Fields | None = None, format: str | None = None
) -> Source:
    """The examples that the words mean.

    Args:
        words: Globs or paths of files, a folder of images or of class folders, or one data set
            of tensorflow-datasets as `tfds:NAME:SPLIT` (`cifar10:test` for short).
        fields: Which fields of an example mean what.
        format: One of `FORMATS`, where the names of the files do not say it.

    Raises:
        DataNotFoundError: A glob matches nothing, or a data set is not there.
        InvalidInputError: The files are of several formats, of none that is known, or hold no
            example.
        MissingExtraError: What reads them is not installed.
    """
    if format is not None and format not in FORMATS:
        raise UnknownNameError.of("format", format, FORMATS)
    fields = fields or Fields()
    if len(words) == 1 and (found := _data_set(words[0])):
        return datasets.find(found["name"], found["split"], _folder(found["name"]), fields)
    if len(words) == 1 and Path(words[0]).is_dir() and format in (None, "images"):
        return _folder_of_images(words[0], fields)
    paths = [path for word in words for path in _matches(word)]
    kind = format or _format(paths)
    source = _source(kind, paths, fields)
    if source.count == 0:
        raise InvalidInputError(f"{words[0]!r} holds no examples. Pass files that hold some.")
    return source


def _data_set(word: str) -> re.Match[str] | None:
    is_asked = word.startswith(("tfds:", "cifar10:"))
    found = _DATA_SET.fullmatch(word.removeprefix("tfds:")) if is_asked else None
    if is_asked and found is None:
        raise InvalidInputError(f"{word!r} is no data set. Write it as in tfds:cifar10:test.")
    return found


def _folder(name: str) -> str | None:
    from tfxai.data.cifar10 import find_data_dir

    found = find_data_dir() if name.partition(":")[0] == "cifar10" else None
    return None if found is None else str(found)


def _folder_of_images(folder: str, fields: Fields) -> ImageFiles:
    _check_of_files(fields)
    found = labelled_files(folder)
    labels = tuple(label for _, label in found if label is not None)
    marked = tuple(_sized(str(path)) for path, _ in found)
    return ImageFiles(marked, labels or None)


def _check_of_files(fields: Fields) -> None:
    if fields != Fields():
        raise InvalidInputError(
            f"Fields were named ({', '.join(_named(fields))}), and files of images have none. "
            "Leave them out; the class of an image is the folder that it lies in, and --where "
            "knows prediction, probability, label and key."
        )


def _named(fields: Fields) -> list[str]:
    given = (*fields.inputs, fields.label, fields.key, *fields.keep)
    return [one for one in given if one is not None]


def _matches(word: str) -> list[str]:
    if "://" in word:
        raise InvalidInputError(
            f"{word!r} is an address, and files are read from folders. Mount the storage as a "
            "folder, or use tfxai.batch.Explainer in a pipeline that reads it."
        )
    found = sorted(path for path in glob.glob(word, recursive=True) if Path(path).is_file())  # noqa: PTH207
    if not found:
        raise DataNotFoundError(f"{word!r} matches no file. Correct the path or the pattern.")
    return found


def _format(paths: Sequence[str]) -> str:
    kinds = {path: _of_name(Path(path).name.lower()) for path in paths}
    unknown = next((path for path, kind in kinds.items() if kind is None), None)
    if unknown is not None:
        raise InvalidInputError(
            f"The name {unknown!r} does not say what the file holds. Pass --input-format: "
            f"{', '.join(FORMATS)}."
        )
    several = sorted(str(kind) for kind in set(kinds.values()))
    if len(several) > 1:
        raise InvalidInputError(
            f"The files are of several formats: {', '.join(several)}. Pass those of one."
        )
    return several[0]


def _of_name(name: str) -> str | None:
    suffix = Path(name).suffix
    if suffix in SUFFIXES:
        return "images"
    if "tfrecord" in name:
        return "tfrecord"
    return _ENDINGS.get(suffix)


def _source(kind: str, paths: Sequence[str], fields: Fields) -> Source:
    if kind == "images":
        _check_of_files(fields)
        folders = {Path(path).parent.name for path in paths}
        labels = tuple(Path(path).parent.name for path in paths) if len(folders) > 1 else None
        return ImageFiles(tuple(map(_sized, paths)), labels)
    if kind == "jsonl":
        return JsonLines(_marked(lines.mark, paths), fields)
    if kind == "parquet":
        from tfxai.batch.sources import tables

        return tables.Parquet(_marked(tables.mark, paths), fields)
    from tfxai.batch.sources import records

    return records.TfRecords(_marked(records.mark, paths), fields)


def _sized(path: str) -> Marked:
    return Marked(path, Path(path).stat().st_size, 1)


def _marked(mark: Callable[[str, int], Marked], paths: Sequence[str]) -> tuple[Marked, ...]:
    found = []
    for path in paths:
        try:
            found.append(mark(path, Path(path).stat().st_size))
        except OSError as error:
            raise InvalidInputError(
                f"{path!r} cannot be read: {error.strerror or error}. Pass an intact file."
            ) from error
    return tuple(found)
