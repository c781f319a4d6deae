"""Embeddings in a traced run: where ids of words become vectors, and what normalises them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from tfxai.core.graph.dependence import Flow

_GATHERS = frozenset({"Gather", "GatherV2", "ResourceGather"})
_HANDED_ON = frozenset({"Cast", "Identity", "IdentityN", "Mul", "Reshape"})
_NORMS = ("LayerNormalization", "LayerNorm", "RMSNormalization", "RMSNorm")
_STEPS = 8


def embedding_rows(layer: keras.Layer, output: tf.Tensor, flow: Flow) -> int:
    """Rows of the table from which a layer takes a vector for each id; 0 where it does not.

    Args:
        layer: The layer.
        output: What it returned.
        flow: What rests on the inputs of the run.
    """
    if not output.dtype.is_floating or not flow.rests_on(output):
        return 0
    op, steps = output.op, 0
    while op.type in _HANDED_ON and steps < _STEPS:
        resting = [one for one in op.inputs if flow.rests_on(one)]
        if not resting or (op.type == "Mul" and len(resting) > 1):
            return 0
        op, steps = resting[0].op, steps + 1
    if op.type in _GATHERS and not flow.rests_on(op.inputs[0]):
        table, ids = op.inputs[0], op.inputs[1]
        is_table = table.shape.rank == 2 or table.dtype == tf.resource
        if is_table and ids.dtype.is_integer and flow.rests_on(ids):
            rows: int | None = table.shape[0] if table.shape.rank == 2 else None
            return rows or int(getattr(layer, "input_dim", 1))
        return 0
    is_known = isinstance(layer, keras.layers.Embedding)
    is_vector = is_known and output.shape.as_list()[-1] == layer.output_dim
    return int(layer.input_dim) if is_vector else 0


def normalised(calls: Sequence[tuple[keras.Layer, Any]]) -> list[Any]:
    """The tensors of a run of which nothing but a normalisation of layers sees anything.

    Args:
        calls: Each layer call with its output, None where that cannot be read.
    """
    found = []
    for layer, output in calls:
        if output is None or not type(layer).__name__.endswith(_NORMS):
            continue
        scope = output.op.name.rpartition("/")[0]
        inside = [op for op in output.graph.get_operations() if op.name.startswith(f"{scope}/")]
        for tensor in {t.ref(): t for op in inside for t in op.inputs}.values():
            if tensor.op in inside or not tensor.dtype.is_floating:
                continue
            users = tensor.consumers()
            if tensor.shape.rank == output.shape.rank and all(op in inside for op in users):
                found.append(tensor)
    return found
