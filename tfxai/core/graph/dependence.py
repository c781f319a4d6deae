"""What rests on what in one traced run of a model, and what of it jumps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.core.graph import operations

JUMPS = frozenset(
    {"ArgMax", "ArgMin", "Bucketize", "Ceil", "Floor", "FloorDiv", "FloorMod", "Mod", "OneHot",
     "Rint", "Round", "Sign"}
)  # fmt: skip
"""Operations whose results jump where their operands move steadily."""
_SHARE = 4.0  # standard deviations that the inputs of a Normalization fill


class Flow:
    """The operations between the inputs and the outputs of a run.

    Args:
        leaves: The inputs.
        outputs: The outputs.
        others: Other tensors of the run that are asked about.
    """

    def __init__(
        self,
        leaves: Sequence[tf.Tensor],
        outputs: Sequence[tf.Tensor],
        others: Sequence[tf.Tensor] = (),
    ) -> None:
        self._ops = list(operations.between(None, outputs))
        self._used = {tensor.ref() for tensor in outputs}
        for op in reversed(self._ops):
            if op.type not in operations.CONSTANTS and any(
                t.ref() in self._used for t in op.outputs
            ):
                self._used |= {tensor.ref() for tensor in op.inputs}
        self._rests_on: dict[Any, frozenset[int]] = {
            leaf.ref(): frozenset([i]) for i, leaf in enumerate(leaves)
        }
        for op in operations.between(None, [*outputs, *others]):
            found = self._operands(op)
            for result in op.outputs:
                self._rests_on.setdefault(result.ref(), found)

    def rests_on(self, tensor: tf.Tensor) -> frozenset[int]:
        """Positions of the inputs that a tensor rests on, by its shape alone not counted."""
        return self._rests_on.get(tensor.ref(), frozenset())

    def _operands(self, op: tf.Operation) -> frozenset[int]:
        if op.type in operations.CONSTANTS:
            return frozenset()
        return frozenset().union(*map(self.rests_on, op.inputs))

    def is_used(self, tensor: tf.Tensor) -> bool:
        """Whether an output rests on it."""
        return tensor.ref() in self._used

    def jumps(self) -> tuple[str, ...]:
        """Type and scope of each operation that jumps as the inputs move."""
        return tuple(
            f"{op.type} in {op.name.rpartition('/')[0] or op.name!r}"
            for op in self._ops
            if (op.type in JUMPS or _is_cast_to_whole(op)) and self.rests_on(op.outputs[0])
        )


def _is_cast_to_whole(op: tf.Operation) -> bool:
    """Whether numbers with a fraction, or truths, are made into others."""
    if op.type != "Cast":
        return False
    before, after = op.inputs[0].dtype, op.outputs[0].dtype
    return (before.is_floating and after.is_integer) or (before.is_bool and after.is_floating)


def expected_span(layers: Sequence[keras.Layer]) -> float | None:
    """Length of the range that a model's own preprocessing expects its inputs to fill.

    Args:
        layers: In the order in which they end.

    Returns:
        That of the first `Rescaling` or `Normalization` before any layer with weights of its own;
        None where there is none.
    """
    for layer in layers:
        if isinstance(layer, keras.layers.Rescaling):
            scale, offset = (np.mean(np.abs(np.ravel(x))) for x in (layer.scale, layer.offset))
            symmetric = np.any(np.ravel(layer.offset) < 0) and offset >= 0.5
            return float((2 if symmetric else 1) / scale) if scale else None
        if isinstance(layer, keras.layers.Normalization):
            variance = getattr(layer, "variance", None)
            if variance is None or layer.invert:
                return None
            return float(_SHARE * np.mean(np.sqrt(np.asarray(variance))))
        if layer.trainable_variables or isinstance(layer, keras.layers.Embedding):
            return None
    return None
