"""From what a user passes to the one tensor x that a method sees, and back.

A model may take one tensor, several in a list, or a dict. A method knows one tensor x
with a batch axis: where one input is explained x is that input, where several are x is
(B, D), all of them flattened side by side. Integer inputs (token ids) are held as they are.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfxai.errors import InvalidInputError, UnsupportedModelError

Array: TypeAlias = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class Layout:
    """The inputs of a model as a hashable record: what is explained, what is held.

    Args:
        kind: `"one"`, `"list"` or `"dict"`: the structure that the model is called with;
            `"wrapped"` for one input in a list.
        names: One name an input.
        shapes: Shape of each input without its batch axis.
        dtypes: Type in which each input reaches the model.
    """

    kind: str
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]

    @property
    def has_names(self) -> bool:
        """Whether a user knows the inputs by name, instead of as one batch."""
        return self.kind in ("list", "dict")

    @property
    def explained(self) -> tuple[int, ...]:
        """Positions of the floating-point inputs."""
        return tuple(i for i, name in enumerate(self.dtypes) if tf.as_dtype(name).is_floating)

    @property
    def held(self) -> tuple[int, ...]:
        """Positions of the other inputs."""
        return tuple(i for i in range(len(self.names)) if i not in self.explained)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in one example of each explained input."""
        return tuple(math.prod(self.shapes[i]) for i in self.explained)

    def specs(self) -> list[tf.TensorSpec]:
        """One specification an input, with a free batch axis."""
        return [
            tf.TensorSpec((None, *shape), dtype, name=f"input_{i}")
            for i, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True))
        ]

    def pack(self, leaves: Sequence[tf.Tensor]) -> tf.Tensor:
        """x: the explained input (B, ...), or all of them side by side as (B, D)."""
        parts = [leaves[i] for i in self.explained]
        if len(parts) == 1:
            return parts[0]
        sizes = self.sizes
        flat = [tf.reshape(part, (-1, size)) for part, size in zip(parts, sizes, strict=True)]
        return tf.concat([tf.cast(part, flat[0].dtype) for part in flat], axis=1)

    def unpack(self, x: tf.Tensor, held: Sequence[tf.Tensor]) -> Any:
        """The structure that the model is called with, from x and the held inputs."""
        leaves: dict[int, tf.Tensor] = dict(zip(self.held, held, strict=True))
        leaves.update(zip(self.explained, self._split(x), strict=True))
        return self.structure([leaves[i] for i in range(len(self.names))])

    def structure(self, leaves: Sequence[Any]) -> Any:
        """`leaves` in the structure that the model is called with."""
        if self.kind == "dict":
            return dict(zip(self.names, leaves, strict=True))
        return leaves[0] if self.kind == "one" else list(leaves)

    def named(self, values: Array) -> Any:
        """Values of x as a user sees them: one array, or one per name."""
        if len(self.explained) == 1:
            name = self.names[self.explained[0]]
            return {name: values} if self.has_names else values
        sizes = self.sizes
        parts = np.split(values, np.cumsum(sizes)[:-1], axis=1)
        return {
            self.names[i]: part.reshape(-1, *self.shapes[i])
            for i, part in zip(self.explained, parts, strict=True)
        }

    def _split(self, x: tf.Tensor) -> list[tf.Tensor]:
        if len(self.explained) == 1:
            return [x]
        return [
            tf.cast(tf.reshape(part, (-1, *self.shapes[i])), self.dtypes[i])
            for i, part in zip(self.explained, tf.split(x, self.sizes, axis=1), strict=True)
        ]


def read_inputs(model: keras.Model, inputs: Any) -> tuple[Layout, list[Array]]:
    """Checks `inputs` against the model and returns their layout and arrays (B, ...).

    Raises:
        InvalidInputError: A wrong structure, shape or type, an empty batch, NaN or infinity.
    """
    kind, names, leaves = _leaves(model, inputs)
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
        tuple(array.dtype.name for array in arrays),
    )
    return layout, arrays


