"""What class activation maps share: layers, the grid of their positions, the mean of several."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, Self

import tensorflow as tf

from tfxai.arrangement import moved_shape
from tfxai.core.graph.resize import linear_resize
from tfxai.core.model.structure import LayerCall, ModelStructure
from tfxai.core.options import Kind, option
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.cam.choosing import (
    default_layers,
    early_maps,
    known_grids,
    patch_grid,
    token_layer,
)
from tfxai.methods.options import AUTO, GRID_OR_AUTO


def _read_layers(name: str, layer: Any) -> str | tuple[str, ...]:
    if isinstance(layer, str) and layer:
        return layer
    paths = tuple(layer) if isinstance(layer, Sequence) else ()
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise InvalidInputError(
            f"{name}={layer!r} was expected to be a path, several paths, or None."
        )
    return paths


LAYERS = Kind("the path of a layer, or several paths", _read_layers)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassActivationMap(AttributionMethod):
    """A map over the positions of a layer, from its feature maps and what the score makes of them.

    A subclass says in `_combine` how, for activations and gradients of (B, P, K): P positions
    of K feature maps. All of them have the options of this class.

    Args:
        layer: Path of a layer with output (B, h, w, K), (B, t, K) or (B, d, h, w, K); several
            paths for the mean of their maps, at the finest layer's resolution. None is the last
            layer with feature maps on which the outputs rest, outside of attention; of a model
            from images to images its bottleneck.
        reshape: (h, w) grid of a layer's h w positions, row by row: the patches of a vision
            transformer; or of the last h w, where a class token comes first, or as many tokens
            as the model is known to put there. `"auto"` reads it from the model, and takes the
            last layer of tokens before the last attention where no layer is named.
    """

    is_map: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    takes_any_input: ClassVar[bool] = True
    layer: str | tuple[str, ...] | None = option(None, kind=LAYERS)
    reshape: tuple[int, int] | Literal["auto"] | None = option(None, kind=GRID_OR_AUTO)

    def _check_together(self) -> None:
        if self.reshape not in (None, AUTO) and self.layer is None:
            raise InvalidInputError(
                f"reshape={self.reshape} was expected together with the layer whose positions "
                "it lays out. Pass layer=."
            )

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: a ReLU keeps most maps from it."""
        return False

    @property
    def _grid(self) -> tuple[int, int] | None:
        """Rows and columns of patches, once the method is bound to a model."""
        return None if isinstance(self.reshape, str) else self.reshape

    @property
    def paths(self) -> tuple[str, ...]:
        """The layers, one or several."""
        return (self.layer,) if isinstance(self.layer, str) else self.layer or ()

    def _bound(self, body: ModelStructure) -> Self:
        method = self
        if not self.layer:
            paths = (token_layer(body),) if self.reshape == AUTO else default_layers(body)
            method = dataclasses.replace(self, layer=paths[0] if len(paths) == 1 else paths)
        if self.reshape == AUTO:
            grid = patch_grid([body.find(path) for path in method.paths], body)
            method = dataclasses.replace(method, reshape=grid)
        before = {one.grid.first for one in body.tokens if one.grid and not one.grid.behind}
        for path in method.paths:
            method._check(path, body.find(path), {0, 1} | before)
        known = known_grids([body.find(path) for path in method.paths], body)
        if method.reshape and known and method.reshape not in known:
            rows, columns = sorted(known)[0]
            raise InvalidInputError(
                f"reshape={method.reshape} came, and the model's patches are {rows} rows of "
                f"{columns}. Pass reshape='auto'."
            )
        if len({len(method.reshape or body.find(path).shape or ()) for path in method.paths}) > 1:
            raise InvalidInputError(
                f"The layers {', '.join(method.paths)} have maps of different numbers of axes, "
                "which have no mean. Choose layers of one kind."
            )
        return method

    def _notes(self, body: ModelStructure) -> list[str]:
        return early_maps(self.name, self.paths, body)

    def _check(self, path: str, call: LayerCall, before: set[int]) -> None:
        """Whether a layer has maps, with so many tokens in front of its patches."""
        shape = call.shape
        if shape is None or len(shape) not in (2, 3, 4) or not tf.as_dtype(call.dtype).is_floating:
            raise InvalidInputError(
                f"Layer {path!r} has output shape {shape} per example, of {call.dtype}, and a "
                "class activation map needs floating-point (h, w, K), (t, K) or (d, h, w, K). "
                "Choose a convolution or pooling layer."
            )
        count = math.prod(n or 0 for n in moved_shape(shape, call.axes)[:-1])
        size = math.prod(self._grid or ())
        if self.reshape and count and count - size not in before:
            raise InvalidInputError(
                f"Layer {path!r} has {count} positions, and the grid reshape={self.reshape} has "
                f"{size}. As many were expected, or one less where a class token comes first. "
                f"Pass the grid of its patches{_grids(count)}."
            )

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        maps = [self._map(f, x, path) for path in self.paths]
        finest = max((one.shape[1:] for one in maps), key=lambda shape: math.prod(shape))
        return tf.add_n([linear_resize(one, finest) for one in maps]) / len(maps)

    def _map(self, f: Score, x: tf.Tensor, path: str) -> tf.Tensor:
        """The map of one layer, (B, *grid)."""
        activations, gradients = f.layer_gradient(path, x)
        combined = self._combine(self._positions(activations), self._positions(gradients))
        return self._on_grid(combined, activations)

    def _combine(self, a: tf.Tensor, g: tf.Tensor) -> tf.Tensor:
        """The map (B, P) of activations a and their gradients g, both (B, P, K)."""
        raise NotImplementedError(f"{type(self).__name__} has neither _combine nor _map.")

    def _positions(self, features: tf.Tensor) -> tf.Tensor:
        """(B, P, K) of a layer's output, or of its gradient."""
        rows = tf.reshape(features, [-1, math.prod(features.shape[1:-1]), features.shape[-1]])
        return rows if self._grid is None else rows[:, -math.prod(self._grid) :]

    def _on_grid(self, values: tf.Tensor, activations: tf.Tensor) -> tf.Tensor:
        """(B, P) as (B, *grid)."""
        return tf.reshape(values, [-1, *(self._grid or activations.shape[1:-1])])


