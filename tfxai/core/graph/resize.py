"""Maps brought to another resolution, linearly along every axis, in the graph."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfxai.arithmetic import along
from tfxai.arrays import Array
from tfxai.core.graph.arithmetic import GRAPH


def linear_resize(maps: tf.Tensor, size: Sequence[int]) -> tf.Tensor:
    """Maps (B, *spatial) resized to (B, *size): bilinear in two dimensions, linear in one.

    Centres of elements are at half positions, as in `tf.image.resize`; what lies outside is as
    the nearest element inside. Nothing is smoothed where a map shrinks.

    Raises:
        ValueError: `size` has another number of axes.
    """
    if len(size) != maps.shape.rank - 1:
        raise ValueError(f"maps of shape {maps.shape} cannot be resized to {tuple(size)}")
    for axis, (old, new) in enumerate(zip(maps.shape[1:], size, strict=True), start=1):
        if old != new:
            weights = tf.constant(_weights(old, new), maps.dtype)
            mixed = functools.partial(tf.tensordot, b=weights, axes=[[-1], [1]])
            maps = along(maps, axis, mixed, GRAPH)
    return maps


def _weights(old: int, new: int) -> Array:
    """(new, old): how much each old element counts at each new one."""
    position = (np.arange(new) + 0.5) * old / new - 0.5
    lower = np.floor(position).astype(int)
    share = position - lower
    weights = np.zeros((new, old))
    np.add.at(weights, (np.arange(new), np.clip(lower, 0, old - 1)), 1 - share)
    np.add.at(weights, (np.arange(new), np.clip(lower + 1, 0, old - 1)), share)
    return weights
