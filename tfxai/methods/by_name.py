"""Methods by their registry names, and the options that a method has."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.methods.base import AttributionMethod

METHODS: dict[str, type[AttributionMethod]] = {}
"""Every method by its registry name, which is also its word on the command line."""


def register(cls: type[AttributionMethod]) -> None:
    """Makes a method known by its name."""
    METHODS[cls.name] = cls


def names(*, any_model: bool = False) -> list[str]:
    """The registry names of all methods, sorted.

    Args:
        any_model: Leave out those that need a model with attention.
    """
    return sorted(name for name, cls in METHODS.items() if not (any_model and cls.needs_attention))


def get(name: str) -> type[AttributionMethod]:
    """The method class of a registry name.

    Raises:
        UnknownNameError: There is none; the nearest names are given.
    """
    if name not in METHODS:
        raise UnknownNameError.of("method", name, names())
    return METHODS[name]


def create(name: str, **options: Any) -> AttributionMethod:
    """A method by its registry name, with options by theirs.

    Raises:
        UnknownNameError: No such method or option.
        InvalidInputError: An option has a bad value, or one without a default is missing.
    """
    cls = get(name)
    check_options(cls, options, name)
    return cls(**options)


def check_options(cls: type[AttributionMethod], options: dict[str, Any], owner: str) -> None:
    """Raises unless a method has the options, and those without a default are given.

    Raises:
        UnknownNameError: There is no option of that name; the nearest one is given.
        InvalidInputError: One is missing.
    """
    known = [field.name for field in dataclasses.fields(cls)]
    for option in options:
        if option not in known:
            raise UnknownNameError.of("option", option, sorted(known), owner=owner)
    for option in required(cls):
        if option not in options:
            raise InvalidInputError(
                f"{owner} needs the option {option!r}, which has no default. Pass {option}=..."
            )


def required(cls: type[AttributionMethod]) -> list[str]:
    """The options of a method that have no default."""
    return [
        field.name
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
