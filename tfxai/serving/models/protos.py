"""Arrays in TensorFlow's messages, without importing TensorFlow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tfxai.arrays import Array

_CODES = {  # DT_... of types.proto to NumPy's types, and the field that has them one by one
    1: ("float32", "float_val"), 2: ("float64", "double_val"), 3: ("int32", "int_val"),
    4: ("uint8", "int_val"), 5: ("int16", "int_val"), 6: ("int8", "int_val"),
    9: ("int64", "int64_val"), 10: ("bool", "bool_val"), 17: ("uint16", "int_val"),
    22: ("uint32", "uint32_val"), 23: ("uint64", "uint64_val"),
}  # fmt: skip
STRING, HALF, BFLOAT16 = 7, 19, 14
NAMES = {code: name for code, (name, _) in _CODES.items()} | {
    STRING: "string",
    HALF: "float16",
    BFLOAT16: "bfloat16",
}
CODES = {name: code for code, name in NAMES.items()}
MOST = 2**30
"""Bytes of a tensor, unless one says less."""


def write_tensor(array: Array, proto: Any) -> None:
    """Puts an array, or an array of bytes, into a `TensorProto`."""
    array = np.asarray(array)
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    if array.dtype.kind in "OSU":
        proto.dtype = STRING
        proto.string_val.extend(bytes(one) for one in array.ravel())
        return
    proto.dtype = CODES[array.dtype.name]
    proto.tensor_content = np.ascontiguousarray(array).tobytes()


def read_tensor(proto: Any, most: int = MOST) -> Array:
    """The array in a `TensorProto`, bfloat16 as float32.

    Args:
        proto: The message.
        most: Bytes of the array; its message may be much smaller, since a number stands for all
            that follow it.

    Raises:
        ValueError, OverflowError: It holds none that JSON could have, or a larger one.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape) or math.prod(shape) * _size(proto.dtype) > most:
        raise ValueError(f"a tensor of the shape {shape[:8]}, of {most:,} bytes at most")
    if proto.dtype == STRING:
        made = np.empty(len(proto.string_val), object)
        made[:] = list(proto.string_val)
        return _filled(made, shape)
    if proto.dtype in (HALF, BFLOAT16):
        bits = np.array(proto.half_val, np.uint16)
        if proto.tensor_content:
            bits = np.frombuffer(proto.tensor_content, np.uint16)
        if proto.dtype == HALF:
            return _filled(bits.view(np.float16), shape)
        return _filled((bits.astype(np.uint32) << 16).view(np.float32), shape)
    if proto.dtype not in _CODES:
        raise ValueError(f"a tensor of type {proto.dtype}")
    kind, field = _CODES[proto.dtype]
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, kind).reshape(shape)
    return _filled(np.array(getattr(proto, field), kind), shape)


def _size(code: int) -> int:
    """Bytes of an entry."""
    return np.dtype(_CODES[code][0]).itemsize if code in _CODES else 8


def _filled(flat: Array, shape: tuple[int, ...]) -> Array:
    """Numbers in their shape; where there are fewer, the last one stands for the rest."""
    missing = math.prod(shape) - len(flat)
    if missing > 0:
        last = flat[-1:] if len(flat) else np.zeros(1, flat.dtype)
        flat = np.concatenate([flat, np.repeat(last, missing)])
    return flat.reshape(shape)
