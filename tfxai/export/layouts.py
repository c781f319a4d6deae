"""What an exported model takes: the inputs that it declares, by names that a graph can have."""

from __future__ import annotations

import re
from typing import Any

import keras

from tfxai.arrays import Array
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.reading import read_inputs
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.export.names import TARGET
from tfxai.subject import Subject


def declared_layout(model: keras.Model) -> Layout | None:
    """The inputs that a model declares, axes that are free as None; None where it declares none.

    A batch that it was built with counts for nothing, as in Keras.
    """
    tensors = getattr(model, "inputs", None) or []
    if not tensors:
        return None
    structure = getattr(model, "input", None)
    kind = "one"
    if isinstance(structure, dict):
        kind = "dict"
    elif isinstance(structure, list | tuple):
        kind = "list" if len(tensors) > 1 else "wrapped"
    return Layout(
        kind,
        tuple(one.name for one in tensors),
        tuple(tuple(one.shape[1:]) for one in tensors),
        tuple(keras.backend.standardize_dtype(one.dtype) for one in tensors),
    )


def layouts(subject: Subject, example: Any) -> tuple[Layout, Layout, list[Array] | None]:
    """Inputs of the model's own signature, those of the explanations, and the example as arrays.

    Args:
        subject: The model.
        example: A batch as the model takes it, whose shapes an explanation gets where the model
            leaves axes free or declares no inputs; or None.

    Raises:
        UnsupportedModelError: The model declares no inputs, and no example says what they are.
        InvalidInputError: The example does not fit the model.
    """
    own = declared_layout(subject.model)
    if example is not None:
        fixed, leaves = read_inputs(subject.model, subject.prepare(example))
        return own or fixed, fixed, leaves
    if own is None:
        raise UnsupportedModelError(
            "The model declares no inputs, as one with a call of its own does. Pass example=, a "
            "batch as the model takes it."
        )
    return own, own, None


def signature_names(layout: Layout) -> tuple[str, ...]:
    """The model's own names of its inputs, characters that a graph cannot have replaced by _.

    Raises:
        InvalidInputError: An input is called `target`, or two are alike.
    """
    names = [re.sub(r"[^A-Za-z0-9_]", "_", name) for name in layout.names]
    names = [name if name[:1].isalpha() else f"input_{name}" for name in names]
    if len(set(names)) < len(names) or TARGET in names:
        raise InvalidInputError(
            f"The model's inputs are named {', '.join(map(repr, layout.names))}, and a signature "
            f"needs names that differ, none of which is {TARGET!r}. Name them in keras.Input."
        )
    return tuple(names)