def _grids(count: int) -> str:
    """Square grids that fit, in words."""
    sides = [math.isqrt(n) for n in (count, count - 1) if n > 0 and math.isqrt(n) ** 2 == n]
    return f", such as {(sides[0], sides[0])}" if sides else ""


def over_input(f: Score, x: tf.Tensor, path: str) -> tuple[Score, tf.Tensor, str | None]:
    """The score as a function of the one input that a layer's maps lie over, and that input.

    Returns:
        The score, the input, and its name; f, x and None where the model has one input.

    Raises:
        InvalidInputError: The layer rests on none or several that have its axes.
    """
    if f.num_parts == 1:
        return f, x, None
    i = f.input_of(path)
    if i is None:
        raise InvalidInputError(
            f"The maps of layer {path!r} lie over none of the model's inputs, or over several. "
            "Choose a layer that rests on one input with the same axes."
        )
    alone, one = f.alone(i, x)
    return alone, one, f.parts[i].name


def check_axes(maps: tf.Tensor, x: tf.Tensor, path: str) -> None:
    """Raises `InvalidInputError` unless maps (B, *grid) can be laid over x (B, *spatial, C)."""
    if maps.shape.rank != x.shape.rank - 1:
        raise InvalidInputError(
            f"The maps of layer {path} have {maps.shape.rank - 1} axes and are laid over the "
            f"input, which has shape {tuple(x.shape[1:])} per example. Choose a layer whose "
            "positions are those of the input."
        )
