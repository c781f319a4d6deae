"""What can be explained besides one logit: contrasts, neurons, registered functions."""

from __future__ import annotations

import abc
import dataclasses
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

import tensorflow as tf

from tfxai.classes import class_name
from tfxai.core.model.head import KINDS
from tfxai.errors import InvalidInputError, TfxaiError, UnknownNameError

ScoreFunction = TypeVar("ScoreFunction", bound=Callable[[Any], tf.Tensor])


@dataclasses.dataclass(frozen=True)
class Contrast:
    """Why `a` and not `b`: the logit of `a` minus the logit of `b`.

    Of a function or a SavedModel, of which the logits are not known, it is that of the outputs.

    Args:
        a: Index or name of the class that is explained.
        b: Index or name of the class it is set against.
    """

    a: int | str
    b: int | str

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise InvalidInputError(
                f"Contrast({self.a!r}, {self.b!r}) sets a class against itself, which is 0. Pass "
                "two classes."
            )

    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """What is explained, for people: `"Cat rather than Dog"`."""
        a, b = (_class_name(one, classes) for one in (self.a, self.b))
        return f"{a} rather than {b}"


class LayerScore(abc.ABC):
    """A number that is made of the output of one layer, whatever the model makes of it.

    A subclass is a frozen dataclass with a field `layer`: it is part of a program's key.
    """

    layer: str

    @property
    @abc.abstractmethod
    def of_channels(self) -> bool:
        """Whether `select` takes the layer's output with its channels last."""

    @abc.abstractmethod
    def select(self, activations: tf.Tensor) -> tf.Tensor:
        """The explained number of each example, (B,), of a layer's output (B, ...)."""

    @abc.abstractmethod
    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """What is explained, for people."""

    @abc.abstractmethod
    def check(self, shape: tuple[int | None, ...] | None) -> None:
        """Raises `InvalidInputError` unless it fits a layer's output of that shape."""


@dataclasses.dataclass(frozen=True)
class Neuron(LayerScore):
    """One activation inside the model.

    Args:
        layer: Path of the layer.
        index: Position in the layer's output, one number an axis after the batch axis; an int
            is a channel, averaged over the other axes.
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

    @property
    def of_channels(self) -> bool:
        """Whether it is a channel, of which the last axis holds the numbers."""
        return isinstance(self.index, int)

    def select(self, activations: tf.Tensor) -> tf.Tensor:
        """The explained activation, (B,), of (B, ...)."""
        if isinstance(self.index, int):
            channel = activations[..., self.index]
            return tf.reduce_mean(tf.reshape(channel, (tf.shape(channel)[0], -1)), axis=1)
        return activations[(slice(None), *self.index)]

    def in_words(self, classes: Sequence[str] | None = None) -> str:
        """What is explained, for people: `"neuron 5 of conv3"`."""
        return f"neuron {self.index} of {self.layer}"

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


ScoreKind: TypeAlias = str | Contrast | LayerScore

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
    if not isinstance(name, str):
        raise InvalidInputError(
            "register_score was used without a name. Write @tfxai.register_score('a_name') above "
            "the function."
        )

    def register(function: ScoreFunction) -> ScoreFunction:
        other = name in _registered and _origin(_registered[name]) != _origin(function)
        if not name.isidentifier():
            raise InvalidInputError(
                f"The score name {name!r} is no word of letters, digits and _. Choose one that is."
            )
        if name in KINDS or other:
            whose = "tfxai itself" if name in KINDS else "another function"
            raise InvalidInputError(
                f"The score name {name!r} is taken by {whose}. Choose another."
            )
        _registered[name] = function
        return function

    return register


def _origin(function: Any) -> Any:
    """Where a function is defined: the same for one that is defined again, not for lambdas."""
    name = getattr(function, "__qualname__", "<lambda>")
    return function if "<lambda>" in name else (function.__module__, name)


def name_of(score: Any) -> Any:
    """The name under which a function is registered; anything else as it is.

    Raises:
        InvalidInputError: It is a function that has no name.
    """
    if not callable(score) or isinstance(score, type):
        return score
    for name, function in _registered.items():
        if function is score:
            return name
    raise InvalidInputError(
        f"score={getattr(score, '__name__', score)} is a function without a name here. Write "
        "@tfxai.register_score('a_name') above it, and pass score='a_name'."
    )


def _class_name(one: int | str, classes: Sequence[str] | None) -> str:
    if isinstance(one, str):
        return one
    return class_name(one, classes) or f"output {one}"


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


@dataclasses.dataclass(frozen=True)
class Question:
    """What of the outputs is explained, without the target: the static half of a question.

    Args:
        kind: `"logit"`, `"probability"` or `"output"` as the model can answer it, a registered
            name, or a record.
        function: The function behind a registered name.
    """

    kind: ScoreKind
    function: Callable[[Any], tf.Tensor] | None = None

    def name(self, classes: Sequence[str] | None = None) -> str:
        """How the score is reported."""
        return self.kind if isinstance(self.kind, str) else self.kind.in_words(classes)


def one_number_an_example(function: Callable[[Any], Any], raw: Any, name: str) -> tf.Tensor:
    """What a registered score makes of the outputs."""
    try:
        values = tf.convert_to_tensor(function(raw))
    except TfxaiError:
        raise
    except Exception as error:  # the user's own code may raise anything
        reason = str(error).strip().partition("\n")[0]
        raise InvalidInputError(
            f"The score {name!r} failed on the model's outputs, {_shapes(raw)}: "
            f"{type(error).__name__}: {reason}"
        ) from error
    if values.shape.rank != 1:
        raise InvalidInputError(
            f"The score {name!r} returned shape {values.shape}, and one number an example was "
            "expected: (B,). Reduce the other axes."
        )
    return values


def _shapes(raw: Any) -> str:
    """Shapes of what a model returned, in words."""
    shapes = [
        f"({', '.join('B' if n is None else str(n) for n in t.shape)})"
        for t in tf.nest.flatten(raw)
    ]
    return f"of shape {' and '.join(shapes)}"
