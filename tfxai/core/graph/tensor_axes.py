"""What the axes of a tensor are: where its channels lie, and which axes are positions.

Axes are words of letters without the batch: "HWC" an image, "CHW" one with its channels first,
"HW" one without a channel axis, "TC" a series, "DHWC" a volume, "F" features. They are read off
the layers and operations that a tensor goes through: Keras knows the data format of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrangement import POSITIONS, is_moved, order
from tfxai.core.graph import operations

_FLAT = 8  # least side of a matrix that is taken for an image where it is only flattened


def channels_last(tensor: tf.Tensor, axes: str) -> tf.Tensor:
    """(B, *positions, C) of a tensor with these axes; one channel where it has none."""
    if not is_moved(axes):
        return tensor
    return tf.expand_dims(tensor, -1) if "C" not in axes else tf.transpose(tensor, order(axes))


def channels_back(tensor: tf.Tensor, axes: str) -> tf.Tensor:
    """The tensor that `channels_last` was given."""
    if not is_moved(axes):
        return tensor
    if "C" not in axes:
        return tf.squeeze(tensor, -1)
    return tf.transpose(tensor, np.argsort(order(axes)))


def word(rank: int, *, first: bool = False, has_time: bool = False) -> str:
    """The axes of a tensor of that rank, the batch counted.

    Args:
        rank: 3 for series, 4 for images, 5 for volumes.
        first: Whether channels come first.
        has_time: Whether a time axis comes before all others.
    """
    if has_time:
        return "T" + word(rank - 1, first=first).replace("T", "H")
    places = POSITIONS.get(rank - 2)
    if places is None or rank < 3:
        return "F" if rank == 2 else ""
    return f"C{places}" if first else f"{places}C"


def of_layer(layer: keras.Layer, rank: int | None) -> str:
    """What a layer's data format says of a tensor that goes in or comes out; empty for nothing."""
    inner, has_time = layer, False
    if isinstance(layer, keras.layers.TimeDistributed):
        inner, has_time = layer.layer, True
    data_format = getattr(inner, "data_format", None)
    if data_format not in ("channels_first", "channels_last") or rank is None:
        return ""
    has_time |= "ConvLSTM" in type(inner).__name__ and rank == getattr(inner, "rank", rank) + 3
    if rank < (4 if has_time else 3):
        return ""
    return word(rank, first=data_format == "channels_first", has_time=has_time)


class Axes:
    """The axes of every tensor of a graph, as far as they follow from those that are known.

    Args:
        known: Axes of some tensors, from layers.
        outputs: The tensors up to which the graph is read.
    """

    def __init__(self, known: Iterable[tuple[tf.Tensor, str]], outputs: Sequence[tf.Tensor]):
        self._of: dict[Any, str] = {}
        for tensor, axes in known:
            self._of.setdefault(tensor.ref(), axes)
        ops = list(operations.between(None, outputs))
        for op in ops:
            self._seed(op)
        for _ in range(2):
            for op in ops:
                self._forward(op)
            for op in reversed(ops):
                self._backward(op)

    def of(self, tensor: tf.Tensor) -> str:
        """The axes of a tensor; by its rank, channels last, where nothing says otherwise."""
        found = self._of.get(tensor.ref())
        if found is None and tensor.shape.rank is not None:
            return word(tensor.shape.rank)
        return found or ""

    def of_input(self, tensor: tf.Tensor, consumers: Sequence[tf.Operation]) -> str:
        """The axes of an input of the model; what Keras is set to where no layer says it."""
        if tensor.ref() in self._of:
            return self._of[tensor.ref()]
        shape = tensor.shape.as_list()
        readers = [op for op in consumers if op.type not in operations.CONSTANTS]
        is_square = len(shape) == 3 and min(n or 0 for n in shape[1:]) >= _FLAT
        if is_square and readers and all(map(_flattens, readers)):
            return "HW"
        first = keras.config.image_data_format() == "channels_first" and len(shape) > 3
        return word(len(shape), first=first)

    def _know(self, tensor: tf.Tensor, axes: str | None) -> None:
        rank = tensor.shape.rank
        if axes and rank is not None and len(axes) == rank - 1:
            self._of.setdefault(tensor.ref(), axes)

    def _seed(self, op: tf.Operation) -> None:
        """What an operation's own data format says."""
        if op.type not in _WITH_FORMAT:
            return
        data_format = op.get_attr("data_format").decode()
        for tensor in (op.inputs[_WITH_FORMAT[op.type]], op.outputs[0]):
            rank = tensor.shape.rank
            if rank in (4, 5):
                self._know(tensor, word(rank, first=data_format.startswith("NC")))

    def _forward(self, op: tf.Operation) -> None:
        axes = self._of.get(op.inputs[0].ref()) if len(op.inputs) else None
        if op.type == "Transpose":
            order = _static_order(op)
            if axes and order:
                self._know(op.outputs[0], "".join(axes[i - 1] for i in order[1:]))
            return
        if op.type in _KEEPING and len(op.outputs):
            for tensor in op.inputs:
                self._know(op.outputs[0], self._of.get(tensor.ref()))

    def _backward(self, op: tf.Operation) -> None:
        axes = self._of.get(op.outputs[0].ref()) if len(op.outputs) else None
        if not axes:
            return
        if op.type == "Transpose":
            order = _static_order(op)
            if order:
                back = np.argsort(order)
                self._know(op.inputs[0], "".join(axes[i - 1] for i in back[1:]))
        elif op.type in ("ExpandDims", "Reshape"):
            self._know(op.inputs[0], _without_ones(op, axes))
        elif op.type in _KEEPING:
            for tensor in op.inputs:
                if tensor.shape.rank == op.outputs[0].shape.rank:
                    self._know(tensor, axes)


def _flattens(op: tf.Operation) -> bool:
    return op.type == "Reshape" and op.outputs[0].shape.rank == 2


_WITH_FORMAT = {
    "AvgPool": 0, "AvgPool3D": 0, "Conv2D": 0, "Conv3D": 0, "DepthwiseConv2dNative": 0,
    "MaxPool": 0, "MaxPool3D": 0,
}  # fmt: skip
_KEEPING = frozenset(
    {"BiasAdd", "CheckNumerics", "Identity", "MirrorPad", "Pad", "PadV2", "StopGradient",
     "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", *operations.ELEMENTWISE}
)  # fmt: skip


def _static_order(op: tf.Operation) -> list[int] | None:
    """The permutation of a transposition that leaves the batch where it is."""
    order = tf.get_static_value(op.inputs[1])
    return None if order is None or order[0] != 0 else [int(i) for i in order]


def _without_ones(op: tf.Operation, axes: str) -> str | None:
    """The axes of what an axis of one element was added to."""
    before, after = op.inputs[0].shape.as_list()[1:], op.outputs[0].shape.as_list()[1:]
    if len(before) != len(after) - 1:
        return axes if op.type == "Reshape" and before == after else None
    for i in range(len(after)):
        if after[i] == 1 and after[:i] + after[i + 1 :] == before:
            left = axes[:i] + axes[i + 1 :]
            places = POSITIONS.get(len(left.replace("C", "")), "")
            letters = iter(places)
            if axes[i] == "C" or len(places) < len(left.replace("C", "")):
                return left if axes[i] == "C" else None
            return "".join(c if c == "C" else next(letters) for c in left)
    return None
