"""What a picture is made to excite: neurons, channels, layers, directions and classes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeAlias, final

import numpy as np

from tfxai.errors import InvalidInputError


class Objective:
    """Something of a network that a picture can raise; `+`, `-` and numbers combine several."""

    @property
    def terms(self) -> tuple[tuple[float, Part], ...]:
        """What it is the sum of, each with its factor."""
        return ((1.0, self),)  # type: ignore[return-value]

    @property
    def label(self) -> str:
        """What it is, in a few words, as figures write it."""
        return str(self)

    def __add__(self, other: Any) -> Objective:
        if isinstance(other, int | float) and other == 0:  # where `sum` starts
            return self
        if not isinstance(other, Objective):
            return NotImplemented
        return Combination((*self.terms, *other.terms))

    __radd__ = __add__

    def __mul__(self, factor: Any) -> Objective:
        if isinstance(factor, bool) or not isinstance(factor, int | float):
            return NotImplemented
        if not math.isfinite(factor) or factor == 0:
            raise InvalidInputError(
                f"An objective was multiplied by {factor}. Use a finite number other than 0."
            )
        return Combination(tuple((factor * own, part) for own, part in self.terms))

    __rmul__ = __mul__

    def __truediv__(self, number: Any) -> Objective:
        if isinstance(number, bool) or not isinstance(number, int | float) or number == 0:
            return NotImplemented
        return self * (1 / number)

    def __neg__(self) -> Objective:
        return self * -1.0

    def __sub__(self, other: Any) -> Objective:
        return self + -other if isinstance(other, Objective) else NotImplemented


@final
@dataclasses.dataclass(frozen=True)
class Combination(Objective):
    """A weighted sum of objectives, as `+`, `-` and numbers make it.

    Args:
        weighted: Pairs of a factor and an objective.
    """

    weighted: tuple[tuple[float, Part], ...]

    @property
    def terms(self) -> tuple[tuple[float, Part], ...]:
        """What it is the sum of, each with its factor."""
        return self.weighted

    @property
    def label(self) -> str:
        """Such as `conv channel 3 - 0.5 conv channel 4`."""
        words = ""
        for factor, part in self.weighted:
            sign = " - " if factor < 0 else " + "
            size = "" if abs(factor) == 1 else f"{abs(factor):g} "
            words += (sign if words or factor < 0 else "") + size + part.label
        return words.strip()


@final
@dataclasses.dataclass(frozen=True)
class Channel(Objective):
    """A channel of a layer: its mean over all positions.

    Args:
        layer: Path of the layer, such as `"conv3"` or `"backbone/conv5"`.
        channel: Number of the channel, from 0.
    """

    layer: str
    channel: int

    def __post_init__(self) -> None:
        _check_number("channel", self.channel)

    @property
    def label(self) -> str:
        """Such as `conv channel 3`."""
        return f"{self.layer} channel {self.channel}"


@final
@dataclasses.dataclass(frozen=True)
class Neuron(Objective):
    """A channel of a layer at one position.

    Args:
        layer: Path of the layer.
        channel: Number of the channel, from 0.
        position: Indices of the axes between the batch and the channels, such as (row, column);
            None for the middle.
    """

    layer: str
    channel: int
    position: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_number("channel", self.channel)
        if self.position is not None:
            for one in self.position:
                _check_number("position", one)
            object.__setattr__(self, "position", tuple(self.position))

    @property
    def label(self) -> str:
        """Such as `conv channel 3 at (4, 4)`."""
        where = "the middle" if self.position is None else self.position
        return f"{self.layer} channel {self.channel} at {where}"


@final
@dataclasses.dataclass(frozen=True)
class Layer(Objective):
    """All of a layer: the mean square of its activations, as DeepDream raises it.

    Args:
        layer: Path of the layer.
    """

    layer: str

    @property
    def label(self) -> str:
        """Such as `conv`."""
        return self.layer


@final
@dataclasses.dataclass(frozen=True)
class Direction(Objective):
    """A direction among the channels of a layer: the mean projection on it over all positions.

    Args:
        layer: Path of the layer.
        vector: (C,) numbers, one a channel, or an object whose `vector` they are, such as a
            concept activation vector. Its length does not count.

    Raises:
        InvalidInputError: They are no finite numbers, or all of them are 0.
    """

    layer: str
    vector: Any

    def __post_init__(self) -> None:
        numbers = np.asarray(getattr(self.vector, "vector", self.vector))
        if numbers.dtype.kind not in "fiu" or not numbers.size or not np.isfinite(numbers).all():
            raise InvalidInputError(
                f"vector of type {numbers.dtype} and shape {numbers.shape} came for a Direction, "
                "and finite numbers were expected, one for each channel."
            )
        flat = numbers.astype(np.float64).ravel()
        length = float(np.linalg.norm(flat))
        if length == 0:
            raise InvalidInputError("vector is 0 in every channel, which is no direction.")
        object.__setattr__(self, "vector", tuple((flat / length).tolist()))

    @property
    def label(self) -> str:
        """Such as `a direction in conv`."""
        return f"a direction in {self.layer}"


@final
@dataclasses.dataclass(frozen=True)
class ClassLogit(Objective):
    """The logit of a class; what the model returns for it where no logit is known.

    Args:
        target: Number of the class from 0, or its name.
    """

    target: int | str

    def __post_init__(self) -> None:
        if not isinstance(self.target, str):
            _check_number("target", self.target)

    @property
    def label(self) -> str:
        """Such as `class Frog`."""
        return f"class {self.target}"


Part: TypeAlias = Channel | Neuron | Layer | Direction | ClassLogit


def read_objectives(given: Any) -> tuple[Objective, ...]:
    """One objective or several, as a tuple.

    Raises:
        InvalidInputError: It is neither, or there is none.
    """
    several = (
        tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    )
    for one in several:
        if not isinstance(one, Objective):
            raise InvalidInputError(
                f"objective={one!r} was expected to be an objective or a list of them. Pass "
                "Channel, Neuron, Layer, Direction or ClassLogit of tfxai.features."
            )
    if not several:
        raise InvalidInputError("There is no objective. Pass at least one.")
    return several


def _check_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise InvalidInputError(f"{name}={value!r} was expected to be a whole number from 0.")
