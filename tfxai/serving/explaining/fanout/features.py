"""Methods of features that join: `tfxai.KernelSHAP` and `tfxai.ShapleySampling`."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from tfxai.arrays import Array
from tfxai.core.inputs.frozen_arrays import FrozenArray
from tfxai.core.inputs.host_arrays import Examples
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.options import check_samples, check_seed
from tfxai.core.sampling.coalitions import kernel_coalitions, orders_of, shapley_map, walks
from tfxai.errors import InvalidInputError
from tfxai.serving.explaining.fanout.perturbing import Fanout

_NUMBERS = 2**22  # samples times features: of the regression's matrix
_SEGMENTS = 1000
_FEW = 300  # elements of an image that are features by themselves


class _Features(Fanout):
    """A method of features that are in a coalition or not."""

    defaults: ClassVar[dict[str, Any]] = {
        "mask": None,
        "samples": 1024,
        "baseline": None,
        "seed": 0,
    }
    completes = True

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Any, most: int
    ) -> None:
        super().__init__(options, shape, how, most)
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
        slic = self._superpixels(mask)
        if slic is not None:
            return slic, np.zeros(self.shape, int)
        if mask is None:
            return None, np.arange(math.prod(self.shape)).reshape(self.shape)
        array = FrozenArray.of("mask", mask, "Pass lists of integers, 'slic' or null.").array
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

    def _superpixels(self, mask: Any) -> Slic | None:
        """Those that are asked for, or usual for an image of many elements."""
        is_image = len(self.shape) == 3
        slic = None
        if isinstance(mask, Mapping) and mask.get("name") == Slic.name:
            slic = Slic(**mask.get("options", {}))
        elif mask == Slic.name or (mask is None and is_image and math.prod(self.shape) > _FEW):
            slic = Slic()
        if slic is not None and not is_image:
            raise InvalidInputError(f"mask='slic' parts images, and {self.shape} is none.")
        if slic is not None and slic.segments > _SEGMENTS:
            raise InvalidInputError(f"segments={slic.segments} is more than {_SEGMENTS}.")
        return slic

    def prepare(self, x: Array) -> None:
        """Parts each image into its superpixels."""
        if self._slic is not None:
            parts = self._slic.make(Examples((x,), self._how))
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

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Any, most: int
    ) -> None:
        super().__init__(options, shape, how, most)
        samples = options["samples"]
        self.bound(min(samples, 2**self._features - 2))
        if samples * self._features > _NUMBERS:
            raise InvalidInputError(
                f"{samples:,} samples of {self._features:,} features are too many here. Pass "
                "fewer, or a mask with fewer features."
            )
        self.coalitions, weights = kernel_coalitions(self._features, samples, options["seed"])
        self._solve = shapley_map(self.coalitions, weights)
        self.count = len(self.coalitions)

    def _shapley(self, scores: Array, score: float, baseline_score: float) -> Array:
        return np.concatenate([scores, [baseline_score, score]]) @ self._solve


class ShapleySampling(_Features):
    """`tfxai.ShapleySampling` by predictions."""

    name = "shapley_sampling"
    defaults: ClassVar[dict[str, Any]] = {**_Features.defaults, "samples": 24}

    def __init__(
        self, options: dict[str, Any], shape: tuple[int, ...], how: Any, most: int
    ) -> None:
        super().__init__(options, shape, how, most)
        samples = options["samples"]
        if samples % 2 or samples < 4:
            raise InvalidInputError(f"samples={samples!r} was expected to be even and at least 4.")
        self.bound(min(samples * (self._features - 1), 2**self._features))
        orders, _ = orders_of(self._features, samples, options["seed"])
        self.coalitions, self._before, self._after = walks(orders)
        self.count = len(self.coalitions)

    def _shapley(self, scores: Array, score: float, baseline_score: float) -> Array:
        added: Array = scores[self._after] - scores[self._before]
        return added.mean(axis=0)
