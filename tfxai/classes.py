"""The names of a model's classes: how many fit its outputs, and which output has which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tfxai.attribution import Attribution


def class_index(name: str, classes: Sequence[str] | None) -> int | None:
    """The first output of that name; case does not matter unless two differ in nothing else."""
    known = list(map(str, classes or ()))
    if name in known:
        return known.index(name)
    lower = [one.lower() for one in known]
    return lower.index(name.lower()) if name.lower() in lower else None


def labelled_class(label: object, classes: Sequence[str] | None) -> int | None:
    """The output that a true label names: a name of a class, or a number; None where it is none.

    A text of digits is the name of a class where there is one, and else a number.
    """
    if isinstance(label, str):
        found = class_index(label, classes)
        is_number = found is None and label.isascii() and label.isdigit()
        return labelled_class(int(label), classes) if is_number else found
    if isinstance(label, bool) or not hasattr(label, "__index__"):
        return None
    number = int(label.__index__())
    return number if number >= 0 and (not classes or number < len(classes)) else None


def class_name(index: int, classes: Sequence[str] | None) -> str | None:
    """The name of an output, or None where it has none."""
    return classes[index] if classes and 0 <= index < len(classes) else None


def explains_class(one: Attribution) -> bool:
    """Whether values are for a class or against it, and not for a number such as a price.

    The score of a class is a logit or a probability, an output where the classes have names or
    the model gives a probability, or one class rather than another.
    """
    if one.score_name == "output":
        return bool(one.class_names) or one.probability is not None
    return one.score_name in ("logit", "probability") or " rather than " in one.score_name


def names_fit(named: int, outputs: int) -> bool:
    """Whether so many names fit so many outputs: one unit stands for two classes, or for one."""
    return named == outputs or (named, outputs) == (2, 1)


def both_classes(names: Sequence[str]) -> tuple[str, ...]:
    """The classes 0 and 1 of a unit that has two names, or one name: that of class 1."""
    return (f"not {names[0]}", names[0]) if len(names) == 1 else tuple(names)
