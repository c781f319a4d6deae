"""Methods that cover parts of the axes of an input: `tfxai.Occlusion` and `tfxai.RISE`."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.core.options import Option, check_samples, check_seed
from tfxai.core.sampling.hashing import uniform_on_host
from tfxai.core.windows.positions import Sweep, check_windows
from tfxai.errors import InvalidInputError
from tfxai.serving.explaining.fanout.perturbing import Fanout

_CELLS = 2**14  # of a mask: numbers that are drawn for each row


class Occlusion(Fanout):
    """`tfxai.Occlusion` by predictions."""

    name = "occlusion"
    defaults: ClassVar[dict[str, Any]] = {
        "window": None,
        "stride": None,
        "baseline": None,
        "reduce": "mean",
    }
    is_map = True

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Any, most: int
    ) -> None:
        super().__init__(options, shape, how, most)
        self._reduce = options["reduce"]
        window, stride = check_windows(options["window"], options["stride"], self._reduce)
        self._sweep = Sweep.along(_sides(shape), window, stride)
        self.count = math.prod(self._sweep.counts)
        self.bound(self.count)

    def prepare(self, x: Array) -> None:
        """Nothing: windows are the same for all."""

    def shown(self, example: int, k: Array) -> Array:
        """All but a window."""
        covered = np.ones((len(k), *[1] * len(self._sweep.axes)), bool)
        for axis, number in enumerate(np.unravel_index(k, self._sweep.counts)):
            start = np.array(self._sweep.starts[axis])[number]
            offset = np.arange(self._sweep.axes[axis]) - start[:, None]
            inside = (offset >= 0) & (offset < self._sweep.sides[axis])
            sides = [len(k), *[1] * len(self._sweep.axes)]
            sides[axis + 1] = self._sweep.axes[axis]
            covered = covered & inside.reshape(sides)
        return _with_channels(~covered, self.shape)

    def values(self, example: int, scores: Array, score: float, baseline_score: float) -> Array:
        """What the score loses, spread over the windows."""
        numbers = (score - scores).reshape(self._sweep.counts)
        for axis in range(len(self._sweep.axes)):
            index = self._sweep.covering(axis)  # (side, most), -1 where fewer cover it
            picked = np.moveaxis(np.take(numbers, np.maximum(index, 0), axis=axis), axis + 1, -1)
            real = (index >= 0).reshape(
                [1] * axis + [len(index)] + [1] * (picked.ndim - axis - 2) + [index.shape[1]]
            )
            if self._reduce == "max":
                numbers = np.where(real, picked, -np.inf).max(axis=-1)
            else:
                numbers = (picked * real).sum(axis=-1) / real.sum(axis=-1)
        return numbers


class RISE(Fanout):
    """`tfxai.RISE` by predictions."""

    name = "rise"
    defaults: ClassVar[dict[str, Any]] = {
        "samples": 1000,
        "cells": 7,
        "probability": 0.5,
        "baseline": None,
        "seed": 0,
    }
    is_map = True

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Any, most: int
    ) -> None:
        super().__init__(options, shape, how, most)
        check_samples(options["samples"])
        check_seed(options["seed"])
        Option(kind=float, above=0, below=1).read("probability", options["probability"])
        self._sides = _sides(shape)
        cells = options["cells"]
        self._cells = (
            tuple(cells) if isinstance(cells, list | tuple) else (cells,) * len(self._sides)
        )
        are_whole = all(isinstance(n, int) and not isinstance(n, bool) for n in self._cells)
        if not are_whole or min(self._cells) < 1 or len(self._cells) != len(self._sides):
            raise InvalidInputError(
                f"cells={cells!r} was expected to be an integer of at least 1, or one for each of "
                f"{len(self._sides)} axes."
            )
        if math.prod(self._cells) > _CELLS:
            raise InvalidInputError(f"cells={cells!r} are more than {_CELLS:,}. Pass fewer.")
        self.bound(options["samples"])
        self._kind: Any = np.float32
        self.count = options["samples"]

    def prepare(self, x: Array) -> None:
        """Of which type the masks are, as in a graph; they are the same for all."""
        self._kind = x.dtype.type

    def shown(self, example: int, k: Array) -> Array:
        """Random smooth masks."""
        return _with_channels(self._masks(k), self.shape)

    def _masks(self, k: Array) -> Array:
        kind = self._kind
        grid = [n + 2 for n in self._cells]  # what a shift by up to a cell needs at the end
        draws = uniform_on_host(self.options["seed"], k, math.prod(grid) + len(grid))
        shifts = draws[:, : len(grid)].astype(kind)
        shown = draws[:, len(grid) :].astype(kind) < kind(self.options["probability"])
        mask = shown.astype(kind).reshape(-1, *grid)
        for axis, (side, count) in enumerate(zip(self._sides, self._cells, strict=True)):
            place = np.arange(side, dtype=kind) * kind(count) / kind(side)
            place = place + shifts[:, axis, None]  # in cells
            distance = np.abs(place[..., None] - np.arange(count + 2, dtype=kind))
            weights = np.maximum(1 - distance, 0)  # (n, side, count + 2)
            moved = np.moveaxis(mask, axis + 1, -1)
            flat = moved.reshape(len(mask), -1, moved.shape[-1]) @ weights.transpose(0, 2, 1)
            mask = np.moveaxis(flat.reshape(*moved.shape[:-1], side), -1, axis + 1)
        return mask

    def values(self, example: int, scores: Array, score: float, baseline_score: float) -> Array:
        """The mean of the masks, weighted by their scores (Eq. 6)."""
        total = np.zeros(self._sides)
        for start in range(0, self.count, 64):
            k = np.arange(start, min(start + 64, self.count))
            total += np.tensordot(scores[k], self._masks(k), axes=1)
        return total / (self.count * self.options["probability"])


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that are swept: all but channels; the features of a table."""
    return shape[:-1] if len(shape) > 1 else shape


def _with_channels(array: Array, shape: tuple[int, ...]) -> Array:
    return array[..., None] if len(shape) > 1 else array
