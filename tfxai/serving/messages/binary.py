"""Tensors as bytes, as the Open Inference Protocol sends them beside JSON and over gRPC.

Numbers are little-endian in C order; each of BYTES has its length before it, as uint32.
"""

from __future__ import annotations

import math
import struct

import numpy as np

from tfxai.arrays import Array
from tfxai.serving.messages.problems import RequestError, bad
from tfxai.serving.messages.signatures import End
from tfxai.serving.messages.tensors import check_shape

DATATYPES = {
    "bool": "BOOL", "uint8": "UINT8", "uint16": "UINT16", "uint32": "UINT32", "uint64": "UINT64",
    "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64", "float16": "FP16",
    "float32": "FP32", "float64": "FP64", "string": "BYTES", "bfloat16": "BF16",
}  # fmt: skip
"""TensorFlow's names of types, and the protocol's."""
_AXES = 32
_LENGTH = struct.Struct("<I")


def datatype(end: End) -> str:
    """The protocol's name of a type."""
    return DATATYPES.get(end.dtype, end.dtype)


def is_possible(shape: list[int]) -> bool:
    """Whether an array can have that shape at all."""
    return len(shape) <= _AXES and math.prod(n or 1 for n in shape) < 2**40


def read_binary(name: str, data: bytes, shape: list[int], end: End) -> Array:
    """The array in the bytes of an input; bfloat16 as float32.

    Raises:
        RequestError: 400, they are no tensor of that shape, or the shape is not the input's.
    """
    if end.dtype not in DATATYPES:
        raise bad(f"Input {name!r} is of the type {end.dtype}, which the protocol cannot send.")
    check_shape(name, tuple(shape), end)
    if end.dtype == "string":
        return _texts(name, data, shape)
    kind = np.dtype("<u2" if end.dtype == "bfloat16" else end.dtype).newbyteorder("<")
    if len(data) != math.prod(shape) * kind.itemsize:
        raise bad(
            f"Input {name!r} has {len(data)} bytes, and its shape {shape} of {datatype(end)} "
            f"{math.prod(shape) * kind.itemsize}."
        )
    if end.dtype == "bool":
        return np.frombuffer(data, np.uint8).reshape(shape) != 0
    array = np.frombuffer(data, kind).reshape(shape)
    if end.dtype == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def _texts(name: str, data: bytes, shape: list[int]) -> Array:
    count, at = math.prod(shape), 0
    texts: list[bytes] = []
    try:
        while at < len(data) and len(texts) < count:
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + length
            if at > len(data):
                raise _no_texts(name, count)
            texts.append(data[at - length : at])
    except struct.error as error:
        raise _no_texts(name, count) from error
    if at != len(data) or len(texts) != count:
        raise _no_texts(name, count)
    made = np.empty(count, object)
    made[:] = texts
    return made.reshape(shape)


def _no_texts(name: str, count: int) -> RequestError:
    return bad(
        f"Input {name!r} was expected to have {count} texts, each with its length before it as 4 "
        "bytes, little-endian."
    )


def write_binary(array: Array, end: End) -> bytes:
    """The bytes of an output."""
    array = np.asarray(array)
    if end.dtype == "string":
        texts = [bytes(one) for one in array.ravel()]
        return b"".join(part for one in texts for part in (_LENGTH.pack(len(one)), one))
    if end.dtype == "bfloat16":
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
        return np.ascontiguousarray(bits >> 16, "<u2").tobytes()  # the lower half is 0
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
