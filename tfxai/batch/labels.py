"""The classes that the labels of a data set name."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from tfxai.batch.shards import UNKNOWN
from tfxai.batch.sources.images import ImageFiles
from tfxai.batch.sources.rows import Source
from tfxai.classes import labelled_class
from tfxai.errors import InvalidInputError


def class_number(label: Any, classes: tuple[str, ...] | None) -> int:
    """The class that a label of the data names, by its number or name; `UNKNOWN` where none."""
    if isinstance(label, np.ndarray):
        label = label.item() if label.size == 1 else None
    if isinstance(label, float) and label.is_integer():  # a column with gaps holds floats
        label = int(label)
    found = labelled_class(label, classes)
    return UNKNOWN if found is None else found


def with_known_labels(source: Source, classes: tuple[str, ...] | None) -> Source:
    """The source without labels where these are one folder's name and it is no class."""
    if not isinstance(source, ImageFiles) or not source.is_guess:
        return source
    if classes and class_number(source.labels[0], classes) != UNKNOWN:
        return source
    return dataclasses.replace(source, labels=(None,) * source.count, is_guess=False)


def no_class(label: Any, classes: tuple[str, ...] | None) -> InvalidInputError:
    """Why there is no number of the class that a condition or a target asks for."""
    if label is None:
        return InvalidInputError(
            "It has no label, which --true-label or the condition (--where) needs. Name the field "
            "of the labels with --label-field, or put the images into folders of classes."
        )
    if classes is None and isinstance(label, str):
        return InvalidInputError(
            f"Its label {label!r} is the name of a class, which --true-label or the condition "
            "(--where) needs, and the model's classes have no names. Name them with --classes."
        )
    return InvalidInputError(
        f"Its label {label!r} names no class of the model, and --true-label or the condition "
        "(--where) needs one. Correct the labels, or the names of the classes (--classes)."
    )
