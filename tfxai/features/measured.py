"""Objectives as weights of what a pass shows, so that one trace serves all of a kind.

Every objective is linear in something of the pass: the mean of a layer's channels over its
positions, the channels at each position, the mean square of a layer, the class logits. A group is
one such thing; the weights that a picture gives it are an argument of the trace.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrangement import moved_shape
from tfxai.arrays import Array
from tfxai.core.forward import ForwardPass
from tfxai.core.model.head import answered, head, is_two_classes, single_output
from tfxai.core.model.structure import ModelStructure
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.features.objectives import (
    Channel,
    ClassLogit,
    Combination,
    Direction,
    Layer,
    Neuron,
    Objective,
    Part,
)


@dataclasses.dataclass(frozen=True)
class Group:
    """Something of a pass that objectives weigh.

    Args:
        kind: `"channels"`, `"positions"`, `"square"` or `"classes"`.
        layer: Path of the layer; empty for classes.
    """

    kind: str
    layer: str = ""


def shape_of(structure: ModelStructure, layer: str) -> tuple[int, ...]:
    """Shape of what the layer gives for one picture, channels last.

    Raises:
        LayerNotFoundError: There is no such layer.
        InvalidInputError: It does not return one tensor of a known shape with channels.
    """
    call = structure.find(layer)
    shape = None if call.shape is None else moved_shape(call.shape, call.axes)
    if not shape or shape[-1] is None or any(n is None for n in shape):
        raise InvalidInputError(
            f"Layer {layer!r} returns {shape or 'no one tensor'} for a picture, "
            "and channels were expected: (..., C). Choose a layer such as a convolution."
        )
    return tuple(int(n or 0) for n in shape)


def group_of(part: Part) -> Group:
    """What an objective weighs."""
    if isinstance(part, ClassLogit):
        return Group("classes")
    kinds = {Channel: "channels", Direction: "channels", Neuron: "positions", Layer: "square"}
    return Group(kinds[type(part)], part.layer)


def groups_of(objectives: Sequence[Objective]) -> tuple[Group, ...]:
    """What the objectives weigh, each once, in an order that theirs does not change."""
    found = {group_of(part) for one in objectives for _, part in one.terms}
    return tuple(sorted(found, key=dataclasses.astuple))


class Weights:
    """The weights of objectives for each group, checked against the model.

    Args:
        structure: The structure of the model.
        classes: Names of the classes, where they are known.
    """

    def __init__(self, structure: ModelStructure, classes: Sequence[str] | None) -> None:
        self._structure = structure
        self._classes = list(classes or ())

    def of(self, objectives: Sequence[Objective], groups: Sequence[Group]) -> list[Array]:
        """For each group (K, ...) float32, a row for each objective.

        Raises:
            LayerNotFoundError: There is no such layer.
            InvalidInputError: A channel, position or class is out of range, or a direction is
                of another length than the layer has channels.
        """
        return [np.stack([self._row(one, group) for one in objectives]) for group in groups]

    def _row(self, objective: Objective, group: Group) -> Array:
        row = np.zeros(self._shape(group), np.float32)
        for factor, part in objective.terms:
            if group_of(part) == group:
                row += factor * self._weights(part, row.shape)
        return row

    def _shape(self, group: Group) -> tuple[int, ...]:
        if group.kind == "classes":
            return (self.count_classes(),)
        shape = shape_of(self._structure, group.layer)
        return {"channels": shape[-1:], "positions": shape, "square": ()}[group.kind]

    def count_classes(self) -> int:
        """How many classes the model tells apart; of one unit with a probability two."""
        outputs = self._structure.outputs
        if len(outputs) != 1 or len(outputs[0]) > 1 or (outputs[0] and outputs[0][0] is None):
            raise InvalidInputError(
                f"The model returns {list(outputs)} an example, and one number for each class was "
                "expected for ClassLogit. Choose a layer's channels instead."
            )
        if is_two_classes(outputs[0], logit_kind(self._structure), self._structure.ending):
            return 2
        return int(outputs[0][0] or 1) if outputs[0] else 1

    def _weights(self, part: Part, shape: tuple[int, ...]) -> Array:
        weights = np.zeros(shape, np.float32)
        if isinstance(part, Layer):
            return np.ones(shape, np.float32)
        if isinstance(part, ClassLogit):
            weights[self.target(part)] = 1
        elif isinstance(part, Direction):
            if len(part.vector) != shape[0]:
                raise InvalidInputError(
                    f"The vector of a Direction has {len(part.vector)} numbers, and layer "
                    f"{part.layer!r} has {shape[0]} channels. Pass one number for each."
                )
            weights[:] = part.vector
        else:
            _check_channel(part, shape[-1])
            if isinstance(part, Neuron):
                weights[(*_position(part, shape[:-1]), part.channel)] = 1
            else:
                weights[part.channel] = 1
        return weights

    def label(self, objective: Objective) -> str:
        """What an objective is, with the names of classes."""
        named = [
            (factor, self._named(part) if isinstance(part, ClassLogit) else part)
            for factor, part in objective.terms
        ]
        return Combination(tuple(named)).label

    def _named(self, part: ClassLogit) -> ClassLogit:
        index = self.target(part)
        return ClassLogit(self._classes[index] if index < len(self._classes) else index)

    def target(self, part: ClassLogit) -> int:
        """The number of a class.

        Raises:
            InvalidInputError: The model has no such class.
        """
        count = self.count_classes()
        if isinstance(part.target, str):
            if part.target not in self._classes:
                raise UnknownNameError.of("class", part.target, self._classes)
            return self._classes.index(part.target)
        if part.target >= count:
            raise InvalidInputError(
                f"target={part.target} is outside the model's {count} outputs. Pass a number in "
                f"[0, {count})."
            )
        return int(part.target)


def logit_kind(structure: ModelStructure) -> str:
    """What stands for a class: its logit, or what the model returns where none is known."""
    return answered("logit", structure.ending, explicit=False)


def values(
    one: ForwardPass,
    x: tf.Tensor,
    structure: ModelStructure,
    groups: Sequence[Group],
    weights: Sequence[tf.Tensor],
    leak: tf.Tensor | float = 0.0,
) -> tf.Tensor:
    """(K,) objectives of the pictures of a pass, while a graph is traced.

    Args:
        one: The pass.
        x: What it is of.
        structure: The structure of the model.
        groups: What the objectives weigh.
        weights: Of each group, a row for each picture.
        leak: Share of what the ReLU of a layer holds back that is added to its output.
    """
    total = tf.zeros(tf.shape(x)[:1])
    for group, weight in zip(groups, weights, strict=True):
        if group.kind == "classes":
            seen = head(single_output(one.raw), logit_kind(structure), x, structure.ending)
        else:
            found = one.activations(group.layer)
            if not isinstance(leak, float) and found.op.type == "Relu":
                found += tf.cast(leak, found.dtype) * tf.minimum(found.op.inputs[0], 0)
            seen = _of_layer(one.shown(group.layer, found), group.kind)
        products = tf.cast(seen, tf.float32) * weight
        total += tf.reduce_sum(products, axis=list(range(1, products.shape.rank)))
    return total


def _of_layer(activations: tf.Tensor, kind: str) -> tf.Tensor:
    axes = list(range(1, activations.shape.rank))
    if kind == "square":
        return tf.reduce_mean(tf.square(activations), axis=axes)
    return activations if kind == "positions" else tf.reduce_mean(activations, axis=axes[:-1])


def specs(groups: Sequence[Group], weights: Sequence[Array]) -> list[Any]:
    """What the trace takes for the weights."""
    return [
        tf.TensorSpec((None, *one.shape[1:]), tf.float32, name=f"weights_{i}")
        for i, one in enumerate(weights)
    ]


def _check_channel(part: Channel | Neuron, count: int) -> None:
    if part.channel >= count:
        raise InvalidInputError(
            f"channel={part.channel} is outside the {count} channels of layer {part.layer!r}. "
            f"Pass a number in [0, {count})."
        )


def _position(part: Neuron, sides: tuple[int, ...]) -> tuple[int, ...]:
    if part.position is None:
        return tuple(n // 2 for n in sides)
    is_inside = len(part.position) == len(sides) and all(
        i < n for i, n in zip(part.position, sides, strict=False)
    )
    if not is_inside:
        raise InvalidInputError(
            f"position={part.position} is outside the {math.prod(sides)} positions {sides} of "
            f"layer {part.layer!r}. Pass {len(sides)} numbers, each below its side."
        )
    return part.position
