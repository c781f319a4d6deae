"""JSON as TensorFlow Serving reads and writes it: numbers may be NaN and Infinity."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import orjson

from tfxai.arrays import Array
from tfxai.serving.messages.problems import bad

_LISTS = 2**22  # of a text: an empty one takes thirty times its bytes once it is read


def read(data: bytes, what: str = "The body") -> Any:
    """What a text holds.

    Raises:
        RequestError: 400, it is no JSON.
    """
    lists = data.count(b"[") + data.count(b"{")
    if lists > _LISTS:
        raise bad(f"{what} has {lists:,} lists and objects, of {_LISTS:,} at most. Send less.")
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        problem = error
    try:  # the slower one takes NaN, Infinity and -Infinity, as TensorFlow Serving does
        if any(word in data for word in (b"NaN", b"Infinity")):
            return json.loads(data)
    except (ValueError, RecursionError):
        pass
    raise bad(f"JSON Parse error: {_no_json(data, what, problem)}")


def _no_json(data: bytes, what: str, problem: Exception) -> str:
    """What came instead, and what to do."""
    for start, sentence in _OTHERS.items():
        if data.startswith(start):
            return f"{what} {sentence}"
    if not data.strip():
        return f"{what} is empty. Send one JSON object."
    try:
        data.decode()
    except UnicodeDecodeError:
        return f"{what} is no text in UTF-8. Send one JSON object, bytes in it in base64."
    return f"{what} is no JSON: {problem}. Send one JSON object."


_PICTURE = 'is a picture. Send it in base64 in a JSON object: {"instances": [{"b64": "..."}]}.'
_OTHERS = {
    b"\x1f\x8b": "is compressed by gzip. Say so by the header Content-Encoding: gzip.",
    b"\xff\xd8\xff": _PICTURE,
    b"\x89PNG": _PICTURE,
    b"GIF8": _PICTURE,
    b"RIFF": _PICTURE,
    b"--": "is a form. Send one JSON object.",
}
"""How bodies begin that are something else, and what is said of them."""


def rewritten(data: bytes, content: Any) -> bytes:
    """What `read` made of a text, as a text that every reader reads alike: no name comes twice."""
    if any(word in data for word in (b"NaN", b"Infinity")):
        return json.dumps(content).encode()
    return orjson.dumps(content)


def write(content: Any) -> bytes:
    """A text of plain types, bytes (as `{"b64": ...}`) and arrays."""
    try:
        return orjson.dumps(_finite(content), default=_other, option=orjson.OPT_SERIALIZE_NUMPY)
    except _NotFiniteError:
        return json.dumps(_plain(content)).encode()


def b64(data: bytes) -> dict[str, str]:
    """Bytes as TensorFlow Serving has them in JSON."""
    return {"b64": base64.b64encode(data).decode()}


class _NotFiniteError(Exception):
    """A number that strict JSON cannot write, and Python's own module can."""


def _finite(content: Any) -> Any:
    """Arrays as orjson takes them: contiguous, of a type that it knows, finite."""
    if isinstance(content, dict):
        return {str(key): _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    if isinstance(content, np.generic):
        content = np.asarray(content)
    if isinstance(content, float) and not np.isfinite(content):
        raise _NotFiniteError
    if not isinstance(content, np.ndarray):
        return content
    array = _known(content)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise _NotFiniteError
    if array.dtype == object or array.ndim == 0:
        return _finite(array.tolist())
    return np.ascontiguousarray(array)


def _plain(content: Any) -> Any:
    if isinstance(content, dict):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if isinstance(content, np.ndarray | np.generic):
        return _plain(_shortest(_known(np.asarray(content))))
    return b64(content) if isinstance(content, bytes) else content


def _shortest(array: Array) -> Any:
    """float32 numbers by their own shortest digits, not those of the float64 they become."""
    if array.dtype != np.float32:
        return array.tolist()
    flat = [float(str(one)) for one in array.ravel()]
    return np.array(flat).reshape(array.shape).tolist()


def _known(array: Array) -> Array:
    if array.dtype.kind in "biu" or array.dtype in (np.float32, np.float64, object):
        return array
    return array.astype(np.float32)  # half precision, bfloat16


def _other(content: Any) -> Any:
    if isinstance(content, bytes):
        return b64(content)
    raise TypeError(f"{type(content).__name__} is nothing that JSON has")
