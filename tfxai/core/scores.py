"""What can be explained besides one logit: contrasts, neurons, registered functions."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

import tensorflow as tf

from tfxai.core.heads import KINDS
from tfxai.errors import InvalidInputError, UnknownNameError

ScoreFunction = TypeVar("ScoreFunction", bound=Callable[[Any], tf.Tensor])


@dataclasses.dataclass(frozen=True)
class Contrast:
    """Why `a` and not `b`: the logit of `a` minus the logit of `b`.

    Args:
        a: Index or name of the class that is explained.
        b: Index or name of the class it is set against.
    """

    a: int | str
    b: int | str


@dataclasses.dataclass(frozen=True)
class Neuron:
    """One activation inside the model.

    Args:
        layer: Path of the layer.
        index: Position in the layer's output, one number an axis after the batch axis; an int
            is a channel on the last axis, averaged over the other axes.
    """

    layer: str
    index: int | tuple[int, ...]

    def __post_init__(self) -> None:
        given: Any = self.index
        many = isinstance(given, list | tuple)
        try:  # plain ints: hashable, and the same for a NumPy number or a list out of JSON
            index = tuple(operator.index(i) for i in (given if many else [given]))
        except TypeError as error:
            raise InvalidInputError(
                f"Neuron index {self.index!r} was expected to be an integer, or one an axis."
            ) from error
        object.__setattr__(self, "index", index if many else index[0])

    def select(self, activations: tf.Tensor) -> tf.Tensor:
        """The explained activation, (B,), of (B, ...)."""
        if isinstance(self.index, int):
            channel = activations[..., self.index]
            return tf.reduce_mean(tf.reshape(channel, (tf.shape(channel)[0], -1)), axis=1)
        return activations[(slice(None), *self.index)]

    def check(self, shape: tuple[int | None, ...] | None) -> None:
        """Raises `InvalidInputError` unless `index` lies in an output of that shape."""
        index = (self.index,) if isinstance(self.index, int) else self.index
        axes = (shape or ())[-1:] if isinstance(self.index, int) else (shape or ())
        if len(index) != len(axes) or any(
            n is not None and not 0 <= i < n for i, n in zip(index, axes, strict=True)
        ):
            raise InvalidInputError(
                f"Neuron index {self.index} does not lie in layer {self.layer!r}, whose output "
                f"has shape {shape}. Pass one index an axis, each from 0, or a channel number."
            )


ScoreKind: TypeAlias = str | Contrast | Neuron

_registered: dict[str, Callable[[Any], tf.Tensor]] = {}


def register_score(name: str) -> Callable[[ScoreFunction], ScoreFunction]:
    """Names a function of the model's outputs, so that `score=name` explains it.

    Args:
        name: The word for it. A name keeps a second call from tracing again, which a
            lambda would not.

    Returns:
        A decorator for a function that takes the model's outputs as it returns them and
        gives one number an example, (B,), in TensorFlow operations.

    Raises:
        InvalidInputError: The name is taken by another function, or is not a word. A function
            may be defined again (a notebook's cell that is run twice): the new one counts.
    """

    def register(function: ScoreFunction) -> ScoreFunction:
        other = name in _registered and _origin(_registered[name]) != _origin(function)
        if name in KINDS or other or not name.isidentifier():
            raise InvalidInputError(
                f"The score name {name!r} is taken or is not a word. Choose another."
            )
        _registered[name] = function
        return function

    return register


def _origin(function: Any) -> Any:
    """Where a function is defined: the same for one that is defined again, not for lambdas."""
    name = getattr(function, "__qualname__", "<lambda>")
    return function if "<lambda>" in name else (function.__module__, name)


def registered_score(name: str) -> Callable[[Any], tf.Tensor] | None:
    """The function registered under `name`, or None for `logit`, `probability`, `output`.

    Raises:
        UnknownNameError: No score has that name.
    """
    if name in KINDS:
        return None
    if name not in _registered:
        raise UnknownNameError.of("score", name, [*KINDS, *_registered])
    return _registered[name]
