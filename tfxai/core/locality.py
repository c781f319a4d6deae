"""What a window of x can change, and no more: the rest of a pass is read, not computed.

Behind a convolution a window of side w is one of side ceil((w + d (k - 1)) / s), so most of a map
stays as it is without the window. The operations of the pass at x, whose results are there as a
whole, run again on patches: small tensors with a place in their map. Where an operation looks
everywhere, or a patch has grown so large that little is gained, the patches are pasted into their
maps and the rest of the network runs on whole tensors.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from tfxai.core import operations
from tfxai.core.inputs import Array
from tfxai.core.windows import Windows

_MOVE = 40.0  # multiplications in the time in which a CPU moves one number
_WORTH = 0.85  # estimated share of the whole cost below which patches are taken
_SLIDES = frozenset({"AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool"})
_WEIGHTED = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})
_EACH = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "StopGradient"})


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """Where the patches of a tensor lie in its map.

    Args:
        starts: First position along each axis, for each window along it.
        sides: Sides of the patch.
    """

    starts: tuple[Array, ...]
    sides: tuple[int, ...]

    def is_at(self, other: Place) -> bool:
        """Whether both are the same place."""
        pairs = zip(self.starts, other.starts, strict=True)
        return self.sides == other.sides and all((a == b).all() for a, b in pairs)


State: TypeAlias = Place | None
"""Where the patches of a tensor lie; None for a tensor that runs whole."""


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """One operation of the pass with a window.

    Args:
        op: The operation of the pass at x.
        how: `"each"` position by itself, `"slide"` over patches, `"same"` patches in another
            map, `"shape"` of the map, or `"whole"`.
        reads: Which part of each operand's map goes in, where patches go in.
        fill: What stands outside of the map.
    """

    op: tf.Operation
    how: str
    reads: State = None
    fill: float = 0.0


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """How a pass with a window runs.

    Args:
        tasks: The operations in the order in which they run.
        states: Where the patches of each tensor lie, by reference.
        cost: Estimate, in multiplications.
    """

    tasks: tuple[Task, ...]
    states: dict[Any, State]
    cost: float


def plan(x: tf.Tensor, outputs: Sequence[tf.Tensor], windows: Windows) -> Plan | None:
    """The cheapest way from x with one of `windows` replaced to the outputs.

    Args:
        x: (B, h, w, C) in the graph in which `outputs` were computed from it.
        outputs: What is wanted.
        windows: Over h and w.

    Returns:
        None where patches would gain little.
    """
    if x.shape.rank != 4 or x.shape[0] is not None:  # reshapes may have written the batch down
        return None
    ops = list(operations.between(x, outputs))
    start = Place(tuple(np.array(one) for one in windows.starts), windows.sides)
    most = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
    whole, *plans = [_planned(x, ops, start, share) for share in most]
    best = min(plans, key=lambda one: one.cost)
    return best if best.cost < _WORTH * whole.cost else None


def _planned(x: tf.Tensor, ops: Sequence[tf.Operation], start: Place, most: float) -> Plan:
    """The plan in which patches fill at most a share of their maps."""
    states: dict[Any, State] = {x.ref(): start if _share(start, x) <= most else None}
    tasks, cost, pasted = [], 0.0, set()
    for op in ops:
        given = [t for t in op.inputs if t.ref() in states]
        if not given:
            continue
        task, result = _task(op, given, [states[t.ref()] for t in given])
        if result is not None and _share(result, op.outputs[0]) > most:
            task, result = Task(op, "whole"), None
        tasks.append(task)
        cost += _work(op, result)
        for tensor in given:
            own = states[tensor.ref()]
            if task.reads is not None and own is not None and not own.is_at(task.reads):
                cost += _MOVE * math.prod(task.reads.sides) * tensor.shape[-1]
            elif task.how == "whole" and own is not None and tensor.ref() not in pasted:
                pasted.add(tensor.ref())
                cost += _MOVE * _size(tensor)
        if task.how == "same":
            pairs = ((y.ref(), t.ref()) for y, t in zip(op.outputs, op.inputs, strict=False))
            states.update({y: result or states[t] for y, t in pairs if t in states})
        else:
            states.update((t.ref(), result) for t in op.outputs)
    return Plan(tuple(tasks), states, cost)


def _task(
    op: tf.Operation, given: Sequence[tf.Tensor], states: Sequence[State]
) -> tuple[Task, State]:
    """How an operation runs, and where the patches of its result lie."""
    places = [state for state in states if state is not None]
    if op.type == "IdentityN":
        return Task(op, "same"), None
    if op.type == "Shape" and places:
        return Task(op, "shape"), None
    others = any(output.consumers() for output in op.outputs[1:])
    if len(places) < len(states) or others or not _is_on_maps(op):
        return Task(op, "whole"), None
    slides = op.type in _SLIDES or op.type == "Pad"
    if slides and len(given) == 1 and given[0] is op.inputs[0]:
        return _shift(op, places[0]) if op.type == "Pad" else _slide(op, places[0])
    if _is_each(op, given):
        place = _union(places)
        return Task(op, "each", place), place
    return Task(op, "whole"), None


def _slide(op: tf.Operation, place: Place) -> tuple[Task, State]:
    """A convolution or pooling: what it reads and where what changes lies."""
    x, y = op.inputs[0], op.outputs[0]
    kernel, strides, dilations = _geometry(op)
    before = _padding(op, kernel, strides, dilations)
    if op.type == "AvgPool" and _exceeds(op, kernel, strides):
        return Task(op, "whole"), None
    read_starts, read_sides, starts, sides = [], [], [], []
    for axis in range(2):
        reach = dilations[axis] * (kernel[axis] - 1)
        first = place.starts[axis] + before[axis]
        last = first + place.sides[axis] - 1
        n = y.shape[axis + 1]
        lowest = np.clip(-((reach - first) // strides[axis]), 0, n - 1)
        highest = np.clip(last // strides[axis], 0, n - 1)
        side = max(int((highest - lowest).max()) + 1, 1)
        start = np.minimum(lowest, n - side)
        starts.append(start)
        sides.append(side)
        read_starts.append(start * strides[axis] - before[axis])
        read_sides.append((side - 1) * strides[axis] + reach + 1)
    fill = x.dtype.min if op.type == "MaxPool" else 0.0
    reads = Place(tuple(read_starts), tuple(read_sides))
    return Task(op, "slide", reads, fill), Place(tuple(starts), tuple(sides))


def _geometry(op: tf.Operation) -> tuple[list[int], list[int], list[int]]:
    """Kernel, strides and dilations along both axes."""
    is_pool = op.type in ("AvgPool", "MaxPool")
    kernel = op.get_attr("ksize")[1:3] if is_pool else op.inputs[1].shape.as_list()[:2]
    dilations = [1, 1] if is_pool else op.get_attr("dilations")[1:3]
    return list(kernel), list(op.get_attr("strides")[1:3]), list(dilations)


def _padding(
    op: tf.Operation, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    """Positions before the map along both axes."""
    kind = op.get_attr("padding")
    if kind == b"VALID":
        return [0, 0]
    if kind == b"EXPLICIT":
        return list(op.get_attr("explicit_paddings")[2:6:2])
    sides = op.inputs[0].shape.as_list()[1:3]
    outs = op.outputs[0].shape.as_list()[1:3]
    every = zip(sides, outs, kernel, strides, dilations, strict=True)
    return [max((o - 1) * s + d * (k - 1) + 1 - n, 0) // 2 for n, o, k, s, d in every]


def _exceeds(op: tf.Operation, kernel: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether a pooling looks past the edges of its map, where means are of fewer numbers."""
    sides = zip(op.inputs[0].shape[1:3], op.outputs[0].shape[1:3], kernel, strides, strict=True)
    return any((o - 1) * s + k > n for n, o, k, s in sides)


