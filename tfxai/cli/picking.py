"""Turns `--method`, `--option` and `--layer` into methods with their options."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.core.question.scores import Contrast
    from tfxai.methods import AttributionMethod

_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}
_KINDS = {bool: "true or false", int: "a whole number", float: "a number", type(None): "none"}


def pick_methods(
    names: Sequence[str], options: Sequence[str], layer: str | None
) -> list[AttributionMethod]:
    """The methods that the command line asks for.

    Args:
        names: Registry names; a repeated one counts once.
        options: `key=value` for every chosen method that has the option, `method.key=value` for
            one of them.
        layer: Value of the option `layer`, for the methods that have it.

    Raises:
        UnknownNameError: No such method or option.
        InvalidInputError: A value that the option cannot take, or no method takes a layer.
    """
    from tfxai.methods import create, get, required

    classes = {name: get(name) for name in names}
    known = {name: _fields(cls) for name, cls in classes.items()}
    chosen: dict[str, dict[str, Any]] = {name: {} for name in classes}
    for word in options:
        for name, key, value in _assignments(word, known):
            chosen[name][key] = value
    if layer is not None:
        takers = [name for name, fields in known.items() if "layer" in fields]
        if not takers:
            raise InvalidInputError(
                f"--layer {layer} is for methods that look at a layer, and {' or '.join(classes)} "
                "does not. Add one that does, such as grad_cam, or pass --at to explain a layer's "
                "output."
            )
        for name in takers:
            chosen[name]["layer"] = layer
    for name, given in chosen.items():
        for option in required(classes[name]):
            if option not in given:
                raise InvalidInputError(_missing(name, option))
    return [create(name, **given) for name, given in chosen.items()]


def _missing(name: str, option: str) -> str:
    """What to do about an option that has to be given."""
    if option == "layer":
        return f"{name} needs a layer. Pass --layer PATH; tfxai inspect MODEL lists the layers."
    return (
        f"{name} needs the option {option!r}. Pass --option {option}=VALUE, a .npy file where "
        "it is an array."
    )


def read_target(text: str | None) -> int | str | None:
    """A class as its number where the text is one, else as its name."""
    if text is None or not re.fullmatch("-?[0-9]+", text):
        return text
    return int(text)


def read_score(
    score: str | None, contrast: tuple[str, str] | None, target: str | None
) -> str | Contrast | None:
    """What is explained of the outputs.

    Raises:
        InvalidInputError: A contrast came with a score or a target, or is of one class.
    """
    if contrast is None:
        return score
    from tfxai.core.question.scores import Contrast

    for word, given in (("--score", score), ("--target", target)):
        if given is not None:
            raise InvalidInputError(
                f"--contrast {' '.join(contrast)} came with {word} {given}, and already says "
                f"what to explain. Leave {word} out."
            )
    a, b = (read_target(one) for one in contrast)
    return Contrast(a if a is not None else "", b if b is not None else "")


def _fields(cls: type[AttributionMethod]) -> dict[str, Any]:
    """The type of each option."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def _assignments(word: str, known: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any]]:
    """(method, option, value) for each method that `key=value` is for."""
    left, separator, text = word.partition("=")
    if not separator or not left:
        raise InvalidInputError(
            f"--option {word!r} was expected to be key=value. Write it as in --option steps=100."
        )
    method, dot, key = left.rpartition(".")
    if dot and method not in known:
        raise UnknownNameError.of("chosen method", method, known)
    takers = [method] if dot else [name for name, fields in known.items() if key in fields]
    options = known[method] if dot else {key for fields in known.values() for key in fields}
    if key not in options:
        owner = method if dot else " or ".join(known)
        raise UnknownNameError.of("option", key, sorted(options), owner=owner)
    return [(name, key, parse(left, text, known[name][key])) for name in takers]


def parse(option: str, text: str, kind: Any) -> Any:
    """A value of an option from its text, by the option's type.

    Raises:
        InvalidInputError: The text does not fit the type.
    """
    is_any_of = typing.get_origin(kind) in (typing.Union, types.UnionType)
    kinds = typing.get_args(kind) if is_any_of else (kind,)
    if text.lower() == "none" and (type(None) in kinds or kind is Any):
        return None
    for one in kinds:
        if one is Any:
            return _number_or_word(text)
        try:
            if one is bool:
                return _WORDS[text.lower()]
            if one in (int, float, str):
                return one(text)
            if typing.get_origin(one) is typing.Literal and text in typing.get_args(one):
                return text
            if typing.get_origin(one) is tuple:
                return _several(text, typing.get_args(one)[0])
        except (KeyError, ValueError):
            continue
    wanted = " or ".join(map(_in_words, kinds))
    raise InvalidInputError(
        f"--option {option}={text} cannot be used: {wanted} was expected. "
        "tfxai methods NAME says what each option of a method means."
    )


def _several(text: str, kind: Any) -> tuple[Any, ...]:
    """Values with commas between them, numbers also with an x, in brackets or without."""
    inside = text.strip().removeprefix("(").removeprefix("[").removesuffix(")").removesuffix("]")
    parts = inside.split(",") if kind is str else inside.replace("x", ",").split(",")
    return tuple(kind(part.strip()) for part in parts)


def _in_words(kind: Any) -> str:
    """What a value of a type looks like."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) is tuple:
        return f"{_KINDS.get(typing.get_args(kind)[0], 'a word')} for each, as in 8,8"
    return _KINDS.get(kind, getattr(kind, "__name__", str(kind)))


def _number_or_word(text: str) -> Any:
    """A number, the array in a `.npy` file, or the word itself."""
    if text.endswith(".npy"):
        return read_array(text)
    try:
        return float(text)
    except ValueError:
        return text


def read_array(path: str) -> Any:
    """The array in a `.npy` file.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It holds no array of numbers.
    """
    import numpy as np

    try:
        return np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise DataNotFoundError(f"There is no file {path!r}. Pass a .npy file.") from error
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInputError(
            f"{path!r} holds no array of numbers. Pass a .npy file that numpy.save wrote."
        ) from error
