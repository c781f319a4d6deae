"""What rollouts have in common: one matrix for all layers, and the row that the score reads."""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Self

import tensorflow as tf

from tfxai.arrangement import positions
from tfxai.core.forward import Attention
from tfxai.core.model.structure import ModelStructure
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import GRID

_MOST_MARKS = 8  # class tokens and registers in front of the patches


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rollout(AttributionMethod):
    """A matrix (B, T, T) of how much each token takes from each token of the input.

    Args:
        row: The token whose row is the answer, negative from the end. None is the mean over the
            tokens that the score rests on behind the last attention: the class token alone, or
            all that are pooled.
        reshape: (h, w), the grid of the patches of an image; None follows the image through the
            model and takes it from there. Tokens before them, such as a class token, have no
            place in it.
    """

    is_map: ClassVar[bool] = True
    needs_attention: ClassVar[bool] = True
    row: int | None = option(None, kind=int)
    reshape: tuple[int, int] | None = option(None, kind=GRID)

    @property
    def is_signed(self) -> bool:
        """Whether values may be negative."""
        return False

    def _bound(self, body: ModelStructure) -> Self:
        grid = body.tokens[-1].grid if body.tokens else None
        if grid is None or grid.behind:
            return self
        known = grid.height, grid.width
        if self.reshape is not None and self.reshape != known:
            raise InvalidInputError(
                f"reshape={self.reshape} came, and the model's patches are {known[0]} rows of "
                f"{known[1]}. Leave reshape out."
            )
        return dataclasses.replace(self, reshape=known)

    @abc.abstractmethod
    def _step(self, one: Attention, weights: tf.Tensor, before: tf.Tensor) -> tf.Tensor:
        """The matrix behind an attention, from its weights (B, H, T, T) and the matrix before."""

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        found = f.attention(x)
        weights = [by_head(one) for one in found]
        _check_alike(found, weights)
        length = tf.shape(weights[0])[-1]
        unit = tf.eye(length, batch_shape=[tf.shape(x)[0]], dtype=weights[0].dtype)
        matrix = unit
        for one, each in zip(found, weights, strict=True):
            matrix = self._step(one, each, matrix)
        values = tf.cast(tf.einsum("bt,bts->bs", self._reads(found[-1], unit), matrix), x.dtype)
        image = positions(f.parts[0].axes) == 2
        return self._on_grid(values) if image else values

    def _reads(self, last: Attention, unit: tf.Tensor) -> tf.Tensor:
        """(B, T): by how much each row counts; they add up to 1."""
        count = unit.shape[-1]
        if self.row is not None:
            if count is not None and not -count <= self.row < count:
                raise InvalidInputError(
                    f"row={self.row} is outside the {count} tokens of the attention. Pass a "
                    f"number from {-count} to {count - 1}."
                )
            return unit[:, self.row]
        gradient = by_head(dataclasses.replace(last, weights=last.gradient()))
        reads = tf.reduce_any(tf.not_equal(gradient, 0), axis=(1, 3))
        reads |= ~tf.reduce_any(reads, axis=1, keepdims=True)  # where nothing says so: all
        share = tf.cast(reads, unit.dtype)
        return share / tf.reduce_sum(share, axis=1, keepdims=True)

    def _on_grid(self, values: tf.Tensor) -> tf.Tensor:
        """(B, h, w) of the patches of an image, which come last."""
        count, grid = int(values.shape[-1] or 0), self.reshape
        if grid is None:
            raise InvalidInputError(
                f"The attention has {count} tokens, and which patch of the image each of them is "
                "cannot be told from the model. Pass reshape=(h, w), the grid of the patches, if "
                "they come last, row by row."
            )
        size = math.prod(grid)
        if not 0 <= count - size <= _MOST_MARKS:
            raise InvalidInputError(
                f"The attention has {count} tokens, and the grid reshape={grid} has {size} "
                "patches. Pass reshape=(h, w), the grid of the patches."
            )
        return tf.reshape(values[:, count - size :], [-1, *grid])


def by_head(one: Attention) -> tf.Tensor:
    """The weights of an attention as (B, H, T, S)."""
    shape = one.weights.shape.as_list()
    rows = tf.shape(one.weights)
    merged = tf.reshape(one.weights, tf.stack([rows[0], -1, rows[-2], rows[-1]]))
    return tf.ensure_shape(merged, [None, None, shape[-2], shape[-1]])


def _check_alike(found: Sequence[Attention], weights: Sequence[tf.Tensor]) -> None:
    """Raises `UnsupportedModelError` unless all attentions are of the same tokens."""
    shapes = {tuple(one.shape[2:]) for one in weights}
    if len(shapes) == 1 and len(set(next(iter(shapes)))) == 1:
        return
    said = ", ".join(
        f"{one.layer!r} {tuple(w.shape[2:])}" for one, w in zip(found, weights, strict=True)
    )
    raise UnsupportedModelError(
        f"A rollout follows the same tokens through all layers, and the attentions have {said} "
        "queries and keys. Look at the layers one by one with tfxai.attention()."
    )
