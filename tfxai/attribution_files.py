"""Attributions in `.npz` files that hold no pickle."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tfxai.arrays import Array
from tfxai.columns import columns_from_json, columns_to_json
from tfxai.core.inputs.frozen_arrays import FrozenArray, replaced
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing
from tfxai.tokens import Tokens

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

PER_EXAMPLE = (
    "target", "score", "probability", "baseline_score", "completeness_gap", "prediction"
)  # fmt: skip
FORMAT = 1
_APART = "array kept as"
"""The key in a file's JSON whose value names the array that stands there."""
_UNREADABLE = (
    AttributeError, EOFError, KeyError, OSError, RuntimeError, TypeError, ValueError,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zipfile, json and this module raise on a file of other content."""


def about(one: Attribution) -> dict[str, Any]:
    """All but the arrays and the method, as JSON takes it."""
    return {
        "format": FORMAT,
        "score_name": one.score_name,
        "at": one.at,
        "is_map": one.is_map,
        "is_signed": one.is_signed,
        "channels": one.channels,
        "class_names": one.class_names and list(one.class_names),
        "preprocessing": one.preprocessing and one.preprocessing.to_dict(),
        "axes": one.axes,
        "layer_axes": one.layer_axes,
        "map_input": one.map_input,
        "held": list(one.held),
        "notes": list(one.notes),
        "columns": columns_to_json(one.columns),
        "remarks": one.remarks,
    }


def written(one: Attribution, path: str | os.PathLike[str]) -> Path:
    """The file to which everything was written; see `Attribution.save`."""
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    arrays: dict[str, Array] = {}
    for field in ("values", "inputs", "details"):
        for name, array in named(getattr(one, field)).items():
            arrays[f"{field}/{name}" if name else field] = array
    for name, array in (one.text.arrays() if one.text is not None else {}).items():
        arrays[f"text/{name}"] = array
    for name in PER_EXAMPLE:
        if getattr(one, name) is not None:
            arrays[name] = np.asarray(getattr(one, name))

    def apart(content: FrozenArray) -> dict[str, str]:
        key = f"option/{content.digest}"
        arrays[key] = content.array
        return {_APART: key}

    record = {**about(one), "method": replaced(one.method, apart)}
    arrays["about"] = np.array(json.dumps(record))
    with replacing(target) as beside, beside.open("wb") as file:
        np.savez_compressed(file, **cast(Any, arrays))
    return target


def read(path: str | os.PathLike[str], make: Callable[..., Any]) -> Any:
    """What a file holds; see `Attribution.load`.

    Args:
        path: Path of the file; `.npz` may be left out.
        make: Makes an attribution of its fields.
    """
    if not Path(path).is_file() and Path(f"{path}.npz").is_file():
        path = f"{path}.npz"
    if not Path(path).is_file():
        raise DataNotFoundError(f"There is no file {str(path)!r}. Pass a .npz file of save().")
    try:
        # opened here: NumPy leaves a file open that turns out to be no archive
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}

        def put_back(stored: dict[str, Any]) -> Any:
            return FrozenArray(arrays[stored[_APART]]) if _APART in stored else stored

        record = json.loads(str(arrays.pop("about")), object_hook=put_back)
        return make(**_fields(arrays, record))
    except _UNREADABLE as error:
        raise InvalidInputError(
            f"{str(path)!r} holds no attribution, or not the whole of one. "
            "Pass a file that save() wrote."
        ) from error


def _fields(arrays: dict[str, Array], record: dict[str, Any]) -> dict[str, Any]:
    """The fields of an attribution, from the arrays of a file and its JSON."""
    if (version := record.pop("format")) != FORMAT:
        raise ValueError(f"format {version}, and {FORMAT} was expected")
    preprocessing = record.pop("preprocessing")
    names = record.pop("class_names")
    record.pop("remarks", None)  # they follow from the rest
    for name in ("held", "notes"):
        record[name] = tuple(record.get(name, ()))
    return {
        "values": _gathered(arrays, "values"),
        "inputs": _gathered(arrays, "inputs"),
        "details": {
            name.removeprefix("details/"): array
            for name, array in arrays.items()
            if name.startswith("details/")
        },
        "text": _text(arrays),
        "preprocessing": preprocessing and Preprocessing.from_dict(preprocessing),
        "class_names": names and tuple(names),
        "target": arrays["target"],
        "score": arrays["score"],
        **{name: arrays.get(name) for name in PER_EXAMPLE[2:]},
        **record,
        "columns": columns_from_json(record.get("columns", ())),
    }


def _text(arrays: dict[str, Array]) -> Tokens | None:
    """The tokens of a file's texts, where it has any."""
    found = {name[5:]: array for name, array in arrays.items() if name.startswith("text/")}
    return Tokens(**found) if found else None


def named(values: Any) -> dict[str, Array]:
    """Arrays by name; the only one has none."""
    return values if isinstance(values, dict) else {"": values}


def _gathered(arrays: dict[str, Array], field: str) -> Any:
    if field in arrays:
        return arrays[field]
    head = f"{field}/"
    found = {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}
    if not found:
        raise KeyError(field)
    return found