def _shift(op: tf.Operation, place: Place) -> tuple[Task, State]:
    """Zeros around a map: the patches stay as they are."""
    paddings = tf.get_static_value(op.inputs[1])
    if paddings is None or paddings[0].any() or paddings[3].any():
        return Task(op, "whole"), None
    starts = tuple(a + b for a, b in zip(place.starts, paddings[1:3, 0], strict=True))
    return Task(op, "same"), Place(starts, place.sides)


def _union(places: Sequence[Place]) -> Place:
    """The smallest place that holds all of them for each window."""
    starts, sides = [], []
    for axis in range(2):
        first = np.min([p.starts[axis] for p in places], axis=0)
        last = np.max([p.starts[axis] + p.sides[axis] for p in places], axis=0)
        side = int((last - first).max())
        starts.append(np.minimum(first, last.max() - side))
        sides.append(side)
    return Place(tuple(starts), tuple(sides))


def _is_on_maps(op: tf.Operation) -> bool:
    """Whether all maps that go in and out are (B, h, w, C) of known sides."""
    layout = op.node_def.attr.get("data_format")
    y = op.outputs[0].shape
    return (layout is None or layout.s == b"NHWC") and y.rank == 4 and None not in y[1:]


def _is_each(op: tf.Operation, given: Sequence[tf.Tensor]) -> bool:
    """Whether each position of the result rests on the same position of each operand."""
    y = op.outputs[0].shape
    if any(t.shape.rank != 4 or t.shape[1:3] != y[1:3] for t in given):
        return False
    if op.type == "ConcatV2":
        axis = tf.get_static_value(op.inputs[-1])
        return len(given) == len(op.inputs) - 1 and axis is not None and int(axis) in (3, -1)
    known = {t.ref() for t in given}
    others = [t.shape for t in op.inputs if t.ref() not in known]
    if any(shape.rank is None or any(n != 1 for n in shape[:-1]) for shape in others):
        return False
    trains = op.type.startswith("FusedBatchNorm") and op.get_attr("is_training")
    return (op.type in _EACH and not trains) or operations.is_elementwise(op)


def _share(place: Place, tensor: tf.Tensor) -> float:
    """How much of a map its patches fill."""
    return math.prod(place.sides) / math.prod(tensor.shape[1:3])


def _size(tensor: tf.Tensor) -> int:
    """Numbers of one example, 0 where that is not known."""
    shape = tensor.shape
    return math.prod(n or 1 for n in shape[1:]) if shape.rank and tensor.dtype.is_floating else 0


def _work(op: tf.Operation, result: State) -> float:
    """Estimate of an operation's cost, in multiplications."""
    size = _size(op.outputs[0]) if op.outputs else 0
    if result is not None:
        size = math.prod(result.sides) * op.outputs[0].shape[-1]
    each = _MOVE
    if op.type in _WEIGHTED:
        shape = op.inputs[1].shape
        each = 1.0 * math.prod(n or 1 for n in shape[:-1]) if shape.rank else _MOVE
    return size * each
