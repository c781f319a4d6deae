"""Perturbation methods for a model that can only be asked, a batch of inputs at a time.

The equations, options and random numbers are those of `tfxai.Occlusion`, `RISE`, `KernelSHAP` and
`ShapleySampling` with `score="output"`; here they are NumPy's, so that a server in front of
another one needs no TensorFlow.
"""

from __future__ import annotations

import abc
import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from tfxai.attribution import Array
from tfxai.core.baseline_kinds import Samples
from tfxai.core.baselines import check_baseline, one_baseline
from tfxai.core.checks import check_samples, check_seed
from tfxai.core.coalitions import kernel_coalitions, orders_of, shapley_map, walks
from tfxai.core.content import Content
from tfxai.core.hashing import uniform_on_host
from tfxai.core.superpixels import Slic
from tfxai.core.sweeps import Sweep, check_windows
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError

Predict = Callable[[Array], Array]
"""From at most a batch of inputs, (n, ...), to outputs, (n, N)."""
PREDICTED = -1


@dataclasses.dataclass(frozen=True)
class Explained:
    """What a method made of a batch.

    Args:
        values: (B, ...) in units of the output.
        target: (B,) the output explained.
        score: (B,) that output at the input.
        baseline_score: (B,) that output at the baseline.
        completeness_gap: (B,), where the values should add up.
        predictions: (B, N).
    """

    values: Array
    target: Array
    score: Array
    baseline_score: Array
    completeness_gap: Array | None
    predictions: Array


class Fanout(abc.ABC):
    """A method with its options, for examples of one shape.

    Args:
        options: Of the method, all of them.
        shape: Of one example.
        how: How pixels became inputs, where it is known: for the default baseline.
    """

    name: ClassVar[str]
    defaults: ClassVar[dict[str, Any]]
    is_map: ClassVar[bool] = False
    is_signed: ClassVar[bool] = True
    reduction: ClassVar[str] = "sum"
    completes: ClassVar[bool] = False

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Preprocessing | None
    ) -> None:
        self.options = options
        self.shape = shape
        self._how = how
        self._baseline = check_baseline(options["baseline"])
        if isinstance(self._baseline, Samples) or isinstance(options["baseline"], dict):
            raise InvalidInputError(
                "A baseline was expected to be a number, a colour, 'blur' or 'mean' in a request."
            )
        self.count = 0
        """Perturbed inputs of an example."""

    @property
    def rows(self) -> int:
        """Inputs that a model is asked about for one example: these, itself and its baseline."""
        return self.count + 2

    @abc.abstractmethod
    def prepare(self, x: Array) -> None:
        """Takes note of the examples, (B, ...), before `shown`."""

    @abc.abstractmethod
    def shown(self, example: int, k: Array) -> Array:
        """How much shows of an example in its perturbed inputs of numbers k: (n, ...) in [0, 1].

        It broadcasts to (n, *shape).
        """

    @abc.abstractmethod
    def values(self, example: int, scores: Array, score: float, baseline_score: float) -> Array:
        """The values of an example, from the scores of its perturbed inputs, (count,)."""

    def explain(
        self,
        predict: Predict,
        x: Array,
        target: Array,
        batch_size: int,
        check: Callable[[], None] = lambda: None,
    ) -> Explained:
        """Explains a batch.

        Args:
            predict: The model. What it raises is passed on.
            x: (B, *shape) float32.
            target: (B,), -1 for the predicted class.
            batch_size: Most rows that the model is asked about at once.
            check: Called before each batch; what it raises is passed on.

        Raises:
            InvalidInputError: A target is none of the outputs.
        """
        baseline = np.broadcast_to(one_baseline(self._baseline, x, self._how), x.shape)
        baseline = baseline.astype(x.dtype)
        self.prepare(x)

        def asked(rows: Iterator[Array]) -> Array:
            made = []
            for part in rows:
                check()
                made.append(np.asarray(predict(part)))
            return np.concatenate(made)

        ends = np.concatenate([x, baseline])
        outputs = asked(ends[i : i + batch_size] for i in range(0, len(ends), batch_size))
        predictions = outputs[: len(x)]
        chosen = _chosen(target, predictions)
        score, baseline_score = outputs[np.arange(2 * len(x)), np.tile(chosen, 2)].reshape(2, -1)
        every = np.concatenate(
            [
                part[np.arange(len(part)), chosen[example]]
                for example, part in self._asked(asked, x, baseline, batch_size)
            ]
        ).reshape(len(x), self.count)
        values = np.stack(
            [
                self.values(
                    i, every[i].astype(np.float64), float(score[i]), float(baseline_score[i])
                )
                for i in range(len(x))
            ]
        ).astype(x.dtype)
        gap = None
        if self.completes:
            total = values.reshape(len(x), -1).sum(axis=1, dtype=np.float64)
            gap = total - (score.astype(np.float64) - baseline_score)
        return Explained(values, chosen, score, baseline_score, gap, predictions)

    def _asked(
        self, asked: Callable[[Iterator[Array]], Array], x: Array, baseline: Array, size: int
    ) -> Iterator[tuple[Array, Array]]:
        """Numbers of examples and the outputs of their perturbed inputs, a batch at a time."""
        for start in range(0, len(x) * self.count, size):
            number = np.arange(start, min(start + size, len(x) * self.count))
            example, k = np.divmod(number, self.count)
            rows = np.empty((len(number), *self.shape), x.dtype)
            for i in np.unique(example):
                these = example == i
                show = self.shown(int(i), k[these])
                if show.dtype == bool:
                    rows[these] = np.where(show, x[i], baseline[i])
                else:
                    rows[these] = baseline[i] + show * (x[i] - baseline[i])
            yield example, asked(iter([rows]))


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

    def __init__(self, options: dict[str, Any], shape: tuple[int, ...], how: Any) -> None:
        super().__init__(options, shape, how)
        self._reduce = options["reduce"]
        window, stride = check_windows(options["window"], options["stride"], self._reduce)
        self._sweep = Sweep.along(_sides(shape), window, stride)
        self.count = math.prod(self._sweep.counts)

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

    def __init__(self, options: dict[str, Any], shape: tuple[int, ...], how: Any) -> None:
        super().__init__(options, shape, how)
        check_samples(options["samples"])
        check_seed(options["seed"])
        chance = options["probability"]
        is_number = isinstance(chance, int | float) and not isinstance(chance, bool)
        if not is_number or not 0 < chance < 1:
            raise InvalidInputError(f"probability={chance!r} was expected to lie in (0, 1).")
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


