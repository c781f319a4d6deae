"""What a classifier answers, one number for each class, as probabilities where that is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.classes import both_classes
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.head import head
from tfxai.core.model.structure import model_structure
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.subject import Subject


@dataclasses.dataclass(frozen=True, eq=False)
class ClassOutputs:
    """The answers of a model to a batch.

    Args:
        values: (B, N) float64, one for each class; of one unit with a probability both classes.
        names: Name of each class, where they are known.
        are_probabilities: Whether the values are probabilities: the model ends in a softmax or
            sigmoid, or in logits of classes that have names. Else they are outputs as they are.
    """

    values: Array
    names: tuple[str, ...] | None
    are_probabilities: bool

    def name(self, index: int) -> str:
        """A class by its name, else its number."""
        return str(index) if self.names is None else str(self.names[index])


def class_outputs(subject: Subject, inputs: Any) -> ClassOutputs:
    """What the model answers to a batch of one input.

    Args:
        subject: The model.
        inputs: As for `Subject.predict`.

    Raises:
        InvalidInputError: The inputs do not fit the model, or the card's classes do not.
        UnsupportedModelError: The model has several outputs, or one with classes at each of
            several positions.
    """
    outputs, names = subject.predict(inputs), subject.classes
    if outputs.ndim > 2 and outputs.size > len(outputs) * outputs.shape[-1]:
        raise UnsupportedModelError(
            f"The model's output has shape (B, {', '.join(map(str, outputs.shape[1:]))}), and one "
            "number for each class was expected, (B, N). Pass a classifier of whole examples."
        )
    layout, _ = read_inputs(subject.model, subject.prepare(_first(inputs, subject)))
    body = model_structure(subject.model, layout)
    subject.check_classes(body)
    gives = body.ending.gives
    are_known = gives in ("probabilities", "log_probabilities")
    are_known |= gives == "logits" and names is not None
    if are_known and not body.closed:
        tensor = tf.convert_to_tensor(outputs)
        outputs = np.asarray(head(tensor, "probability", tensor, body.ending))
    values = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    if names is not None and len(names) != values.shape[1]:
        names = both_classes(names) if values.shape[1] == 2 else None
    return ClassOutputs(values, names, bool(are_known and not body.closed))


def _first(inputs: Any, subject: Subject) -> Any:
    """The first example of a batch of one input, or of several by name or in their order."""
    if isinstance(inputs, Mapping):
        return {name: one[:1] for name, one in inputs.items()}
    has_several = len(getattr(subject.model, "inputs", None) or ()) > 1
    if has_several and isinstance(inputs, list | tuple):
        return [one[:1] for one in inputs]
    return inputs[:1]


def read_classes(labels: Any, outputs: Array) -> Array:
    """(B,) the class of each example as an integer.

    Args:
        labels: As they were passed.
        outputs: (B, N), an output for each class.

    Raises:
        InvalidInputError: They are no (B,) integers in [0, N).
    """
    truth = np.asarray(labels)
    if truth.shape != (len(outputs),) or truth.dtype.kind not in "iu":
        raise InvalidInputError(
            f"labels of shape {truth.shape} and type {truth.dtype} came, and {len(outputs)} "
            "integers were expected: the number of the true class of each example."
        )
    outside = truth[(truth < 0) | (truth >= outputs.shape[1])]
    if len(outside):
        raise InvalidInputError(
            f"labels has {int(outside[0])}, and the model has {outputs.shape[1]} classes. Pass "
            f"numbers in [0, {outputs.shape[1]})."
        )
    return truth.astype(np.int64)
