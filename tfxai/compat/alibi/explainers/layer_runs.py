"""Passes to a layer of a model, and from it on; the model is not touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.alibi.explainers.given import target_by
from tfxai.core.model.layer_calls import Arguments, observe
from tfxai.errors import LayerNotFoundError


def run_forward_to_layer(
    model: keras.Model,
    layer: keras.Layer,
    orig_call: Callable[..., Any] | None,
    x: Any,
    forward_kwargs: dict[str, Any] | None = None,
    run_to_layer_inputs: bool = False,
) -> Any:
    """What a layer returns, or is given, where a model is called.

    Args:
        model: The model.
        layer: A layer of it; of several calls the last counts.
        orig_call: Not looked at.
        x: The model's inputs.
        forward_kwargs: Keyword arguments of the model.
        run_to_layer_inputs: Whether what the layer is given is wanted.

    Returns:
        The layer's output, or its input; a tuple where there are several.

    Raises:
        LayerNotFoundError: The model does not call the layer.
    """
    outputs: list[Any] = []
    inputs: list[Any] = []

    def visit(_: str, called: keras.Layer, __: int, output: Any) -> Any:
        outputs.extend([output] if called is layer else [])
        return output

    def enter(called: keras.Layer, given: Arguments) -> None:
        inputs.extend([tf.nest.flatten(given[0])] if called is layer else [])

    with observe(visit, enter):
        model(x, training=False, **(forward_kwargs or {}))
    found = _last(inputs if run_to_layer_inputs else outputs, layer)
    leaves = tf.nest.flatten(found)
    return leaves[0] if len(leaves) == 1 else tuple(leaves)


def run_forward_from_layer(  # noqa: PLR0913 - alibi's own
    model: keras.Model,
    layer: keras.Layer,
    orig_call: Callable[..., Any] | None,
    orig_dummy_input: Any,
    x: Any,
    target: Any,
    forward_kwargs: dict[str, Any] | None = None,
    run_from_layer_inputs: bool = False,
    select_target: bool = True,
) -> Any:
    """What a model returns where a layer's output, or input, is replaced.

    Args:
        model: The model.
        layer: A layer of it.
        orig_call: Not looked at.
        orig_dummy_input: Inputs of the model, of which only the number of examples counts.
        x: What is put in the place of the layer's output, or of its inputs: a tensor or a list.
        target: As for `select`.
        forward_kwargs: Keyword arguments of the model.
        run_from_layer_inputs: Whether the layer's inputs are replaced.
        select_target: Whether the target is selected.

    Returns:
        The outputs, (B, ...), or those of the target as `select` has them.

    Raises:
        LayerNotFoundError: The model does not call the layer.
    """
    seen: list[Any] = []
    given = tf.nest.map_structure(tf.convert_to_tensor, x)

    def visit(_: str, called: keras.Layer, __: int, output: Any) -> Any:
        seen.extend([called] if called is layer else [])
        return given if called is layer and not run_from_layer_inputs else output

    def enter(called: keras.Layer, arguments: Arguments) -> Arguments | None:
        if called is not layer or not run_from_layer_inputs:
            return None
        leaves = given if isinstance(given, list | tuple) else [given]
        return tf.nest.pack_sequence_as(arguments[0], leaves), arguments[1]

    with observe(visit, enter):
        outputs = model(orig_dummy_input, training=False, **(forward_kwargs or {}))
    _last(seen, layer)
    return select(outputs, target) if select_target else outputs


def select(outputs: Any, target: Any) -> tf.Tensor:
    """The outputs of a target, (B,), or (B, 1) where each example has several axes.

    Args:
        outputs: (B, ...) what a model returned.
        target: (B,) indices, or (B, r) where each example has r axes; None for all outputs.
    """
    outputs = tf.convert_to_tensor(outputs)
    if target is None:
        return outputs
    indices = tf.cast(target, tf.int64)
    rows = tf.reshape(indices, [np.shape(outputs)[0], -1])
    chosen = tf.gather_nd(outputs, rows, batch_dims=1)
    return chosen if rows.shape[1] == 1 else chosen[:, None]


def target_from_target_fn(
    target_fn: Callable[[Any], Any],
    model: Callable[..., Any],
    X: Any,
    forward_kwargs: dict[str, Any] | None = None,
) -> Array:
    """The output of each example that a function of the predictions chooses, (B,).

    Args:
        target_fn: From the predictions (B, N) to (B,) indices.
        model: The model, or a function of its inputs.
        X: Its inputs.
        forward_kwargs: Keyword arguments of the model.

    Raises:
        InvalidInputError: The function does not choose one index for each example.
    """
    words: dict[str, Any] = {"training": False} if isinstance(model, keras.Layer) else {}
    return target_by(target_fn, np.asarray(model(X, **words, **(forward_kwargs or {}))))


def _last(found: list[Any], layer: keras.Layer) -> Any:
    if not found:
        raise LayerNotFoundError(
            f"The model does not call layer {layer.name!r}. Pass a layer out of model.layers, or "
            "one inside of them."
        )
    return found[-1]