class _Features(Fanout):
    """A method of features that are in a coalition or not."""

    defaults: ClassVar[dict[str, Any]] = {
        "mask": None,
        "samples": 1024,
        "baseline": None,
        "seed": 0,
    }
    completes = True
    _few = 300  # elements of an image that are features by themselves

    def __init__(self, options: dict[str, Any], shape: tuple[int, ...], how: Any) -> None:
        super().__init__(options, shape, how)
        check_samples(options["samples"])
        check_seed(options["seed"])
        self._slic, numbers = self._mask(options["mask"])
        self._numbers = [numbers]
        self._features = self._slic.segments if self._slic else int(numbers.max()) + 1
        if self._features < 2:
            raise InvalidInputError("There is one feature. Pass a mask with two numbers or more.")
        self.coalitions = np.zeros((0, 0), bool)

    def _mask(self, mask: Any) -> tuple[Slic | None, Array]:
        """Superpixels, or the number of the feature of each element."""
        none = np.zeros(self.shape, int)
        is_image = len(self.shape) == 3
        if isinstance(mask, Mapping) and mask.get("name") == Slic.name:
            mask = Slic(**mask.get("options", {}))
        elif mask == Slic.name:
            mask = Slic()
        if mask is None and is_image and math.prod(self.shape) > self._few:
            mask = Slic()
        if isinstance(mask, Slic):
            if not is_image:
                raise InvalidInputError(f"mask='slic' parts images, and {self.shape} is none.")
            return mask, none
        if mask is None:
            return None, np.arange(none.size).reshape(self.shape)
        array = Content.of("mask", mask, "Pass lists of integers, 'slic' or null.").array
        if not array.size or array.dtype.kind not in "iuf" or (array != np.floor(array)).any():
            raise InvalidInputError("mask was expected to hold integers.")
        if array.shape == self.shape[:-1] and len(self.shape) > 1:
            array = array[..., None]
        try:
            array = np.broadcast_to(array, self.shape)
        except ValueError:
            raise InvalidInputError(
                f"mask has shape {array.shape}, and an input has {self.shape}."
            ) from None
        numbers = np.unique(array, return_inverse=True)[1]
        return None, numbers.reshape(self.shape)

    def prepare(self, x: Array) -> None:
        """Parts each image into its superpixels."""
        if self._slic is not None:
            parts = self._slic.make(x, self._how)
            self._numbers = [np.broadcast_to(one[..., None], self.shape) for one in parts]

    def _of(self, example: int) -> Array:
        return self._numbers[example if self._slic is not None else 0]

    def shown(self, example: int, k: Array) -> Array:
        """The features of the coalitions."""
        return self.coalitions[k][:, self._of(example)]

    def values(self, example: int, scores: Array, score: float, baseline_score: float) -> Array:
        """The Shapley value of a feature in equal shares for its elements."""
        numbers = self._of(example)
        sizes = np.bincount(numbers.ravel(), minlength=self._features)
        return (self._shapley(scores, score, baseline_score) / sizes)[numbers]

    @abc.abstractmethod
    def _shapley(self, scores: Array, score: float, baseline_score: float) -> Array:
        """The Shapley values of the features, (M,)."""


