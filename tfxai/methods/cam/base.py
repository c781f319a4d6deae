"""What class activation maps share: layers, the grid of their positions, the mean of several."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import tensorflow as tf

from tfxai.core.anatomy import Anatomy
from tfxai.core.resize import linear_resize
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClassActivationMap(AttributionMethod):
    """A map over the positions of a layer, from its feature maps and what the score makes of them.

    A subclass says in `_combine` how, for activations and gradients of (B, P, K): P positions
    of K feature maps. All of them have the options of this class.

    Args:
        layer: Path of a layer with output (B, h, w, K), (B, t, K) or (B, d, h, w, K); several
            paths for the mean of their maps, at the finest layer's resolution. None is the last
            layer with two spatial axes.
        reshape: (h, w) grid in which the last h w positions of the layer lie, row by row: the
            patches of a vision transformer without the class token before them.
    """

    is_map: ClassVar[bool] = True
    takes_at: ClassVar[bool] = False
    layer: str | tuple[str, ...] | None = None
    reshape: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer", _read_layer(self.layer))
        object.__setattr__(self, "reshape", _read_grid(self.reshape))
        if self.reshape is not None and self.layer is None:
            raise InvalidInputError(
                f"reshape={self.reshape} was expected together with the layer whose positions "
                "it lays out. Pass layer=."
            )

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative: a ReLU keeps most maps from it."""
        return False

    @property
    def paths(self) -> tuple[str, ...]:
        """The layers, one or several."""
        return (self.layer,) if isinstance(self.layer, str) else self.layer or ()

    def _bound(self, body: Anatomy) -> Self:
        method = self if self.layer else dataclasses.replace(self, layer=body.last_spatial())
        for path in method.paths:
            self._check(path, body.find(path).shape)
        if len({len(self.reshape or body.find(path).shape or ()) for path in method.paths}) > 1:
            raise InvalidInputError(
                f"The layers {', '.join(method.paths)} have maps of different numbers of axes, "
                "which have no mean. Choose layers of one kind."
            )
        return method

    def _check(self, path: str, shape: tuple[int | None, ...] | None) -> None:
        if shape is None or len(shape) not in (2, 3, 4):
            raise InvalidInputError(
                f"Layer {path!r} has output shape {shape} per example, and a class activation "
                "map needs (h, w, K), (t, K) or (d, h, w, K). Choose a convolution or pooling "
                "layer."
            )
        positions = [n for n in shape[:-1] if n is not None]
        if self.reshape and math.prod(positions) < math.prod(self.reshape):
            raise InvalidInputError(
                f"Layer {path!r} has {math.prod(positions)} positions, fewer than the grid "
                f"reshape={self.reshape} has. Pass the grid of its patches."
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
        return rows if self.reshape is None else rows[:, -math.prod(self.reshape) :]

    def _on_grid(self, values: tf.Tensor, activations: tf.Tensor) -> tf.Tensor:
        """(B, P) as (B, *grid)."""
        return tf.reshape(values, [-1, *(self.reshape or activations.shape[1:-1])])


def check_axes(maps: tf.Tensor, x: tf.Tensor, path: str) -> None:
    """Raises `InvalidInputError` unless maps (B, *grid) can be laid over x (B, *spatial, C)."""
    if maps.shape.rank != x.shape.rank - 1:
        raise InvalidInputError(
            f"The maps of layer {path} have {maps.shape.rank - 1} axes and are laid over the "
            f"input, which has shape {tuple(x.shape[1:])} per example. Choose a layer whose "
            "positions are those of the input."
        )


def _read_layer(layer: Any) -> str | tuple[str, ...] | None:
    if layer is None or (isinstance(layer, str) and layer):
        return layer
    paths = tuple(layer) if isinstance(layer, Sequence) else ()
    if not paths or not all(isinstance(path, str) and path for path in paths):
        raise InvalidInputError(
            f"layer={layer!r} was expected to be a path, several paths, or None."
        )
    return paths


def _read_grid(reshape: Any) -> tuple[int, int] | None:
    if reshape is None:
        return None
    grid = tuple(reshape) if isinstance(reshape, Sequence) else ()
    is_whole = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in grid)
    if len(grid) != 2 or not is_whole:
        raise InvalidInputError(
            f"reshape={reshape!r} was expected to be (height, width) of the grid, or None."
        )
    return grid[0], grid[1]
