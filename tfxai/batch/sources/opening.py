"""From the words of a user to a source."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from tfxai.batch.sources import datasets, lines
from tfxai.batch.sources.images import ImageFiles
from tfxai.batch.sources.lines import JsonLines
from tfxai.batch.sources.rows import Fields, Marked, Source
from tfxai.data.folders import labelled_files
from tfxai.data.images import SUFFIXES
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, UnknownNameError

FORMATS = ("images", "tfrecord", "parquet", "jsonl")
"""Formats of files."""
_DATA_SET = re.compile(r"(?P<name>[^:]+(?::\d[\d.]*)?):(?P<split>[A-Za-z_]\w*(?:\[.*\])?)")
_ENDINGS = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def open_source(
    words: str | Sequence[str], fields: Fields | None = None, format: str | None = None
) -> Source:
    """The examples that the words mean.

    Args:
        words: Globs or paths of files, folders of images or of class folders, or one data set
            of tensorflow-datasets as `tfds:NAME:SPLIT` (`cifar10:test` for short). A file that
            is given twice is taken once. A single one needs no list.
        fields: Which fields of an example mean what, such as `Fields(("age", "income"), "label")`.
        format: One of `FORMATS`, where the names of the files do not say it.

    Warns:
        TfxaiWarning: Something in a folder is left out, as `tfxai.data.folders.labelled_files`.

    Raises:
        DataNotFoundError: A glob matches nothing, or a data set is not there.
        InvalidInputError: The files are of several formats, of none that is known, or hold no
            example.
        MissingExtraError: What reads them is not installed.
    """
    if format is not None and format not in FORMATS:
        raise UnknownNameError.of("format", format, FORMATS)
    fields = fields or Fields()
    if not isinstance(fields, Fields):
        raise InvalidInputError(
            f"fields={fields!r} was expected to be tfxai.batch.Fields, such as "
            "Fields(('age', 'income'), label='label')."
        )
    words = [words] if isinstance(words, str) else [os.fspath(word) for word in words]
    if len(words) == 1 and (found := _data_set(words[0])):
        return datasets.find(found["name"], found["split"], _folder(found["name"]), fields)
    unique: dict[str, _Given] = {}  # a file given twice is explained once
    for word in words:
        for one in _matches(word, format):
            unique.setdefault(_whole(one.path), one)
    given = list(unique.values())
    paths = [one.path for one in given]
    kind = format or _format(paths)
    if kind == "images":
        _check_of_files(fields)
        return _images(given)
    source = _source(kind, paths, fields)
    if source.count == 0:
        raise InvalidInputError(f"{words[0]!r} holds no examples. Pass files that hold some.")
    return source


@dataclasses.dataclass(frozen=True)
class _Given:
    """A file that a word means.

    Args:
        path: Where it is.
        label: The folder that it lies in; None where it lies beside class folders.
        is_of_class: Whether that is a class folder of a folder that was given.
    """

    path: str
    label: str | None
    is_of_class: bool = False


def _images(given: Sequence[_Given]) -> ImageFiles:
    labels = tuple(one.label for one in given)
    is_guess = len(set(labels)) == 1 and not any(one.is_of_class for one in given)
    return ImageFiles(tuple(_sized(one.path) for one in given), labels, is_guess)


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


def _of_folder(folder: str) -> list[_Given]:
    """The images of a folder, and of its class folders where it has some."""
    found = labelled_files(folder)
    if all(label is None for _, label in found):
        return [_Given(str(path), _parent(str(path))) for path, _ in found]
    return [_Given(str(path), label, label is not None) for path, label in found]


def _parent(path: str) -> str:
    return Path(_whole(path)).parent.name


def _whole(path: str) -> str:
    """The path from the root, links as they are."""
    return os.path.abspath(path)  # noqa: PTH100 - which follows links


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


def _matches(word: str, format: str | None) -> list[_Given]:
    """The files that a word means: a file, a folder of images, or a glob of files and folders."""
    if "://" in word:
        raise InvalidInputError(
            f"{word!r} is an address, and files are read from folders. Mount the storage as a "
            "folder, or use tfxai.batch.Explainer in a pipeline that reads it."
        )
    if _data_set(word):
        raise InvalidInputError(f"{word!r} is a data set, and others came. Pass it alone.")
    if Path(word).is_file():
        return [_Given(word, _parent(word))]
    is_of_images = format in (None, "images")
    if Path(word).is_dir():
        if is_of_images:
            return _of_folder(word)
        pattern = str(Path(word, "*"))
        raise InvalidInputError(
            f"{word!r} is a folder, and only images are taken from one. Pass a pattern of the "
            f"files, such as {pattern!r}."
        )
    paths = sorted(glob.glob(word, recursive=True))  # noqa: PTH207
    found = [_Given(path, _parent(path)) for path in paths if Path(path).is_file()]
    if is_of_images and "**" not in word:  # which matches the files in the folders, too
        found += _of_folders([path for path in paths if Path(path).is_dir()])
    dangling = [path for path in paths if not Path(path).exists()]
    if found and dangling:
        links = "1 link" if len(dangling) == 1 else f"{len(dangling):,} links"
        warnings.warn(
            f"Left out of {word!r}: {links} to nothing, such as {dangling[0]!r}.",
            TfxaiWarning,
            stacklevel=3,
        )
    if not found:
        raise DataNotFoundError(f"{word!r} matches no file. Correct the path or the pattern.")
    return found


def _of_folders(folders: Sequence[str]) -> list[_Given]:
    """The images of the folders that hold some."""
    found, reasons = [], []
    for folder in folders:
        try:
            found += _of_folder(folder)
        except InvalidInputError as error:
            reasons.append(str(error))
    for reason in reasons if found else ():
        warnings.warn(reason, TfxaiWarning, stacklevel=4)
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
    if kind == "jsonl":
        return JsonLines(_marked(lines.mark, paths), fields)
    if kind == "parquet":
        from tfxai.batch.sources import tables

        return tables.Parquet(_marked(tables.mark, paths), fields)
    from tfxai.batch.sources import records

    return records.TfRecords(_marked(records.mark, paths), fields)


def _sized(path: str) -> Marked:
    found = Path(path).stat()
    return Marked(path, found.st_size, 1, modified=found.st_mtime_ns)


def _marked(mark: Callable[[str, int], Marked], paths: Sequence[str]) -> tuple[Marked, ...]:
    found = []
    for path in paths:
        try:
            stat = Path(path).stat()
            found.append(dataclasses.replace(mark(path, stat.st_size), modified=stat.st_mtime_ns))
        except OSError as error:
            raise InvalidInputError(
                f"{path!r} cannot be read: {error.strerror or error}. Pass an intact file."
            ) from error
    return tuple(found)
