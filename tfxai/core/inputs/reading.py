"""What a user passes, as the inputs of a model: their structure, names, shapes and types, checked.

Arrays, tensors, batches of `tf.data`, pandas DataFrames; lists, tuples and dicts of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.columns import Columns, columns_of, is_frame
from tfxai.core.inputs.frames import by_column, column_array, frame_array
from tfxai.core.inputs.layout import Layout, fitted, is_text
from tfxai.errors import InvalidInputError

_NUMBERS = "fiub"
_TEXT = "SU"


def read_inputs(model: keras.Model, inputs: Any) -> tuple[Layout, list[Array]]:
    """Checks `inputs` against the model and returns their layout and arrays (B, ...).

    Raises:
        InvalidInputError: A wrong structure, shape or type, an empty batch, NaN or infinity.
    """
    kind, names, leaves = _leaves(model, _unwrapped(model, inputs))
    expected = _declared(model, names)
    arrays = [
        _read(name, leaf, expected.get(name), model)
        for name, leaf in zip(names, leaves, strict=True)
    ]
    sizes = {array.shape[0] for array in arrays}
    if len(sizes) != 1:
        raise InvalidInputError(
            f"The inputs hold {sorted(sizes)} examples. Pass the same number of examples in each."
        )
    if sizes == {0}:
        raise InvalidInputError("The batch is empty. Pass at least one example.")
    layout = Layout(
        kind,
        tuple(names),
        tuple(array.shape[1:] for array in arrays),
        tuple("string" if is_text(array) else array.dtype.name for array in arrays),
    )
    return layout, arrays


def _unwrapped(model: keras.Model, inputs: Any) -> Any:
    """The inputs out of a DataFrame, or out of a batch of `tf.data` with its labels."""
    if isinstance(inputs, tf.data.Dataset):
        raise InvalidInputError(
            "The inputs are a tf.data.Dataset, and one batch was expected. Pass "
            "next(iter(dataset)), or call once for each batch."
        )
    declared = getattr(model, "inputs", None) or []
    if is_frame(inputs):
        names = [tensor.name for tensor in declared]
        if len(names) > 1 or isinstance(getattr(model, "input", None), Mapping):
            columns = by_column(inputs)
            if set(names) <= set(columns):
                return {name: columns[name] for name in names}
            missing = sorted(set(names) - set(columns))
            raise InvalidInputError(
                f"The table has the columns {list(columns)}, and the model's inputs {missing} are "
                "not among them. Rename the columns, or pass a dict of arrays."
            )
        return inputs
    if not isinstance(inputs, tuple) or len(inputs) not in (2, 3) or not declared:
        return inputs
    first = inputs[0]  # (inputs, labels) or (inputs, labels, weights)
    if len(declared) == 1:
        shape = getattr(first, "shape", None)
        is_batch = shape is not None and len(shape) == len(declared[0].shape)
        return first if is_batch else inputs
    return first if isinstance(first, Mapping | list | tuple) else inputs


def read_columns(model: keras.Model, inputs: Any) -> Columns:
    """What DataFrames and Series among the inputs say of their columns; empty without any.

    Args:
        model: The model.
        inputs: What `read_inputs` takes.

    Returns:
        The columns of the one input, or those of each input by its name.
    """
    kind, names, leaves = _leaves(model, _unwrapped(model, inputs))
    found = dict(zip(names, map(columns_of, leaves), strict=True))
    if kind in ("list", "dict"):
        return {name: columns for name, columns in found.items() if columns}
    return next(iter(found.values()))


def _leaves(model: keras.Model, inputs: Any) -> tuple[str, list[str], list[Any]]:
    """Kind, names and leaves; a list is one batch unless the model takes several inputs."""
    declared = [tensor.name for tensor in getattr(model, "inputs", None) or []]
    structure = getattr(model, "input", None)
    if isinstance(inputs, Mapping):
        takes_dict = len(declared) > 1 or isinstance(structure, Mapping)
        if declared and (set(declared) != set(inputs) or not takes_dict):
            raise InvalidInputError(
                f"The inputs name {list(inputs)}, and the model takes {declared}. "
                f"Pass {'a dict with these names' if takes_dict else 'the batch itself'}."
            )
        return "dict", list(inputs), list(inputs.values())
    several = len(declared) > 1 or (not declared and _is_several(model, inputs))
    if several:
        if not isinstance(inputs, list | tuple) or (declared and len(inputs) != len(declared)):
            got = f"{len(inputs)}" if isinstance(inputs, list | tuple) else "one"
            raise InvalidInputError(
                f"Got {got} input for a model that takes {len(declared)}: {declared}. "
                "Pass a list in that order, or a dict by name."
            )
        names = declared or [f"input_{i}" for i in range(len(inputs))]
        return "dict" if isinstance(structure, Mapping) else "list", names, list(inputs)
    if isinstance(structure, list | tuple):
        is_wrapped = isinstance(inputs, list | tuple) and len(inputs) == 1
        fits = is_wrapped and getattr(inputs[0], "ndim", None) == len(model.inputs[0].shape)
        return "wrapped", declared, list(inputs) if fits else [inputs]
    return "dict" if isinstance(structure, Mapping) else "one", declared or ["input"], [inputs]


def _is_several(model: keras.Model, inputs: Any) -> bool:
    """Whether a list or tuple is several inputs of a model that declares none.

    Keras records the shapes with which such a model was built.
    """
    if not isinstance(inputs, list | tuple):
        return False
    built = list((getattr(model, "_build_shapes_dict", None) or {}).values())
    if len(built) == 1 and isinstance(built[0], list | tuple):
        of_several = any(isinstance(one, list | tuple) for one in built[0])
        if of_several and len(built[0]) != len(inputs):
            raise InvalidInputError(
                f"Got {len(inputs)} inputs for a model that was built with {len(built[0])}. Pass "
                "a list with an array for each."
            )
        return of_several
    if isinstance(inputs, tuple):
        return True
    if inputs and all(hasattr(one, "shape") and len(one.shape) for one in inputs):
        raise InvalidInputError(
            f"A list of {len(inputs)} arrays came, and the model does not say whether it takes "
            "several inputs. Pass a tuple if they are its inputs, one array if they are examples."
        )
    return False


def _declared(model: keras.Model, names: Sequence[str]) -> dict[str, Any]:
    """Shape and type that the model declares for each named input, where it does."""
    tensors = getattr(model, "inputs", None) or []
    by_name = {tensor.name: tensor for tensor in tensors}
    if len(tensors) == len(names) and not set(names) <= set(by_name):
        by_name = dict(zip(names, tensors, strict=True))
    return by_name


def _read(name: str, leaf: Any, declared: Any, model: keras.Model) -> Array:
    """One input as an array in the model's type, checked."""
    array = _array(name, leaf)
    dtype = None if declared is None else keras.backend.standardize_dtype(declared.dtype)
    if dtype is not None and (dtype == "string") != is_text(array):
        wanted, such = "numbers", "a float or integer array"
        if dtype == "string":
            wanted, such = "texts", "an array of str"
        raise InvalidInputError(
            f"Input {name!r} has type {array.dtype}, and {wanted} were expected. Pass {such}."
        )
    if declared is not None:
        if array.ndim == len(declared.shape) - 1 and declared.shape[-1] == 1:
            array = array[..., None]  # a column of a table
        _check_shape(name, array.shape, (None, *declared.shape[1:]))
    elif array.ndim == 0:
        raise InvalidInputError(f"Input {name!r} is a single number. Pass a batch: (B, ...).")
    if is_text(array):
        return array
    return fitted(f"Input {name!r}", array, dtype or _default_type(array, model))


