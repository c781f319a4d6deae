"""Baselines that are made from the input, or that are several: records for `baseline=`."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from scipy import ndimage

from tfxai.arithmetic import HOST
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.options import check_seed
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.arithmetic import Arithmetic
    from tfxai.arrays import Array

COLOURS = {"black": 0.0, "grey": 127.5, "white": 255.0}
"""Pixels 0..255 before preprocessing."""


class Baseline(abc.ABC):
    """How a baseline is made from the inputs."""

    name: ClassVar[str]

    @abc.abstractmethod
    def make(self, inputs: Array, limits: tuple[Array, Array] | None) -> Array:
        """The baseline of each example.

        Args:
            inputs: (B, ...) in the model's units.
            limits: Smallest and largest value that preprocessing gives, each () or (C,), or
                None where it is not known.

        Returns:
            (B, ...), float64.
        """


@final
@dataclasses.dataclass(frozen=True)
class Constant:
    """One value everywhere.

    Args:
        value: A number in the model's own units, or `"black"`, `"grey"` or `"white"`, which are
            colours before preprocessing and need a card that knows it.
    """

    value: float | str

    def __post_init__(self) -> None:
        if isinstance(self.value, str) and self.value not in COLOURS:
            raise UnknownNameError.of("colour", self.value, COLOURS)


@final
@dataclasses.dataclass(frozen=True)
class Blur(Baseline):
    """The input smoothed along its spatial or time axes: details are what is missing.

    Args:
        sigma: Standard deviation of the Gaussian, in pixels or time steps, above 0. None is a
            tenth of the longest such axis.

    Reference:
        Fong, Vedaldi, "Interpretable Explanations of Black Boxes", ICCV 2017, section 4.1.
    """

    name: ClassVar[str] = "blur"
    sigma: float | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None and not _is_above_zero(self.sigma):
            raise InvalidInputError(f"sigma={self.sigma!r} was expected to be above 0, or None.")

    def make(self, inputs: Array, limits: tuple[Array, Array] | None) -> Array:
        """The blurred inputs; what lies outside is as the nearest element inside."""
        axes = _inner_axes(inputs, self.name)
        sigma = self.sigma or max(inputs.shape[axis] for axis in axes) / 10
        smooth = inputs.astype(np.float64)
        return ndimage.gaussian_filter(smooth, sigma, axes=axes, mode="nearest")


@final
@dataclasses.dataclass(frozen=True)
class Noise(Baseline):
    """Random numbers: uniform ones, or the input with Gaussian noise upon it.

    All examples share the draws, so that an example's baseline does not depend on its batch.

    Args:
        noise: Standard deviation of the noise that is added to the input, as a fraction of the
            range; above 0. What leaves the range is clipped. None: uniform numbers of the range.
        seed: Seed of the draws.

    Reference:
        Sturmfels, Lundberg, Lee, "Visualizing the Impact of Feature Attribution Baselines",
        Distill 2020. The range is that of the preprocessing, or of the example itself where
        no preprocessing is known.
    """

    name: ClassVar[str] = "noise"
    noise: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.noise is not None and not _is_above_zero(self.noise):
            raise InvalidInputError(f"noise={self.noise!r} was expected to be above 0, or None.")

    def make(self, inputs: Array, limits: tuple[Array, Array] | None) -> Array:
        """The noise of each example."""
        draws = self.draws(inputs.shape[1:])
        return np.asarray(self.mixed(inputs.astype(np.float64), limits, draws, HOST))

    def draws(self, shape: Sequence[int]) -> Array:
        """The random numbers that all examples of a shape share, (1, *shape)."""
        rng = np.random.default_rng(self.seed)
        shape = (1, *shape)
        return rng.random(shape) if self.noise is None else rng.standard_normal(shape)

    def mixed(
        self, inputs: Any, limits: tuple[Array, Array] | None, draws: Any, xp: Arithmetic
    ) -> Any:
        """What `make` gives, (B, ...) or (1, ...), from float64 inputs and their draws."""
        if limits is None:
            each = [-1, *[1] * (len(inputs.shape) - 1)]
            flat = xp.flat(inputs)
            low, high = (xp.reshape(end(flat, axis=1), each) for end in (xp.min, xp.max))
        else:
            low, high = (np.asarray(one, np.float64) for one in limits)
        if self.noise is None:
            return low + (high - low) * draws
        noisy = inputs + self.noise * (high - low) * draws
        return xp.clip(noisy, xp.minimum(low, inputs), xp.maximum(high, inputs))


@final
@dataclasses.dataclass(frozen=True)
class Mean(Baseline):
    """The mean of each channel of the example itself: its average colour everywhere."""

    name: ClassVar[str] = "mean"

    def make(self, inputs: Array, limits: tuple[Array, Array] | None) -> Array:
        """The means, broadcast over the spatial or time axes."""
        _inner_axes(inputs, self.name)
        return np.asarray(self.mean(inputs, HOST))

    def mean(self, inputs: Any, xp: Arithmetic) -> Any:
        """What `make` gives, float64."""
        axes = tuple(range(1, len(inputs.shape) - 1))
        means = xp.mean(xp.cast(inputs, "float64"), axes)
        return xp.broadcast_as(xp.reshape(means, [-1, *[1] * len(axes), inputs.shape[-1]]), inputs)


@final
@dataclasses.dataclass(frozen=True)
class Samples:
    """Several baselines, the same for all examples: the attributions to each are averaged.

    Args:
        array: (R, ...) in the model's own units, R at least 1, each shaped like one input; for a
            model with several inputs one such array for each, by its name.
    """

    name: ClassVar[str] = "samples"
    array: Any

    def __post_init__(self) -> None:
        if isinstance(self.array, FrozenArrays):
            return
        if (each := one_for_each(self.array)) is not None:
            parts = tuple((name, _several(one)) for name, one in each.items())
            if len({len(content.array) for _, content in parts}) != 1:
                shapes = {name: content.array.shape for name, content in parts}
                raise InvalidInputError(
                    f"The baselines have shapes {shapes}, and as many of each input were expected."
                )
            object.__setattr__(self, "array", FrozenArrays(parts))
        else:
            object.__setattr__(self, "array", _several(self.array))


@final
@dataclasses.dataclass(frozen=True)
class Activations:
    """Activations of the layer that `at=` names, in the place of what the layer makes of an input.

    Args:
        value: A number for all of them, or an array shaped like the layer's output for one
            example or for the batch, in the units of that output. `Activations(0.0)` is silence.
    """

    name: ClassVar[str] = "activations"
    value: Any = 0.0

    def __post_init__(self) -> None:
        advice = "Pass a number, or an array shaped like the layer's output."
        content = FrozenArray.of("Activations", self.value, advice)
        value = content if content.array.ndim else float(content.array)
        object.__setattr__(self, "value", value)


def one_for_each(given: Any) -> dict[str, Any] | None:
    """The arrays of several inputs by name, or by number where a list holds one for each.

    None where it is no dict and no list of arrays of different shapes: a list of equal ones is
    one array.
    """
    if isinstance(given, Mapping):
        return {str(name): one for name, one in given.items()}
    if isinstance(given, list | tuple) and len(given) > 1:
        shapes = [tuple(one.shape) for one in given if hasattr(one, "shape")]
        if len(shapes) == len(given) and len(set(shapes)) > 1:
            return {str(i): one for i, one in enumerate(given)}
    return None


def _several(array: Any) -> FrozenArray:
    advice = (
        "Pass an array of R baselines, each shaped like one input, or a dict of such arrays for "
        "several inputs."
    )
    content = FrozenArray.of("Samples", array, advice)
    if content.array.ndim < 2 or not len(content.array):
        raise InvalidInputError(
            f"Samples has shape {content.array.shape}, and (R, ...) was expected. {advice}"
        )
    return content


class OfTokens(Baseline):
    """What stands in the place of tokens: for texts only."""

    def make(self, inputs: Array, limits: tuple[Array, Array] | None) -> Array:
        """Raises `InvalidInputError`: there are no tokens in arrays."""
        raise InvalidInputError(
            f"baseline={self!r} stands in the place of tokens, and no texts came. Pass texts to a "
            "model that takes them, or a number, an array or another record of tfxai.baselines."
        )


@final
@dataclasses.dataclass(frozen=True)
class Pad(OfTokens):
    """The padding token in the place of every token that is not special."""

    name: ClassVar[str] = "pad"


@final
@dataclasses.dataclass(frozen=True)
class Mask(OfTokens):
    """The mask token of the model, or the one of unknown words, in the place of every token."""

    name: ClassVar[str] = "mask"


@final
@dataclasses.dataclass(frozen=True)
class Text(OfTokens):
    """A text of one's own.

    Args:
        text: The text, at least a word; the same for all examples.
    """

    name: ClassVar[str] = "text"
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not self.text.strip():
            raise InvalidInputError(f"Text holds {self.text!r}, and a text was expected.")


ZERO = "zero"
"""Word for embeddings of zeros: `Activations(0.0)`."""
KINDS: dict[str, Any] = {
    kind.name: kind for kind in (Blur, Noise, Mean, Samples, Activations, Pad, Mask, Text)
}


def _inner_axes(inputs: Array, name: str) -> tuple[int, ...]:
    """The axes between batch and channels."""
    if inputs.ndim < 3:
        raise InvalidInputError(
            f"baseline={name!r} looks along space or time, and the inputs have shape "
            f"{inputs.shape}. Pass a number, an array or Samples."
        )
    return tuple(range(1, inputs.ndim - 1))


def _is_above_zero(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < float("inf")
