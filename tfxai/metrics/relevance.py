"""From an attribution to one number for each position of the input, and their order."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.axes import channels_last, input_axes
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.options import Kind
from tfxai.errors import InvalidInputError
from tfxai.heatmaps import unscaled


def places(one: Attribution) -> tuple[int, ...]:
    """Sizes of the axes of the input along which there are positions; all of a table's."""
    shape = np.asarray(one.inputs).shape[1:]
    word = input_axes(one)
    if not spatial(word):
        return shape
    return tuple(np.shape(channels_last(np.asarray(one.inputs), word))[1 : 1 + len(spatial(word))])


def relevance(one: Attribution) -> Array:
    """(B, *places) float64: the values with their channels reduced in the method's own way.

    Maps of another resolution are brought to that of the input. Of tables and tokens it is the
    values, over their width summed.
    """
    size, values = places(one), np.asarray(one.values)
    if values.shape[1:] == size:
        return values.astype(np.float64)
    if values.shape[1 : 1 + len(size)] == size and one.at is not None:
        return values.reshape(*values.shape[: 1 + len(size)], -1).sum(axis=-1, dtype=np.float64)
    if not spatial(input_axes(one)):
        raise InvalidInputError(
            f"The values have shape {values.shape}, and the input has positions {size}: which "
            "value is of which one is not known. Explain the input itself."
        )
    return np.asarray(unscaled(one, size)[""], np.float64)


def read_by(name: str, by: Any) -> Any:
    """Pixels one by one, squares of some width, or superpixels."""
    is_width = isinstance(by, int) and not isinstance(by, bool) and by >= 1
    if by != "pixels" and not is_width and not isinstance(by, Slic):
        raise InvalidInputError(
            f"{name}={by!r} was expected to be 'pixels', the width of squares as an integer of at "
            "least 1, or Slic(segments)."
        )
    return by


BY = Kind("'pixels', the width of squares, or Slic(segments)", read_by)


def features(one: Attribution, by: Any) -> Array:
    """(B, *places) int: the feature of each position, numbered from 0 without gaps."""
    size = places(one)
    if isinstance(by, Slic):
        if len(size) != 2:
            raise InvalidInputError(f"by={by!r} is for images, and the input has axes {size}.")
        images = channels_last(np.asarray(one.inputs), input_axes(one))
        return by.make(Examples((images,), one.preprocessing)).astype(np.int64)
    width = 1 if by == "pixels" else by
    counts = [-(-side // width) for side in size]
    grid = np.meshgrid(*[np.arange(side) // width for side in size], indexing="ij")
    return np.broadcast_to(np.ravel_multi_index(grid, counts), (len(one), *size))


def ranks(relevant: Array, feature: Array, *, least_first: bool) -> tuple[Array, Array]:
    """The rank of each position's feature, (B, *places), and the number of features, (B,).

    Rank 0 goes to the feature of the largest mean relevance, or of the least; of equal ones the
    first comes first.
    """
    found, counts = np.empty(feature.shape, np.int64), np.empty(len(feature), np.int64)
    for i, (numbers, own) in enumerate(zip(relevant, feature, strict=True)):
        counts[i] = own.max() + 1
        sums = np.bincount(own.ravel(), numbers.ravel(), counts[i])
        means = sums / np.maximum(np.bincount(own.ravel(), minlength=counts[i]), 1)
        order = np.argsort(means if least_first else -means, kind="stable")
        rank = np.empty(counts[i], np.int64)
        rank[order] = np.arange(counts[i])
        found[i] = rank[own]
    return found, counts


def steps_of(rank: Array, counts: Array, steps: int) -> Array:
    """(B, *places) int32 from 1 to `steps`: the step at which each position's turn comes.

    After step k the first round(k / steps * count) features have had theirs.
    """
    found = np.empty(rank.shape, np.int32)
    for i, count in enumerate(counts):
        done = np.rint(np.arange(1, steps + 1) * count / steps)
        found[i] = np.searchsorted(done, rank[i], side="right") + 1
    return found
