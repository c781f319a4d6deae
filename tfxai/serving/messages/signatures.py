"""What a signature takes and gives, read from and written as TensorFlow Serving's metadata."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from tfxai.export.names import TOKEN_VALUES, TOKENS

PREDICT = "tensorflow/serving/predict"
VALUES, HEATMAP, PNG = "attributions", "heatmap", "_png_bytes"
"""How the outputs of an explanation begin, and how those end that are pictures."""
_DTYPES = {
    "float32": "DT_FLOAT", "float64": "DT_DOUBLE", "int32": "DT_INT32", "uint8": "DT_UINT8",
    "int16": "DT_INT16", "int8": "DT_INT8", "string": "DT_STRING", "int64": "DT_INT64",
    "bool": "DT_BOOL", "uint16": "DT_UINT16", "float16": "DT_HALF", "bfloat16": "DT_BFLOAT16",
    "uint32": "DT_UINT32", "uint64": "DT_UINT64",
}  # fmt: skip
_NAMES = {value: key for key, value in _DTYPES.items()}


@dataclasses.dataclass(frozen=True)
class End:
    """One tensor that goes in or comes out.

    Args:
        dtype: TensorFlow's name of its type, such as `"float32"`, `"string"`.
        shape: Sizes with None for free ones; None where not even their number is known.
        tensor: Its name in the graph.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    tensor: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it holds numbers or texts, which can be sent."""
        return self.dtype in _DTYPES


@dataclasses.dataclass(frozen=True)
class Signature:
    """A function of a SavedModel that can be called by name."""

    inputs: dict[str, End]
    outputs: dict[str, End]
    method: str = PREDICT


def to_metadata(signatures: Mapping[str, Signature]) -> dict[str, Any]:
    """The `signature_def` of a metadata answer."""
    return {
        name: {
            "inputs": {key: _end_out(end) for key, end in one.inputs.items()},
            "outputs": {key: _end_out(end) for key, end in one.outputs.items()},
            "method_name": one.method,
            "defaults": {},
        }
        for name, one in signatures.items()
    }


def from_metadata(body: Any) -> dict[str, Signature]:
    """The signatures of a metadata answer.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: It is none.
    """
    defined = body["metadata"]["signature_def"]["signature_def"]
    return {
        name: Signature(
            {key: _end_in(end) for key, end in sorted(one.get("inputs", {}).items())},
            {key: _end_in(end) for key, end in sorted(one.get("outputs", {}).items())},
            str(one.get("method_name", PREDICT)),
        )
        for name, one in defined.items()
    }


def _end_out(end: End) -> dict[str, Any]:
    sizes = end.shape or ()
    return {
        "dtype": _DTYPES.get(end.dtype, "DT_INVALID"),
        "tensor_shape": {
            "dim": [{"size": str(-1 if n is None else n), "name": ""} for n in sizes],
            "unknown_rank": end.shape is None,
        },
        "name": end.tensor,
    }


def _end_in(end: Mapping[str, Any]) -> End:
    shape = end["tensor_shape"]
    sizes = [int(dim["size"]) for dim in shape.get("dim", [])]
    known = None if shape.get("unknown_rank") else tuple(None if n < 0 else n for n in sizes)
    return End(_NAMES.get(end["dtype"], str(end["dtype"])), known, str(end.get("name", "")))


def needed(outputs: Collection[str], asked: Collection[str]) -> list[str]:
    """The outputs of an explanation that an answer with those parts needs."""
    left_out = []
    if VALUES not in asked:
        left_out += [one for one in outputs if one.startswith(VALUES)]
    if "heatmap_png" not in asked:
        left_out += [one for one in outputs if one.endswith(PNG)]
    if "heatmap" not in asked:
        left_out += [one for one in outputs if one.startswith(HEATMAP) and not one.endswith(PNG)]
    if "tokens" not in asked:
        left_out += [TOKENS, TOKEN_VALUES]
    return [one for one in outputs if one not in left_out]
