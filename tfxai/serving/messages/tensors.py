"""Requests and answers of `:predict`, as arrays: rows, columns, base64."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.serving.messages.problems import bad
from tfxai.serving.messages.signatures import End, Signature

Feeds = dict[str, Array]
DEFAULT = "serving_default"
_FLOATS = {2: "half", 4: "float", 8: "double"}
_LISTS = ("[[1], [2]]", '[["a text"], ["another"]]')
_BYTES = "_bytes"  # how the name of an output ends whose texts are sent in base64


def signature_of(body: Any, signatures: Mapping[str, Signature]) -> tuple[str, Signature]:
    """Name and signature that a request asks for.

    Raises:
        RequestError: 400, the body is no object, or there is no such signature.
    """
    if not isinstance(body, dict):
        raise bad("The body was expected to be a JSON object with 'instances' or 'inputs'.")
    name = body.get("signature_name", DEFAULT)
    if not isinstance(name, str):
        raise bad("'signature_name' was expected to be a text.")
    name = name or DEFAULT
    if name not in signatures:
        raise bad(f'Serving signature name: "{name}" not found in signature def')
    return name, signatures[name]


def read_feeds(body: dict[str, Any], signature: Signature) -> tuple[Feeds, bool]:
    """The inputs of a request, and whether they came in rows. Other keys are ignored.

    Raises:
        RequestError: 400, they are not what the signature takes.
    """
    if "instances" in body:
        if "inputs" in body:
            raise bad(
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to "
                "exist, and both came."
            )
        return read_rows(body["instances"], signature.inputs), True
    if "inputs" not in body:
        raise bad("Missing 'inputs' or 'instances' key")
    return _read_columns(body["inputs"], signature.inputs), False


def read_rows(instances: Any, ends: Mapping[str, End]) -> Feeds:
    """Arrays of a list with an element for each example."""
    if not isinstance(instances, list) or not instances:
        raise bad("'instances' was expected to be a list with at least one element.")
    named = [isinstance(one, dict) and not is_base64(one) for one in instances]
    if any(named) and not all(named):
        raise bad("'instances' mixes objects and plain values. Send all of one kind.")
    if not any(named):
        if len(ends) != 1:
            raise bad(
                f"instances is a plain list, but the signature takes {len(ends)} inputs. Send an "
                f"object for each: keys must be equal to: {','.join(sorted(ends))}"
            )
        (name,) = ends
        return {name: read_array(name, instances, ends[name])}
    for number, one in enumerate(instances):
        if set(one) != set(ends):
            raise bad(
                f"Failed to process element: {number} of 'instances' list. "
                f"keys must be equal to: {','.join(sorted(ends))}"
            )
    return {
        name: read_array(name, [one[name] for one in instances], end) for name, end in ends.items()
    }


def _read_columns(inputs: Any, ends: Mapping[str, End]) -> Feeds:
    if len(ends) == 1 and (not isinstance(inputs, dict) or is_base64(inputs)):
        (name,) = ends
        return {name: read_array(name, inputs, ends[name])}
    if not isinstance(inputs, dict):
        raise bad(f"'inputs' was expected to be an object with {', '.join(sorted(ends))}.")
    for name in ends:
        if name not in inputs:
            raise bad(f"Missing named input: {name} in 'inputs' object.")
    return {name: read_array(name, inputs[name], end) for name, end in ends.items()}


def is_base64(value: Any) -> bool:
    """Whether a value is `{"b64": ...}`."""
    return isinstance(value, dict) and set(value) == {"b64"}


def decode_base64(name: str, value: Any) -> bytes:
    """The bytes of `{"b64": ...}`.

    Raises:
        RequestError: 400, they are none.
    """
    try:
        return base64.b64decode(value["b64"].encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error) as error:
        raise bad(
            f"Input {name!r} has a 'b64' that is no base64. Send A-Z, a-z, 0-9, + and / with = at "
            "the end, without line breaks and without 'data:...'."
        ) from error


def read_array(name: str, value: Any, end: End) -> Array:
    """An array of the type and shape that an input has.

    Raises:
        RequestError: 400, the value is of another one.
    """
    if not end.is_plain:
        raise bad(f"The tensor {name!r} is of the type {end.dtype[:50]}, which cannot be sent.")
    array = _texts(name, value) if end.dtype == "string" else _numbers(name, value, end)
    if array.ndim == 1 and end.shape is not None and end.shape[1:] == (1,):
        raise bad(
            f"Input {name!r} has the shape {list(array.shape)}, and (any, 1) is expected. Put "
            f"each value into a list of its own: {_LISTS[end.dtype == 'string']}."
        )
    check_shape(name, array.shape, end)
    return array


def check_shape(name: str, shape: tuple[int, ...], end: End) -> None:
    """Raises `RequestError`, 400, where a tensor does not fit."""
    if end.shape is None:
        return
    fits = len(shape) == len(end.shape) and all(
        want in (None, n) for n, want in zip(shape, end.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in end.shape)
        raise bad(f"Input {name!r} has the shape {list(shape)}, and ({wanted}) is expected.")


def _numbers(name: str, value: Any, end: End) -> Array:
    wanted = np.dtype(end.dtype if end.dtype != "bfloat16" else "float32")
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError, RecursionError) as error:
        raise bad(f"Input {name!r} is no tensor: its lists differ in length or depth.") from error
    kinds = {"f": "fiu", "b": "b"}.get(wanted.kind, "iu")
    if isinstance(value, list) and any(map(is_base64, value)):
        raise bad(f"Input {name!r} takes numbers. An image in base64 is read by :explain alone.")
    if array.size and (array.dtype.kind not in kinds or _mixes(value, array.ndim, wanted)):
        raise bad(f"Input {name!r} was expected to hold {_called(wanted)} only.")
    with np.errstate(over="ignore"):
        made = array.astype(wanted)
    if wanted.kind == "f":
        _check_precision(name, value, array, wanted)
    if wanted.kind in "iu" and array.size and not np.array_equal(made, array):
        raise bad(f"Input {name!r} has a number that {wanted.name} cannot hold.")
    return made


def _mixes(value: Any, ndim: int, wanted: np.dtype[Any]) -> bool:
    """Whether true or false stands among numbers, of which NumPy would make 1 and 0."""
    if wanted.kind == "b":
        return False
    return bool in set(map(type, itertools.chain.from_iterable(_rows(value, ndim))))


def _rows(value: Any, ndim: int) -> Iterator[Sequence[Any]]:
    """The innermost lists of a tensor of so many axes, its scalar as a list of one."""
    if ndim == 0:
        return iter([[value]])
    rows = iter([value])
    for _ in range(ndim - 1):
        rows = itertools.chain.from_iterable(rows)
    return rows


def _check_precision(name: str, value: Any, array: Array, wanted: np.dtype[Any]) -> None:
    """Refuses what TensorFlow Serving refuses: numbers that a type of floats would change.

    These are finite ones beyond its range, and whole ones with more digits than it has.
    """
    kind, sizes = np.finfo(wanted), np.abs(array.astype(np.float64))
    whole = 2 ** (kind.nmant + 1) - 1  # the largest one below which none is left out
    if not (sizes > whole).any():
        return
    lost = np.isfinite(sizes) & (sizes > float(kind.max))
    if array.dtype.kind in "iu":
        lost |= sizes > whole
    elif not lost.any():
        numbers = itertools.chain.from_iterable(_rows(value, array.ndim))
        lost = np.array([isinstance(one, int) and abs(one) > whole for one in numbers])
    if lost.any():
        came = array.ravel()[lost.ravel().argmax()]
        raise bad(
            f"Input {name!r}: Cannot convert JSON value: {came} to {_FLOATS[wanted.itemsize]} "
            "without loss of precision."
        )


def _called(kind: np.dtype[Any]) -> str:
    return {"f": "numbers", "b": "true and false"}.get(kind.kind, "whole numbers")


def _texts(name: str, value: Any) -> Array:
    """Texts and `{"b64": ...}` in lists, as an array of bytes."""
    if isinstance(value, str):
        return np.array(value.encode("utf-8", "surrogatepass"), dtype=object)
    if is_base64(value):
        return np.array(decode_base64(name, value), dtype=object)
    if not isinstance(value, list):
        raise bad(f'Input {name!r} was expected to hold texts or {{"b64": ...}} only.')
    parts = [_texts(name, one) for one in value]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1 or any(len(shape) > 8 for shape in shapes):
        raise bad(f"Input {name!r} is no tensor: its lists differ in length or depth.")
    made = np.empty((len(parts), *(next(iter(shapes)) if shapes else ())), dtype=object)
    for i, part in enumerate(parts):
        made[i] = part if part.ndim else part.item()
    return made


def write_answer(outputs: Mapping[str, Array], *, rows: bool) -> dict[str, Any]:
    """The answer to a request that came in rows, or in columns."""
    shown = {name: _shown(name, array) for name, array in outputs.items()}
    if not rows:
        return {"outputs": next(iter(shown.values())) if len(shown) == 1 else shown}
    sizes = {np.shape(array)[:1] for array in outputs.values()}
    if len(sizes) != 1 or sizes == {()}:
        raise bad(
            "The outputs have no batch axis in common, as an answer in rows needs. Ask in "
            "columns: 'inputs' in the place of 'instances'."
        )
    if len(shown) == 1:
        return {"predictions": next(iter(shown.values()))}
    ((count,),) = sizes
    return {"predictions": [{name: part[i] for name, part in shown.items()} for i in range(count)]}


def _shown(name: str, array: Array) -> Any:
    array = np.asarray(array)
    if array.dtype.kind not in "OS":
        return array
    if name.endswith(_BYTES):
        return np.vectorize(bytes, otypes=[object])(array) if array.size else array
    texts = [bytes(one).decode("utf-8", "replace") for one in array.ravel()]
    made = np.empty(array.shape, dtype=object)
    made[...] = np.array(texts, dtype=object).reshape(array.shape)
    return made


def read_answer(body: Any, signature: Signature) -> Feeds:
    """The outputs in an answer that came in columns.

    Raises:
        KeyError, TypeError: An output is missing.
        RequestError: 400, one is of another type or shape.
    """
    given = body["outputs"]
    ends = signature.outputs
    if len(ends) == 1:
        given = {next(iter(ends)): given}
    return {name: read_array(name, given[name], end) for name, end in ends.items()}