def _leaves(model: keras.Model, inputs: Any) -> tuple[str, list[str], list[Any]]:
    """Kind, names and leaves; a list is one batch unless the model takes several inputs."""
    declared = [tensor.name for tensor in getattr(model, "inputs", None) or []]
    structure = getattr(model, "input", None)
    if isinstance(inputs, dict):
        takes_dict = len(declared) > 1 or isinstance(structure, dict)
        if declared and (set(declared) != set(inputs) or not takes_dict):
            raise InvalidInputError(
                f"The inputs name {list(inputs)}, and the model takes {declared}. "
                f"Pass {'a dict with these names' if takes_dict else 'the batch itself'}."
            )
        return "dict", list(inputs), list(inputs.values())
    several = len(declared) > 1 or (not declared and isinstance(inputs, tuple))
    if several:
        if not isinstance(inputs, list | tuple) or (declared and len(inputs) != len(declared)):
            got = f"{len(inputs)}" if isinstance(inputs, list | tuple) else "one"
            raise InvalidInputError(
                f"Got {got} input for a model that takes {len(declared)}: {declared}. "
                "Pass a list in that order, or a dict by name."
            )
        names = declared or [f"input_{i}" for i in range(len(inputs))]
        return "dict" if isinstance(structure, dict) else "list", names, list(inputs)
    if isinstance(structure, list | tuple):
        is_wrapped = isinstance(inputs, list | tuple) and len(inputs) == 1
        fits = is_wrapped and getattr(inputs[0], "ndim", None) == len(model.inputs[0].shape)
        return "wrapped", declared, list(inputs) if fits else [inputs]
    return "dict" if isinstance(structure, dict) else "one", declared or ["input"], [inputs]


def _declared(model: keras.Model, names: Sequence[str]) -> dict[str, Any]:
    """Shape and type that the model declares for each named input, where it does."""
    tensors = getattr(model, "inputs", None) or []
    by_name = {tensor.name: tensor for tensor in tensors}
    if len(tensors) == len(names) and not set(names) <= set(by_name):
        by_name = dict(zip(names, tensors, strict=True))
    return by_name


def _read(name: str, leaf: Any, declared: Any, model: keras.Model) -> Array:
    """One input as an array in the model's type, checked."""
    try:
        array = np.asarray(leaf)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"Input {name!r} is no array: {error}. Pass numbers of one shape per example."
        ) from error
    if array.dtype.kind not in "fiub":
        raise InvalidInputError(
            f"Input {name!r} has type {array.dtype}, and numbers were expected. "
            "Pass a float or integer array."
        )
    if declared is not None:
        _check_shape(name, array.shape, (None, *declared.shape[1:]))
        if declared.shape[0] is not None:
            raise UnsupportedModelError(
                f"The model takes batches of exactly {declared.shape[0]}, and other numbers of "
                "examples are run at once. Build it again with a free batch axis: "
                "keras.Input(shape) instead of keras.Input(batch_shape=...)."
            )
        dtype = keras.backend.standardize_dtype(declared.dtype)
        return fitted(f"Input {name!r}", array, dtype)
    if array.ndim == 0:
        raise InvalidInputError(f"Input {name!r} is a single number. Pass a batch: (B, ...).")
    return fitted(f"Input {name!r}", array, _default_type(array, model))


def fitted(what: str, array: Array, dtype: str) -> Array:
    """`array` in a type of the model, where that keeps its values up to rounding.

    Raises:
        InvalidInputError: Some are not finite in that type, or not whole where it is of integers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    if array.dtype.kind == "f" and not tf.as_dtype(dtype).is_floating:
        is_lost = cast != array
        problem, advice = f"no whole numbers of type {dtype}", "Pass integers."
    else:
        is_lost = ~np.isfinite(cast)
        problem, advice = f"NaN or infinite in {dtype}", "Pass finite numbers."
    if is_lost.any():
        raise InvalidInputError(
            f"{what} holds {int(is_lost.sum())} values that are {problem}. {advice}"
        )
    return cast


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


def require_explained(layout: Layout) -> None:
    """Raises where the model takes integers only and so has no gradient at its input."""
    if not layout.explained:
        raise UnsupportedModelError(
            f"The model takes integers only ({', '.join(layout.names)}), which have no gradient. "
            "Explain a layer's output instead, such as at='embedding'."
        )
