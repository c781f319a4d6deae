"""From the inputs of a model to the one tensor x that a method sees, and back.

A model may take one tensor, several in a list, or a dict. A method knows one tensor x
with a batch axis: where one input is explained x is that input, where several are x is
(B, D), all of them flattened side by side.

Methods that take gradients explain floating-point inputs, and the others are held as they are.
Methods that need none explain inputs of every type: whole numbers as numbers, truths as 0 and 1,
and a text as 1 where the input's own shows and as 0 where the baseline's does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.graph.tensor_axes import channels_back, channels_last
from tfxai.core.inputs.parts import Part
from tfxai.errors import InvalidInputError

_EXACT = 2**53  # whole numbers up to here are numbers of float64


@dataclasses.dataclass(frozen=True)
class Layout:
    """The inputs of a model as a hashable record: what is explained, what is held.

    Args:
        kind: `"one"`, `"list"` or `"dict"`: the structure that the model is called with;
            `"wrapped"` for one input in a list.
        names: One name an input.
        shapes: Shape of each input without its batch axis.
        dtypes: Type in which each input reaches the model.
        axes: What the axes of each input are, where that is known.
        every: Whether inputs of every type are explained, not only floating-point ones.
        working: Type of x, wide enough for all that is explained and for the outputs.
    """

    kind: str
    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtypes: tuple[str, ...]
    axes: tuple[str, ...] = ()
    every: bool = False
    working: str = "float32"

    @property
    def has_names(self) -> bool:
        """Whether a user knows the inputs by name, instead of as one batch."""
        return self.kind in ("list", "dict")

    @property
    def explained(self) -> tuple[int, ...]:
        """Positions of the inputs that are explained."""
        if self.every:
            return tuple(range(len(self.names)))
        return tuple(i for i, name in enumerate(self.dtypes) if tf.as_dtype(name).is_floating)

    @property
    def held(self) -> tuple[int, ...]:
        """Positions of the other inputs."""
        return tuple(i for i in range(len(self.names)) if i not in self.explained)

    @property
    def texts(self) -> tuple[int, ...]:
        """Positions of texts among what is explained."""
        return tuple(i for i in self.explained if self.dtypes[i] == "string")

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is explained, input by input."""
        return tuple(map(self.part, self.explained))

    def part(self, i: int) -> Part:
        """The i-th input as a part of x."""
        axes = self.axes[i] if self.axes else ""
        return Part(self.shapes[i], axes, _blends(self.dtypes[i]), self.names[i], i)

    def fitted(self, axes: Sequence[str], output_dtypes: Sequence[str], *, every: bool) -> Layout:
        """The layout for a method and a model of which more is known.

        Args:
            axes: Axes of each input.
            output_dtypes: Types of the outputs.
            every: Whether the method explains inputs of every type.
        """
        layout = dataclasses.replace(self, axes=tuple(axes), every=every)
        exact = [_exact(self.dtypes[i]) for i in layout.explained]
        wide = {"float64"} & {*exact, *output_dtypes}
        return dataclasses.replace(layout, working="float64" if wide else "float32")

    @property
    def plain(self) -> Layout:
        """The layout without what a method or a model adds to it."""
        return Layout(self.kind, self.names, self.shapes, self.dtypes)

    def specs(self) -> list[tf.TensorSpec]:
        """One specification an input, with a free batch axis."""
        return [
            tf.TensorSpec((None, *shape), dtype, name=f"input_{i}")
            for i, (shape, dtype) in enumerate(zip(self.shapes, self.dtypes, strict=True))
        ]

    def pack(self, leaves: Sequence[tf.Tensor], *, is_baseline: bool = False) -> tf.Tensor:
        """x: the explained input (B, ...), channels last, or all of them side by side (B, D)."""
        parts = [self._encoded(leaves[i], is_baseline) for i in self.explained]
        if len(parts) == 1:
            return channels_last(parts[0], self.parts[0].axes)
        flat = [
            tf.reshape(one, (-1, part.size)) for one, part in zip(parts, self.parts, strict=True)
        ]
        return tf.concat(flat, axis=1)

    def beside(
        self, leaves: Sequence[tf.Tensor], baseline: Sequence[tf.Tensor]
    ) -> tuple[tf.Tensor, ...]:
        """What `unpack` needs beside x: held inputs, texts of the inputs and of the baseline."""
        held = [leaves[i] for i in self.held]
        texts = [[leaves[i], (baseline or leaves)[i]] for i in self.texts]
        return (*held, *(one for pair in texts for one in pair))

    def unpack(self, x: tf.Tensor, beside: Sequence[tf.Tensor]) -> Any:
        """The structure that the model is called with, from x and what lies beside it."""
        count = len(self.held)
        leaves: dict[int, tf.Tensor] = dict(zip(self.held, beside[:count], strict=True))
        texts = iter(beside[count:])
        for i, one in zip(self.explained, self._split(x), strict=True):
            if self.dtypes[i] == "string":
                own, other = next(texts), next(texts)
                leaves[i] = tf.where(one >= 0.5, own, other)
            else:
                leaves[i] = _decoded(one, self.dtypes[i])
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
        sizes = [part.size for part in self.parts]
        parts = np.split(values, np.cumsum(sizes)[:-1], axis=1)
        return {
            self.names[i]: part.reshape(-1, *self.shapes[i])
            for i, part in zip(self.explained, parts, strict=True)
        }

    def _encoded(self, leaf: tf.Tensor, is_baseline: bool) -> tf.Tensor:
        if leaf.dtype == tf.string:
            return tf.fill(tf.shape(leaf), tf.constant(0 if is_baseline else 1, self.working))
        return tf.cast(leaf, self.working)

    def _split(self, x: tf.Tensor) -> list[tf.Tensor]:
        if len(self.explained) == 1:
            return [channels_back(x, self.parts[0].axes)]
        pieces = tf.split(x, [part.size for part in self.parts], axis=1)
        return [
            tf.reshape(piece, (-1, *part.shape))
            for piece, part in zip(pieces, self.parts, strict=True)
        ]


