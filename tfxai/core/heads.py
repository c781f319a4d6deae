"""From a model's raw output to the quantity explained: logits, probabilities or the output.

Works on the graph while it is traced: the operation that made the output says whether the
model ends in a softmax or a sigmoid, and its operand is the logit. So it holds for any way
to write the model (an activation argument, a layer, an operation in `call`, a nested model)
and nothing is taken off the model.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfxai.errors import InvalidInputError, UnsupportedModelError

KINDS = ("logit", "probability", "output")
_PASSED = frozenset({"Identity", "Cast", "StopGradient", "EnsureShape", "Reshape", "Squeeze"})
_OPAQUE = frozenset({"PartitionedCall", "StatefulPartitionedCall", "XlaCallModule"})


def final_activation(output: tf.Tensor, x: tf.Tensor | None = None) -> str | None:
    """`"softmax"`, `"sigmoid"` or None: what lies between x and the output, at its end."""
    operation = _producer(output, x)
    if x is not None and operation is x.op:
        return None
    return {"Softmax": "softmax", "Sigmoid": "sigmoid"}.get(operation.type)


def head(
    output: tf.Tensor, kind: str, x: tf.Tensor, *, activation: str | None, explicit: bool
) -> tf.Tensor:
    """The outputs (B, N) or (B, ..., N) of which one is the score.

    Args:
        output: What the model returned, in a graph.
        kind: `"logit"`, `"probability"` or `"output"`.
        x: What the output was computed from, the input or a layer's activations.
        activation: What the whole model ends in.
        explicit: Whether the user asked for `kind`. A default falls back to the output where
            the model ends in no softmax or sigmoid; an explicit `"probability"` applies one.

    Returns:
        Float tensor; a single sigmoid unit becomes the two classes (no, yes), with logits
        -z and z and probabilities 1 - p and p.
    """
    values = output
    if kind == "logit" and activation is not None:
        if final_activation(output, x) != activation:
            raise UnsupportedModelError(
                f"The logits come before the model's {activation}, and at= names a layer after "
                "them. Pass score='output', or explain an earlier layer."
            )
        values = tf.reshape(_producer(output).inputs[0], tf.shape(output))
        values.set_shape(output.shape)  # a reshape to a shape not known forgets it
    elif kind == "logit" and _producer(output).type in _OPAQUE:
        raise UnsupportedModelError(
            "The model ends in a compiled call that cannot be looked into, so its logits are "
            "not known. Pass score='output' to explain what it returns."
        )
    values = at_least_float32(values)
    if values.shape.rank == 1:
        values = values[:, None]
    if values.shape.rank is None or values.shape.rank < 2:
        raise InvalidInputError(
            f"The model returns shape {output.shape}, and a batch axis was expected: (B, N)."
        )
    single = values.shape[-1] == 1
    if kind == "probability" and activation is None and explicit:
        activation = "sigmoid" if single else "softmax"
        values = tf.sigmoid(values) if single else tf.nn.softmax(values)
    if single and activation == "sigmoid" and kind != "output":
        other = -values if kind == "logit" else 1 - values
        values = tf.concat([other, values], axis=-1)
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


def _producer(output: tf.Tensor, x: tf.Tensor | None = None) -> tf.Operation:
    """The operation that made `output`, casts and reshapes passed over, no further than x."""
    operation = output.op
    while operation.type in _PASSED and (x is None or operation is not x.op):
        operation = operation.inputs[0].op
    return operation


def at_least_float32(values: tf.Tensor) -> tf.Tensor:
    """`values` in float32 where they are integers or half precision."""
    narrow = values.dtype in (tf.float16, tf.bfloat16) or not values.dtype.is_floating
    return tf.cast(values, tf.float32) if narrow else values
