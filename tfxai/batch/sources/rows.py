"""What a source gives: one example after another, or why one cannot be read."""

from __future__ import annotations

import abc
import dataclasses
import functools
import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, cast

from tfxai.errors import InvalidInputError, nearest


@dataclasses.dataclass(frozen=True)
class Fields:
    """Which fields of an example mean what.

    Args:
        inputs: Those that the model is given; empty for the one that can be told.
        label: That of the true class, None where there is none.
        key: That of the name of the example; None names it by its place.
        keep: Others that are wanted.
        likely: Names of the model's inputs, which are taken where no inputs are named: all of
            several, and that of one where an example has it.
    """

    inputs: tuple[str, ...] = ()
    label: str | None = None
    key: str | None = None
    keep: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()

    def row(self, key: str, example: Mapping[str, Any]) -> Row:
        """One example by what its fields mean.

        Raises:
            InvalidInputError: A field is missing.
        """
        return Row(
            key if self.key is None else str(_text(_field(example, self.key, "--key-field"))),
            {name: _field(example, name, "--input-field") for name in self._inputs(example)},
            None if self.label is None else _text(_field(example, self.label, "--label-field")),
            {name: _text(_field(example, name, "--keep or --where")) for name in self.keep},
        )

    def _inputs(self, example: Mapping[str, Any]) -> tuple[str, ...]:
        if self.inputs:
            return self.inputs
        if self.likely and all(name in example for name in self.likely):
            return self.likely
        named = {self.label, self.key, *self.keep}
        others = [name for name in example if name not in named]
        return (others[0] if len(others) == 1 else _only(example, self.likely),)


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """One example.

    Args:
        key: Its name.
        inputs: By field what the model is to be given: an array, a number, a text, or the bytes
            of an image file.
        label: Its true class by number or name, None where it is not known.
        kept: The other fields that are wanted.
    """

    key: str
    inputs: dict[str, Any]
    label: Any = None
    kept: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Failure:
    """One example that has no explanation.

    Args:
        key: Its name.
        stage: `"read"`, `"input"` or `"explain"`: how far it came.
        reason: Why, in one sentence.
    """

    key: str
    stage: str
    reason: str

    def to_dict(self) -> dict[str, str]:
        """As in the dead-letter file."""
        return dataclasses.asdict(self)


class Source(Protocol):
    """The examples of a data set in a fixed order; it can be pickled."""

    @property
    def count(self) -> int:
        """How many examples there are."""

    def read(self, start: int, stop: int) -> Iterator[Row | Failure]:
        """The examples from `start` to before `stop`, each read or failed."""

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest: its files by name, size, age and number of examples."""


@dataclasses.dataclass(frozen=True)
class Marked:
    """A file with its number of examples, and where some of them begin.

    Args:
        path: Where it is.
        size: Its bytes.
        count: How many examples it holds.
        marks: Where the examples 0, `every`, 2 `every`, ... begin, in bytes.
        fault: What stopped the count before the end of the file; empty where nothing did.
        modified: When it was last changed, in nanoseconds.
        lines: Lines before each mark, empty ones among them; empty where examples are no lines.
    """

    path: str
    size: int
    count: int
    marks: tuple[int, ...] = ()
    fault: str = ""
    modified: int = 0
    lines: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Files(abc.ABC):
    """Examples with fields, in files that hold many, in the order of the files.

    Args:
        files: The files.
        fields: Which fields mean what.
    """

    files: tuple[Marked, ...]
    fields: Fields
    kind: ClassVar[str]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(file.count for file in self.files)

    @abc.abstractmethod
    def examples(self, file: Marked, first: int, last: int) -> Iterator[Example]:
        """The fields of the examples from `first` to before `last` of a file, or what is wrong."""

    def numbered(self, file: Marked, first: int, last: int) -> Iterator[tuple[int, Example]]:
        """The same, each with the number that names it in its file, from 0."""
        return zip(range(first, last), self.examples(file, first, last), strict=False)

    def read(self, start: int, stop: int) -> Iterator[Row | Failure]:
        """Each example; of a file that has become shorter the last ones are failures."""
        for file, first, last in spans(self.files, start, stop):
            examples = self.numbered(file, first, last)
            for i in range(first, last):
                number, example = next(examples, (i, _SHORTER))
                yield self._row(f"{self._names[file.path]}#{number}", example)

    @functools.cached_property
    def _names(self) -> dict[str, str]:
        """What each file is called in keys: by its name, by its path where two have one name."""
        names = Counter(Path(file.path).name for file in self.files)
        return {
            file.path: readable(
                file.path if names[Path(file.path).name] > 1 else Path(file.path).name
            )
            for file in self.files
        }

    def describe(self) -> dict[str, Any]:
        """What it is, for the manifest."""
        return about(self.kind, self.fields, self.files)

    def _row(self, key: str, example: Example) -> Row | Failure:
        if isinstance(example, InvalidInputError):
            return Failure(key, "read", str(example))
        try:
            return self.fields.row(key, example)
        except InvalidInputError as error:
            return Failure(key, "read", str(error))


Example: TypeAlias = "Mapping[str, Any] | InvalidInputError"
"""The fields of an example, or why it cannot be read."""
_SHORTER = InvalidInputError("It is gone since the file was counted. Begin the run again.")


def readable(path: str) -> str:
    """A path as text that can be written: bytes that are no UTF-8 are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def attempted(read: Callable[[Any], Mapping[str, Any]], given: Any) -> Example:
    """What `read` makes of something, or why it cannot."""
    try:
        return read(given)
    except InvalidInputError as error:
        return error


