"""Where numbers stop being finite: asked only when an explanation is not."""

from __future__ import annotations

import tensorflow as tf

from tfxai.core.forward import gradient_of
from tfxai.core.model.structure import ModelStructure
from tfxai.core.score import Score


def finite_flags(f: Score, x: tf.Tensor) -> dict[str, tf.Tensor]:
    """Whether each layer's output, and the score's gradient there, are finite at x.

    Returns:
        Scalars of bool under `"output/PATH"` and `"gradient/PATH"`, the input's under
        `"gradient/"`.
    """
    run = f.forward(x)
    seen = run.layer_outputs()
    tensors = {"": x, **{path: one for path, one in seen.items() if one.dtype.is_floating}}
    flags = {f"output/{path}": _is_finite(tensor) for path, tensor in tensors.items() if path}
    for path, tensor in tensors.items():
        gradient = gradient_of(run.score, tensor)
        if gradient is not None:
            flags[f"gradient/{path}"] = _is_finite(gradient)
    return flags


def culprit(flags: dict[str, bool], body: ModelStructure) -> str:
    """The first place, in words, where something is not finite; empty where all is."""
    paths = list(dict.fromkeys(call.path for call in body.calls))
    for path in paths:
        if not flags.get(f"output/{path}", True):
            return f"Layer {path!r} returns NaN or infinity."
    after = "the score"
    for path in [*reversed(paths), ""]:
        if not flags.get(f"gradient/{path}", True):
            before = f"layer {path!r}" if path else "the input"
            return f"The gradient is no longer finite between {after} and {before}."
        if f"gradient/{path}" in flags:
            after = f"layer {path!r}"
    return ""


def _is_finite(tensor: tf.Tensor) -> tf.Tensor:
    return tf.reduce_all(tf.math.is_finite(tensor))
