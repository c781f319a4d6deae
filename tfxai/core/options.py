"""Options of methods, declared where they stand: what may be passed, in words and as a check.

A field `samples: int = option(50, at_least=1)` says all that the constructor checks and that
`tfxai methods` and the command line show; its sentence of help is its entry in the `Args:` of the
class's docstring. Free of TensorFlow.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar, overload

from tfxai.errors import InvalidInputError, UnknownNameError

T = TypeVar("T")
_KEY: Final = "tfxai"
_NOUNS: Mapping[type, str] = {int: "an integer", float: "a number", bool: "True or False"}


@dataclasses.dataclass(frozen=True)
class Kind:
    """Values that have a reader of their own, such as baselines.

    Args:
        words: What they are, for a list of options.
        read: From the option's name and what was passed to the form in which it is stored;
            raises `InvalidInputError` with a sentence of its own.
    """

    words: str
    read: Callable[[str, Any], Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """What may be passed for an option.

    Args:
        kind: `int`, `float`, `bool`, `str`, or a `Kind` with a reader of its own.
        at_least: Smallest number, itself allowed.
        above: What the number has to exceed.
        below: What the number has to stay under.
        choices: The words that are known.
        noun: What one of them is called.
        is_optional: Whether None may be passed too; it is stored as it is.
    """

    kind: type | Kind
    at_least: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    noun: str = ""
    is_optional: bool = False

    @property
    def words(self) -> str:
        """What is expected: `an integer of at least 1, or None`."""
        if isinstance(self.kind, Kind):
            said = self.kind.words
        elif self.choices:
            *others, last = map(repr, self.choices)
            said = f"{', '.join(others)} or {last}" if others else last
        else:
            said = f"{_NOUNS.get(self.kind, 'a text')}{self._range()}"
        return f"{said}, or None" if self.is_optional else said

    @property
    def bounds(self) -> dict[str, Any]:
        """The bounds and choices that are declared, as JSON takes them."""
        given = {name: getattr(self, name) for name in ("at_least", "above", "below")}
        bounds = {name: value for name, value in given.items() if value is not None}
        return bounds | ({"choices": list(self.choices)} if self.choices else {})

    def read(self, name: str, value: Any) -> Any:
        """The value in its stored form.

        Raises:
            InvalidInputError: It is of another type, or out of bounds.
            UnknownNameError: It is none of the choices.
        """
        if value is None and self.is_optional:
            return None
        if isinstance(self.kind, Kind):
            return self.kind.read(name, value)
        if not self._is_of_kind(value) or not self._is_within(value):
            raise InvalidInputError(f"{name}={value!r} was expected to be {self.words}.")
        if self.choices and value not in self.choices:
            raise UnknownNameError.of(self.noun or name, value, self.choices)
        return value

    def _is_of_kind(self, value: Any) -> bool:
        if isinstance(value, bool):
            return self.kind is bool
        if self.kind is float:
            return isinstance(value, int | float)
        return isinstance(value, self.kind)  # type: ignore[arg-type]

    def _is_within(self, value: Any) -> bool:
        if self.kind is not int and self.kind is not float:
            return True
        return (
            (self.kind is int or math.isfinite(value))
            and (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def _range(self) -> str:
        if self.below is not None:
            low, bracket = (self.above, "(") if self.at_least is None else (self.at_least, "[")
            return f" in {bracket}{low}, {self.below})"
        if self.above is not None:
            return f" above {self.above}"
        return f" of at least {self.at_least}" if self.at_least is not None else ""


class Declared:
    """A dataclass whose fields declare what may be passed for them."""

    def __post_init__(self) -> None:
        for name, one in declared(type(self)).items():
            object.__setattr__(self, name, one.read(name, getattr(self, name)))
        self._check_together()

    def _check_together(self) -> None:
        """Raises `InvalidInputError` where options do not go together."""


@overload
def option(
    default: None, *, kind: type[T], at_least: float | None = ..., above: float | None = ...
) -> T | None: ...
@overload
def option(default: None, *, kind: Kind) -> Any: ...
@overload
def option(
    default: T,
    *,
    kind: type | Kind | None = ...,
    at_least: float | None = ...,
    above: float | None = ...,
    below: float | None = ...,
    choices: Sequence[str] = ...,
    noun: str = ...,
) -> T: ...
def option(default: Any, *, kind: Any = None, **bounds: Any) -> Any:
    """A field of a method with a default, and what may be passed for it.

    Args:
        default: What it is unless given.
        kind: As in `Option`; the default's type where it is left out. None may be passed where it
            is the default.
        **bounds: `at_least`, `above`, `below`, `choices` and `noun` of `Option`.
    """
    declared = declaration(kind=kind or type(default), is_optional=default is None, **bounds)
    return dataclasses.field(default=default, metadata=declared)


def declaration(*, kind: type | Kind, **bounds: Any) -> dict[str, Option]:
    """The metadata of a field without a default: `dataclasses.field(metadata=declaration(...))`.

    With `dataclasses.field` itself, type checkers know that the option has to be given.
    """
    bounds["choices"] = tuple(bounds.get("choices", ()))
    return {_KEY: Option(kind=kind, **bounds)}


def declared(cls: type) -> dict[str, Option]:
    """What may be passed for each option of a method that declares it, by name."""
    fields = dataclasses.fields(cls)
    return {field.name: field.metadata[_KEY] for field in fields if _KEY in field.metadata}


def described(cls: type) -> dict[str, str]:
    """What the `Args:` section of a class's docstring says of each option, on one line."""
    text = inspect.cleandoc(cls.__doc__ or "")
    section = re.search(r"^Args:\n((?:(?: .*)?\n)*)", f"{text}\n", re.M)
    entries = re.split(r"^ {4}(\w+):", section[1] if section else "", flags=re.M)[1:]
    pairs = zip(entries[::2], entries[1::2], strict=True)
    return {name: " ".join(sentence.split()) for name, sentence in pairs}


def read_counts(name: str, given: Any) -> int | tuple[int, ...]:
    """A number of at least 1 for all axes alike, or one for each.

    Raises:
        InvalidInputError: It is neither.
    """
    is_several = isinstance(given, Sequence) and not isinstance(given, str)
    counts = tuple(given) if is_several else (given,)
    is_whole = all(isinstance(one, int) and not isinstance(one, bool) for one in counts)
    if not counts or not is_whole or min(counts) < 1:
        raise InvalidInputError(f"{name}={given!r} was expected to be {COUNTS.words}.")
    return counts if is_several else counts[0]


COUNTS = Kind("an integer of at least 1, or one for each axis", read_counts)
SEEDS: Final = 2**31
"""Number of seeds: they are in [0, SEEDS)."""


def check_seed(seed: Any) -> None:
    """Raises `InvalidInputError` unless `seed` is a whole number in [0, 2**31)."""
    Option(kind=int, at_least=0, below=SEEDS).read("seed", seed)


def check_samples(samples: Any, name: str = "samples") -> None:
    """Raises `InvalidInputError` unless an option is a whole number of at least 1."""
    Option(kind=int, at_least=1).read(name, samples)