def _array(name: str, leaf: Any) -> Array:
    """A leaf as an array of numbers or texts."""
    if isinstance(leaf, tf.RaggedTensor | tf.SparseTensor):
        raise InvalidInputError(
            f"Input {name!r} is a {type(leaf).__name__}. Pass a dense one: "
            f"{'leaf.to_tensor()' if isinstance(leaf, tf.RaggedTensor) else 'tf.sparse.to_dense'}."
        )
    if is_frame(leaf):
        return frame_array(leaf)
    if hasattr(leaf, "to_numpy"):  # a Series
        return column_array(name, leaf)
    try:
        array = np.asarray(leaf)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"Input {name!r} is no array: {error}. Pass numbers of one shape per example."
        ) from error
    if array.dtype.kind == "O" and all(isinstance(one, str | bytes) for one in array.ravel()):
        array = array.astype(_TEXT[isinstance(array.ravel()[0], str)] if array.size else "U")
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.dtype.kind not in _NUMBERS + _TEXT and array.dtype.name != "bfloat16":
        raise InvalidInputError(
            f"Input {name!r} has type {array.dtype}, and numbers were expected. "
            "Pass a float or integer array."
        )
    return array


def _default_type(array: Array, model: keras.Model) -> str:
    """Type for a model that declares none: floats as Keras has them, integers as they are."""
    if array.dtype.kind in "fu":  # unsigned integers are pixels
        return "float64" if model.compute_dtype == "float64" else str(keras.config.floatx())
    return array.dtype.name


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    def fits(got: Sequence[int], wanted: Sequence[int | None]) -> bool:
        return len(got) == len(wanted) and all(
            w is None or g == w for g, w in zip(got, wanted, strict=True)
        )

    if fits(shape, expected):
        return
    wanted = f"({', '.join('B' if i == 0 else str(n) for i, n in enumerate(expected))})"
    advice = "Resize or reshape it."
    if fits(shape, expected[1:]):
        advice = "Add a batch axis: inputs[None]."
    raise InvalidInputError(
        f"Input {name!r} has shape {shape}, and the model takes {wanted}. {advice}"
    )
