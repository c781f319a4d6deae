"""From a model's raw output to the quantity explained: logits, probabilities or the output.

Works on the graph while it is traced: `endings.py` says what the operations at its end are. So
it holds for any way to write the model and nothing is taken off the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.model.final_activation import Ending, logits_of
from tfxai.errors import InvalidInputError, UnsupportedModelError

KINDS = ("logit", "probability", "output")
_OPERATIONS = {
    "AddV2": "a sum (AddV2)", "Mul": "a product (Mul)", "RealDiv": "a division (RealDiv)",
    "Relu": "a ReLU", "Sub": "a difference (Sub)",
}  # fmt: skip


def answered(kind: str, ending: Ending, *, explicit: bool) -> str:
    """Which of `KINDS` a question for one of them is answered with.

    Args:
        kind: What is asked for.
        ending: What the model ends in.
        explicit: Whether the user asked for it. A default gives way to the output.

    Raises:
        UnsupportedModelError: The user asked for logits or probabilities that nobody knows.
    """
    if kind == "output" or (kind == "logit" and ending.activation is not None):
        return kind
    if ending.gives == "hidden":
        raise UnsupportedModelError(
            f"The model ends in a compiled call ({ending.operation}) that cannot be looked into, "
            "so nobody knows whether it returns logits or probabilities. Pass score='output' to "
            "explain what it returns."
        )
    if kind == "probability" and ending.gives in ("probabilities", "log_probabilities"):
        return kind
    if not explicit:
        return "output"
    if kind == "logit" and ending.gives == "probabilities":
        raise UnsupportedModelError(
            f"The model returns probabilities that are made by {ending.operation}, and of no one "
            "softmax or sigmoid, so it has no logits. Pass score='probability'."
        )
    if ending.gives == "unknown":
        what = _OPERATIONS.get(ending.operation, f"the operation {ending.operation}")
        why = "whose outputs are neither known to be probabilities nor logits that a softmax makes"
        if kind == "logit":
            why = "behind which no logits of a softmax or sigmoid are known to lie"
        raise UnsupportedModelError(
            f"The model ends in {what}, {why}{' into some' if kind != 'logit' else ''}. Pass "
            "score='output', or a registered score."
        )
    return "probability" if kind == "probability" else "output"


def is_two_classes(shape: Sequence[int | None], kind: str, ending: Ending) -> bool:
    """Whether one unit an example stands for the classes no and yes.

    Args:
        shape: Shape of the output, without the batch axis.
        kind: As `answered` gives it.
        ending: What the model ends in.
    """
    if tuple(shape) not in ((), (1,)):
        return False
    return kind == "probability" or (kind == "logit" and ending.activation == "sigmoid")


def head(output: tf.Tensor, kind: str, x: tf.Tensor, ending: Ending) -> tf.Tensor:
    """The outputs (B, N) or (B, ..., N) of which one is the score.

    Args:
        output: What the model returned, in a graph.
        kind: `"logit"`, `"probability"` or `"output"`, as `answered` gives it.
        x: What the output was computed from, the input or a layer's activations.
        ending: What the whole model ends in.

    Returns:
        Float tensor; one unit for each example becomes the two classes (no, yes), with logits
        -z and z and probabilities 1 - p and p.
    """
    values = output
    if kind == "logit" and ending.activation is not None:
        values = _logits(output, x, ending)
    values = at_least_float32(values)
    if values.shape.rank == 1:
        values = values[:, None]
    if values.shape.rank is None or values.shape.rank < 2:
        raise InvalidInputError(
            f"The model returns shape {output.shape}, and a batch axis was expected: (B, N)."
        )
    shape = values.shape.as_list()[1:]
    if kind == "probability" and ending.gives == "log_probabilities":
        values = tf.exp(values)
    elif kind == "probability" and ending.gives == "logits":
        values = tf.sigmoid(values) if shape == [1] else tf.nn.softmax(values)
    if is_two_classes(shape, kind, ending):
        other = -values if kind == "logit" else 1 - values
        values = tf.concat([other, values], axis=-1)
    return values


def _logits(output: tf.Tensor, x: tf.Tensor, ending: Ending) -> tf.Tensor:
    found = logits_of(output, x)
    if found is None or found[0] != ending.activation:
        raise UnsupportedModelError(
            f"The logits come before the model's {ending.activation}, and at= names a layer after "
            "them. Pass score='output', or explain an earlier layer."
        )
    values = found[1]()
    if values.shape.as_list() != output.shape.as_list():
        values = tf.reshape(values, tf.shape(output))
        values.set_shape(output.shape)  # a reshape to a shape not known forgets it
    return values


def single_output(raw: Any) -> tf.Tensor:
    """The model's one output.

    Raises:
        UnsupportedModelError: It has several; then a registered score must choose.
    """
    flat = tf.nest.flatten(raw)
    if len(flat) != 1:
        raise UnsupportedModelError(
            f"The model has {len(flat)} outputs. Choose what to explain with a registered score: "
            "@tfxai.register_score('name') on a function of the outputs, then score='name'."
        )
    return flat[0]


def at_least_float32(values: tf.Tensor) -> tf.Tensor:
    """`values` in float32 where they are integers or half precision."""
    narrow = values.dtype in (tf.float16, tf.bfloat16) or not values.dtype.is_floating
    return tf.cast(values, tf.float32) if narrow else values
