"""TensorFlow functions that Keras 2 kept as layers, as the operations that Keras 3 has for them.

`x / 127.5 - 1` in a model of Keras 2 is two layers of the class TFOpLambda, which name
`math.truediv` and `math.subtract`. What is not in these tables stays as it is, and cannot be
loaded.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Config: TypeAlias = dict[str, Any]

LAYERS = ("TFOpLambda", "SlicingOpLambda")
UNARY = {
    "math.abs": "Absolute",
    "math.exp": "Exp",
    "math.log": "Log",
    "math.negative": "Negative",
    "math.sigmoid": "Sigmoid",
    "math.softplus": "Softplus",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.tanh": "Tanh",
    "nn.elu": "Elu",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.selu": "Selu",
    "nn.silu": "Silu",
}
BINARY = {  # and what the second operand is called
    "__operators__.add": ("Add", "y"),
    "linalg.matmul": ("Matmul", "b"),
    "math.add": ("Add", "y"),
    "math.divide": ("Divide", "y"),
    "math.maximum": ("Maximum", "y"),
    "math.minimum": ("Minimum", "y"),
    "math.multiply": ("Multiply", "y"),
    "math.pow": ("Power", "y"),
    "math.subtract": ("Subtract", "y"),
    "math.truediv": ("TrueDivide", "y"),
    "nn.bias_add": ("Add", "bias"),
}
_REDUCED = {"axis": ("axis", None), "keepdims": ("keepdims", False)}
_NEEDED = object()
# Options by name: what Keras 3 calls them, and the default.
OPTIONS: dict[str, tuple[str, dict[str, tuple[str, Any]]]] = {
    "cast": ("Cast", {"dtype": ("dtype", _NEEDED)}),
    "clip_by_value": (
        "Clip",
        {"clip_value_min": ("x_min", _NEEDED), "clip_value_max": ("x_max", _NEEDED)},
    ),
    "compat.v1.squeeze": ("Squeeze", {"axis": ("axis", None)}),
    "compat.v1.transpose": ("Transpose", {"perm": ("axes", None)}),
    "concat": ("Concatenate", {"axis": ("axis", _NEEDED)}),
    "expand_dims": ("ExpandDims", {"axis": ("axis", _NEEDED)}),
    "math.reduce_max": ("Max", _REDUCED),
    "math.reduce_mean": ("Mean", _REDUCED),
    "math.reduce_min": ("Min", _REDUCED),
    "math.reduce_prod": ("Prod", _REDUCED),
    "math.reduce_sum": ("Sum", _REDUCED),
    "nn.gelu": ("Gelu", {"approximate": ("approximate", False)}),
    "nn.leaky_relu": ("LeakyRelu", {"alpha": ("negative_slope", 0.2)}),
    "nn.softmax": ("Softmax", {"axis": ("axis", -1)}),
    "reshape": ("Reshape", {"shape": ("newshape", _NEEDED)}),
    "squeeze": ("Squeeze", {"axis": ("axis", None)}),
    "stack": ("Stack", {"axis": ("axis", 0)}),
    "transpose": ("Transpose", {"perm": ("axes", None)}),
}
JOINS = {"Concatenate", "Stack"}
# Arguments that say nothing else than Keras 3 does.
IDLE: Config = {"name": None, "conjugate": False, "data_format": "NHWC", "transpose_a": False}
IDLE |= {"transpose_b": False, "adjoint_a": False, "adjoint_b": False}


class Operation(NamedTuple):
    """What stands for one layer of Keras 2.

    Args:
        kind: Its class in Keras 3.
        options: Options of the operation.
        others: Its arguments after the first one.
    """

    kind: str
    options: Config
    others: list[Any]


def operation(function: Any, keywords: Config) -> Operation | None:
    """The operation of Keras 3 for a call of a TensorFlow function; None if none is known.

    Args:
        function: As Keras 2 names it, below `tf.`.
        keywords: The arguments by name; tensors are references.
    """
    if not isinstance(function, str):
        return None
    if function == "__operators__.getitem" and set(keywords) == {"slice_spec"}:
        return _item(keywords["slice_spec"])
    rest = {k: v for k, v in keywords.items() if k != "name" and (k not in IDLE or v != IDLE[k])}
    if function in UNARY and not rest:
        return Operation(UNARY[function], {}, [])
    if function in BINARY:
        kind, second = BINARY[function]
        return Operation(kind, {}, [_array(rest[second])]) if set(rest) == {second} else None
    if function in OPTIONS:
        kind, known = OPTIONS[function]
        given = {new: rest.pop(old, default) for old, (new, default) in known.items()}
        if not rest and _NEEDED not in given.values():
            return Operation(kind, given, [])
    return None


def _array(value: Any) -> Any:
    """A list of numbers as an array, everything else as it is."""
    if not isinstance(value, list) or not all(isinstance(one, int | float) for one in value):
        return value
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": "float32"}}


def _item(spec: Any) -> Operation | None:
    """x[1:3, ..., 0], of which a slice is a dict."""
    made: list[Any] = []
    for one in spec if isinstance(spec, list) else [spec]:
        if isinstance(one, dict) and set(one) == {"start", "stop", "step"}:
            made.append({"class_name": "__slice__", "config": one})
        elif isinstance(one, dict) and one.get("class_name") == "__ellipsis__":
            made.append({"class_name": "__ellipsis__", "config": {}})
        elif one is None or (isinstance(one, int) and not isinstance(one, bool)):
            made.append(one)
        else:
            return None
    return Operation("GetItem", {}, [made])