class KernelSHAP(_Features):
    """`tfxai.KernelSHAP` by predictions."""

    name = "kernel_shap"

    def __init__(self, options: dict[str, Any], shape: tuple[int, ...], how: Any) -> None:
        super().__init__(options, shape, how)
        self.coalitions, weights = kernel_coalitions(
            self._features, options["samples"], options["seed"]
        )
        self._solve = shapley_map(self.coalitions, weights)
        self.count = len(self.coalitions)

    def _shapley(self, scores: Array, score: float, baseline_score: float) -> Array:
        return np.concatenate([scores, [baseline_score, score]]) @ self._solve


class ShapleySampling(_Features):
    """`tfxai.ShapleySampling` by predictions."""

    name = "shapley_sampling"
    defaults: ClassVar[dict[str, Any]] = {**_Features.defaults, "samples": 24}

    def __init__(self, options: dict[str, Any], shape: tuple[int, ...], how: Any) -> None:
        super().__init__(options, shape, how)
        samples = options["samples"]
        if samples % 2 or samples < 4:
            raise InvalidInputError(f"samples={samples!r} was expected to be even and at least 4.")
        orders, _ = orders_of(self._features, samples, options["seed"])
        self.coalitions, self._before, self._after = walks(orders)
        self.count = len(self.coalitions)

    def _shapley(self, scores: Array, score: float, baseline_score: float) -> Array:
        added: Array = scores[self._after] - scores[self._before]
        return added.mean(axis=0)


_KINDS: dict[str, type[Fanout]] = {
    one.name: one for one in (Occlusion, RISE, KernelSHAP, ShapleySampling)
}
METHODS = tuple(_KINDS)
_MOST = 2**20  # of what is counted in options, before memory is taken for it


def method(
    name: str, options: Mapping[str, Any], shape: tuple[int, ...], how: Preprocessing | None = None
) -> Fanout:
    """A method, its options read and checked.

    Args:
        name: One of `METHODS`.
        options: Those that differ from the defaults, of JSON's types.
        shape: Of one example, no axis of it free.
        how: How pixels became inputs, where it is known.

    Raises:
        UnknownNameError: There is no method or option of that name.
        InvalidInputError: An option is out of range.
    """
    if name not in _KINDS:
        raise UnknownNameError.of("method", name, _KINDS)
    kind = _KINDS[name]
    for option, value in options.items():
        if option not in kind.defaults:
            raise UnknownNameError.of("option", option, kind.defaults, name)
        if isinstance(value, int) and abs(value) > _MOST and option != "seed":
            raise InvalidInputError(f"{option}={value} is more than {_MOST:,}. Pass less.")
    try:
        return kind({**kind.defaults, **options}, tuple(shape), how)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InvalidInputError):
            raise
        shown = json.dumps(dict(options), default=str)[:200]
        raise InvalidInputError(f"The options {shown} are not what {name} takes.") from error


def _chosen(target: Array, predictions: Array) -> Array:
    """The predicted class in the place of -1.

    Raises:
        InvalidInputError: There is no such output.
    """
    target = np.asarray(target)
    if ((target < PREDICTED) | (target >= predictions.shape[1])).any():
        raise InvalidInputError(
            f"target was expected to be 0 to {predictions.shape[1] - 1}, or -1 for the predicted "
            f"class, and {target.max()} came."
        )
    return np.where(target == PREDICTED, predictions.argmax(axis=1), target).astype(np.int32)


def _sides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that are swept: all but channels; the features of a table."""
    return shape[:-1] if len(shape) > 1 else shape


def _with_channels(array: Array, shape: tuple[int, ...]) -> Array:
    return array[..., None] if len(shape) > 1 else array