EVERY = 1000
"""Examples between two marks."""


def spans(files: Sequence[Marked], start: int, stop: int) -> Iterator[tuple[Marked, int, int]]:
    """The files that hold the examples from `start` to before `stop`, with those of each."""
    before = 0
    for file in files:
        first, last = max(start - before, 0), min(stop - before, file.count)
        if first < last:
            yield file, first, last
        before += file.count


def about(kind: str, fields: Fields, files: Sequence[Marked]) -> dict[str, Any]:
    """What a source of files says of itself."""
    digest = hashlib.sha256()
    for file in files:
        known = (file.path, file.size, file.count, file.modified)
        digest.update("".join(f"{one}\0" for one in known).encode(errors="surrogateescape"))
    return {
        "format": kind,
        "files": len(files),
        "bytes": sum(file.size for file in files),
        "files_sha256": digest.hexdigest(),
        "fields": dataclasses.asdict(fields),
    }


def with_likely(source: Source, names: tuple[str, ...]) -> Source:
    """A source that takes the fields called as the model's inputs where none are named."""
    fields = getattr(source, "fields", None)
    if not isinstance(fields, Fields) or fields.inputs:
        return source
    return dataclasses.replace(cast(Any, source), fields=dataclasses.replace(fields, likely=names))


def _field(example: Mapping[str, Any], name: str, option: str) -> Any:
    if name in example:
        return example[name]
    known = list(example)
    close = nearest(name, known)
    listed = ", ".join(map(repr, close or known[:8])) or "none"
    more = ""
    if "--where" in option:
        more = " A condition knows prediction, probability, label and key as well."
    raise InvalidInputError(
        f"It has no field {name!r} ({option}), only {listed}. Name one that is there.{more}"
    )


def _only(example: Mapping[str, Any], likely: tuple[str, ...]) -> str:
    if len(example) == 1:
        return next(iter(example))
    for name in ("inputs", "image", "image/encoded", "text", "sentence"):
        if name in example and len(likely) < 2:
            return name
    listed = ", ".join(map(repr, list(example)[:8])) or "none"
    if len(likely) > 1:
        raise InvalidInputError(
            f"Its fields are {listed}, and the model has the inputs {', '.join(likely)}. Call the "
            "fields as the inputs."
        )
    raise InvalidInputError(
        f"Its fields are {listed}, and none of them is known to be the input. Name it with "
        "--input-field."
    )


def _text(value: Any) -> Any:
    """Bytes as text, an array of one number as the number."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if getattr(value, "shape", None) in ((), (1,)):
        return value.item()
    return value
