"""Linear imputation in the graph: each hidden element as the weighted mean of its neighbours."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

_MOST_STEPS = 1000  # a bound; some ten to forty are needed
_COARSER = 4  # by how many times each grid of the preconditioner is wider than the one before
_FEWEST = 2  # nodes of the coarsest grid


def imputed(x: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    """X with each hidden element as the weighted mean of its neighbours, hidden ones included.

    Neighbours that differ by one along one axis count 1, by one along two axes 1/2, along three
    1/4: 1/6 and 1/12 of the sum in an image. At the border the weights of those that are there
    are scaled to the same sum. Where all is hidden, it is the mean of the channel.

    The linear system is solved for all rows at once by conjugate gradients, preconditioned on
    coarser grids. A row that is done is left alone: its batch mates do not matter.

    Args:
        x: (B, *places, C), floating.
        hidden: (B, *places) bool.

    Returns:
        Shaped like x, within (machine epsilon)^(2/3) of the range of each channel.
    """
    return _program(tuple(x.shape[1:]), x.dtype)(x, hidden)


@lru_cache(maxsize=64)
def _program(shape: tuple[int, ...], dtype: tf.DType) -> Any:
    """All in a few kernels: three to five times as fast as one for each operation."""
    specs = tf.TensorSpec((None, *shape), dtype), tf.TensorSpec((None, *shape[:-1]), tf.bool)
    return tf.function(
        _imputed,
        input_signature=specs,
        autograph=False,
        jit_compile=sys.platform == "linux",  # XLA does not come everywhere
    ).get_concrete_function()


def _imputed(x: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
    order = [0, x.shape.rank - 1, *range(1, x.shape.rank - 1)]
    planes = tf.transpose(x, order)  # (B, C, *places)
    is_missing = tf.cast(hidden, x.dtype)[:, None]
    filled = _solved(planes, is_missing)
    return tf.transpose(filled, np.argsort(order).tolist())


class _System(NamedTuple):
    """The equations of the missing elements, and what makes their solution quick."""

    missing: tf.Tensor  # (B, 1, *places), 1 where an element is missing
    weight: tf.Tensor  # (*places), the sum of the weights of the neighbours that are there
    grids: list[list[tf.Tensor]]  # of each coarser grid and axis, (side, nodes)
    energies: list[tf.Tensor]  # of each coarser grid, (B, 1, *nodes)

    def residual(self, values: tf.Tensor) -> tf.Tensor:
        """What the neighbours of missing elements say beyond their values."""
        return self.missing * (_neighbours(values) - self.weight * values)

    def preconditioned(self, residual: tf.Tensor) -> tf.Tensor:
        """About the correction that makes the residual zero, from all grids together."""
        found = residual / self.weight
        for matrices, energy in zip(self.grids, self.energies, strict=True):
            coarse = _along_all(residual, matrices, is_down=True) / energy
            found += _along_all(coarse, matrices, is_down=False)
        return self.missing * found


def _solved(planes: tf.Tensor, missing: tf.Tensor) -> tf.Tensor:
    axes = list(range(2, planes.shape.rank))
    known = 1 - missing
    count = tf.reduce_sum(known, axes, keepdims=True)
    means = tf.where(
        count > 0,
        tf.reduce_sum(known * planes, axes, keepdims=True) / tf.maximum(count, 1),
        tf.reduce_mean(planes, axes, keepdims=True),
    )
    start = known * (planes - means)  # around zero, where small ranges keep their digits
    spread = tf.reduce_max(planes, axes, True) - tf.reduce_min(planes, axes, True)
    epsilon = float(np.finfo(planes.dtype.as_numpy_dtype).eps)
    rounding = epsilon * tf.reduce_max(tf.abs(planes), axes, keepdims=True)
    limit = spread * epsilon ** (2 / 3) + rounding
    system = _system(planes, missing)

    def inner(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(a * b, axes, keepdims=True)

    def is_open(residual: tf.Tensor) -> tf.Tensor:
        return tf.reduce_max(tf.abs(residual / system.weight), axes, keepdims=True) > limit

    def more(step: tf.Tensor, state: Any) -> tf.Tensor:
        return tf.reduce_any(is_open(state[1]))

    def body(step: tf.Tensor, state: Any) -> Any:
        values, residual, direction, product = state
        bent = -system.residual(direction)
        energy = inner(direction, bent)
        goes_on = is_open(residual) & (energy > 0)
        length = tf.where(goes_on, product / tf.where(energy > 0, energy, 1), 0)
        values += length * direction
        residual = tf.where(goes_on, residual - length * bent, tf.where(energy > 0, residual, 0))
        better = system.preconditioned(residual)
        ahead = inner(residual, better)
        turn = tf.where(goes_on, ahead / tf.where(product > 0, product, 1), 0)
        direction = better + turn * direction
        return step + 1, (values, residual, direction, ahead)

    residual = system.residual(start)
    direction = system.preconditioned(residual)
    state = (start, residual, direction, inner(residual, direction))
    found = tf.while_loop(
        more,
        body,
        (0, state),
        maximum_iterations=_MOST_STEPS,
        parallel_iterations=1,
    )
    return tf.where(missing > 0, found[1][0] + means, planes)


def _system(planes: tf.Tensor, missing: tf.Tensor) -> _System:
    sides = [int(side) for side in planes.shape[2:]]
    ones = tf.ones([1, 1, *sides], planes.dtype)
    weight = _neighbours(ones)
    towards_known = missing * _neighbours(1 - missing)
    grids, energies, width = [], [], _COARSER
    while any(side // width >= _FEWEST for side in sides):
        matrices = [tf.constant(_hats(side, width), planes.dtype) for side in sides]
        # the energy of a node's hat: of a whole one, and what known elements take away from it
        whole = 2.0 ** len(sides) * float(width) ** (len(sides) - 2)
        squares = [matrix * matrix for matrix in matrices]
        energies.append(whole + _along_all(towards_known, squares, is_down=True))
        grids.append(matrices)
        width *= _COARSER
    return _System(missing, weight, grids, energies)


def _hats(side: int, width: int) -> np.ndarray:
    """(side, nodes): the linear hat of each node of a grid that is `width` times as wide."""
    nodes = np.arange(-(-(side - 1) // width) + 1) * width
    distance = np.abs(np.arange(side)[:, None] - nodes)
    return np.maximum(1 - distance / width, 0)


def _neighbours(values: tf.Tensor) -> tf.Tensor:
    """The weighted sum of the neighbours of each element of (B, C, *places), zeros outside.

    The weights are those of the binomial kernel (1, 2, 1) along each axis, without its centre.
    """
    total = values
    for axis in range(2, values.shape.rank):
        side = int(values.shape[axis])
        paddings = [[1, 1] if i == axis else [0, 0] for i in range(values.shape.rank)]
        wide = tf.pad(total, paddings)

        def part(start: int, wide: tf.Tensor = wide, axis: int = axis, side: int = side) -> Any:
            return wide[(*[slice(None)] * axis, slice(start, start + side))]

        total = part(0) + 2 * total + part(2)
    return total - 2.0 ** (values.shape.rank - 2) * values


def _along_all(values: tf.Tensor, matrices: list[tf.Tensor], *, is_down: bool) -> tf.Tensor:
    """(B, C, *places) taken to a coarser grid by the matrix of each axis, or back from it."""
    for axis, matrix in enumerate(matrices, start=2):
        shape = tf.shape(values)
        side = shape[axis]
        rows = tf.reshape(values, [tf.reduce_prod(shape[:axis]), side, -1])
        rows = tf.matmul(matrix, rows, transpose_a=is_down)
        values = tf.reshape(rows, tf.concat([shape[:axis], [-1], shape[axis + 1 :]], axis=0))
        static = matrix.shape[1] if is_down else matrix.shape[0]
        values = tf.ensure_shape(values, [*[None] * axis, static, *values.shape[axis + 1 :]])
    return values
