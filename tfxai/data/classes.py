"""Names of a model's classes from a file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tfxai.errors import DataNotFoundError, InvalidInputError


def read_classes(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names in a file, in the order of the outputs.

    Args:
        path: JSON: a list of names, or an object from each output's number to its name or to a
            list that ends in the name, as Keras' `imagenet_class_index.json`. A file that is not
            JSON is text with one name per line; empty lines at its end do not count.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It holds no names, or some output has none.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataNotFoundError(
            f"There is no file {str(path)!r}. Pass one with the names of the classes."
        ) from error
    except (OSError, ValueError) as error:
        raise _no_names(path, "cannot be read as text") from error
    names = _listed(path, text)
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise _no_names(path, f"has no name for output {number}")
    if not names:
        raise _no_names(path, "is empty")
    return tuple(name.strip() for name in names)


def _listed(path: Path, text: str) -> list[Any]:
    """What stands for each output, not yet known to be names."""
    try:
        record = json.loads(text)
    except ValueError as error:
        if path.suffix.lower() == ".json":
            raise _no_names(path, "cannot be read as JSON") from error
        return text.rstrip().splitlines()
    if isinstance(record, list):
        return record
    if not isinstance(record, dict):
        return text.rstrip().splitlines()  # a single name that JSON would take for a number
    found = [record.get(str(number)) for number in range(len(record))]
    return [one[-1] if isinstance(one, list) and one else one for one in found]


def _no_names(path: Path, what: str) -> InvalidInputError:
    return InvalidInputError(
        f"The file of classes {str(path)!r} {what}. Pass a JSON list of names in the order of the "
        "outputs, Keras' imagenet_class_index.json, or a text with one name per line."
    )
