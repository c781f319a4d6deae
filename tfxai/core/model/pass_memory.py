"""How much memory one example takes in a forward and backward pass of a model."""

from __future__ import annotations

from typing import Any, cast

import keras
import tensorflow as tf

from tfxai.core.graph.liveness import peak_bytes
from tfxai.core.inputs.layout import Layout
from tfxai.core.model.cache import ModelCache
from tfxai.core.model.layer_calls import is_readable, observe
from tfxai.core.model.structure import ModelStructure

_known = ModelCache(64)


def pass_bytes(model: keras.Model, layout: Layout, body: ModelStructure) -> int:
    """Bytes that are alive at once in a pass of one example and its gradient by the input.

    Traced once per model and input shape, with one example, so that every size is known. Where the
    graph does not show it, as in a loop over time, every layer's output is counted.

    Args:
        model: The model.
        layout: Its inputs.
        body: Its structure.
    """
    return cast(int, _known.get(model, layout.plain, lambda: _count(model, layout.plain, body)))


def _count(model: keras.Model, layout: Layout, body: ModelStructure) -> int:
    return body.pass_bytes if body.closed else _walked(model, layout, body) or body.pass_bytes


def _walked(model: keras.Model, layout: Layout, body: ModelStructure) -> int | None:
    found: list[int | None] = []

    def run(*leaves: tf.Tensor) -> None:
        first, path = list[tf.Tensor](), body.first_floating()

        def visit(called: str, layer: keras.Layer, index: int, output: Any) -> Any:
            if called == (path or "").partition("#")[0] and is_readable(output):
                first.append(output)
            return output

        with observe(visit):
            raw = tf.nest.flatten(model(layout.structure(leaves), training=False))
        found.append(_of_pass(list(leaves), first, [t for t in raw if is_readable(t)]))

    specs = [tf.TensorSpec((1, *spec.shape[1:]), spec.dtype) for spec in layout.specs()]
    try:
        tf.function(run, autograph=False).get_concrete_function(*specs)
    except (LookupError, TypeError, ValueError, tf.errors.OpError):  # the call itself will say why
        return None
    return found[0]


def _of_pass(
    leaves: list[tf.Tensor], first: list[tf.Tensor], outputs: list[tf.Tensor]
) -> int | None:
    """Bytes of a pass with its gradient by the inputs, or by the first layer behind words."""
    scores = [tf.reduce_sum(one) for one in outputs if one.dtype.is_floating]
    for at in ([leaf for leaf in leaves if leaf.dtype.is_floating], first[:1]):
        gradients = tf.gradients(scores, at) if scores and at else []
        gradients = [one for one in gradients if one is not None]
        if gradients:
            return peak_bytes(leaves, [*scores, *map(tf.convert_to_tensor, gradients)])
    return None
