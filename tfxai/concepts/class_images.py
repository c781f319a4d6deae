"""Which class is asked about, by which score, and the images of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxai.concepts.data import FEWEST, Concept
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.subject import Subject

SCORES = ("logit", "probability", "output")


def check_score(score: Any) -> None:
    """Raises `UnknownNameError` unless a score is one of a class, or None."""
    if score is not None and score not in SCORES:
        raise UnknownNameError.of("score of a class", str(score), SCORES)


def images_of_class(images: Any, target: Any) -> Concept:
    """The images of the class, where there are enough and a target was named.

    Raises:
        InvalidInputError: There are too few, or the target is not one class.
    """
    is_index = isinstance(target, int | np.integer) and not isinstance(target, bool)
    if not is_index and not isinstance(target, str):
        raise InvalidInputError(
            f"target={target!r} was expected to be one class: its index, or its name."
        )
    count = len(images) if hasattr(images, "__len__") else 0
    if count < FEWEST:
        raise InvalidInputError(
            f"{count} images of class {target!r} came. Pass at least {FEWEST}, which show it."
        )
    return Concept(f"images of {target}", images)


def class_name(subject: Subject, target: int | str) -> str:
    """The name of a class, where it has one, else its number."""
    if isinstance(target, str):
        return target
    names = subject.classes
    return names[target] if names and 0 <= target < len(names) else str(int(target))