def check_exact(layout: Layout, leaves: Sequence[Array]) -> None:
    """Raises `InvalidInputError` where whole numbers are too large to be told apart in x."""
    for i in layout.explained:
        leaf = leaves[i]
        if leaf.dtype.kind in "iu" and leaf.dtype.itemsize == 8 and leaf.size:
            largest = max(abs(int(leaf.max())), abs(int(leaf.min())))
            if largest > _EXACT:
                raise InvalidInputError(
                    f"Input {layout.names[i]!r} holds {largest}, and whole numbers are told apart "
                    f"up to 2**53. Pass smaller ones, or explain a layer behind them with at=."
                )


def is_text(array: Array) -> bool:
    """Whether an array holds texts."""
    return array.dtype.kind == "U"


def fitted(what: str, array: Array, dtype: str) -> Array:
    """`array` in a type of the model, where that keeps its values up to rounding.

    Raises:
        InvalidInputError: Some are not finite in that type, or not whole where it is of integers.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(tf.as_dtype(dtype).as_numpy_dtype, copy=False)
    if array.dtype.kind in "fiu" and not tf.as_dtype(dtype).is_floating:
        is_lost = cast != array
        problem, advice = f"no whole numbers of type {dtype}", "Pass integers."
        if dtype == "bool":
            problem, advice = "neither 0 nor 1", "Pass booleans."
        elif array.dtype.kind != "f":
            problem, advice = f"outside the range of {dtype}", "Pass numbers that it holds."
    else:
        is_lost = ~np.isfinite(cast)
        problem, advice = f"NaN or infinite in {dtype}", "Pass finite numbers."
    if is_lost.any():
        raise InvalidInputError(
            f"{what} holds {int(is_lost.sum())} values that are {problem}. {advice}"
        )
    return cast


def _blends(dtype: str) -> bool:
    """Whether a type is of quantities: floating-point numbers, or pixels."""
    return tf.as_dtype(dtype).is_floating or dtype in ("uint8", "uint16")


def _exact(dtype: str) -> str:
    """The narrowest floating type of at least float32 that holds a type's numbers."""
    of = tf.as_dtype(dtype)
    if dtype == "string" or of.is_bool:
        return "float32"
    wide = of == tf.float64 or (of.is_integer and of.size > 2)
    return "float64" if wide else "float32"


def _decoded(x: tf.Tensor, dtype: str) -> tf.Tensor:
    """X in the type that the model takes."""
    wanted = tf.as_dtype(dtype)
    if wanted.is_bool:
        return x >= 0.5
    return tf.cast(tf.round(x) if wanted.is_integer else x, wanted)
