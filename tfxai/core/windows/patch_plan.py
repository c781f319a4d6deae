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

from tfxai.core.graph import operations
from tfxai.core.windows.receptive_fields import Region, Slide, is_on_maps, slide
from tfxai.core.windows.windows import Windows

_MOVE = 40.0  # multiplications in the time in which a CPU moves one number
_WORTH = 0.85  # estimated share of the whole cost below which patches are taken
_SHARES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_WEIGHTED = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})
_EACH = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "StopGradient"})


State: TypeAlias = Region | None
"""Where the patches of a tensor lie; None for a tensor that runs whole."""


@dataclasses.dataclass(frozen=True, eq=False)
class Task:
    """One operation of the pass with a window.

    Args:
        op: The operation of the pass at x.
        how: `"each"` position by itself, `"slide"` over patches, `"same"` patches in another
            map, `"shape"` of the map, or `"whole"`.
        reads: Which part of each operand's map goes in, where patches go in.
        slide: What slides.
    """

    op: tf.Operation
    how: str
    reads: State = None
    slide: Slide | None = None

    @property
    def result(self) -> tf.Tensor:
        """What the operation, or all that slide as one, make."""
        return self.slide.result if self.slide else self.op.outputs[0]


@dataclasses.dataclass(frozen=True, eq=False)
class PatchPlan:
    """How a pass with a window runs.

    Args:
        tasks: The operations in the order in which they run.
        states: Where the patches of each tensor lie, by reference.
        cost: Estimate, in multiplications.
        size: Numbers in all results for one row.
    """

    tasks: tuple[Task, ...]
    states: dict[Any, State]
    cost: float
    size: int


def plan(
    x: tf.Tensor, outputs: Sequence[tf.Tensor], windows: Windows
) -> tuple[PatchPlan, float] | None:
    """The cheapest way from x with one of `windows` replaced to the outputs.

    Args:
        x: (B, h, w, C) in the graph in which `outputs` were computed from it.
        outputs: What is wanted.
        windows: Over h and w.

    Returns:
        The plan, and the share that it takes of the memory of a whole pass; None where patches
        would gain little.
    """
    if x.shape.rank != 4 or x.shape[0] is not None:  # reshapes may have written the batch down
        return None
    whole, *plans = [planned(x, outputs, windows, share) for share in _SHARES]
    best = min(plans, key=lambda one: one.cost)
    return (best, best.size / whole.size) if best.cost < _WORTH * whole.cost else None


def planned(
    x: tf.Tensor, outputs: Sequence[tf.Tensor], windows: Windows, most: float
) -> PatchPlan:
    """The plan in which patches fill at most a share of their maps, none for 0; else as `plan`."""
    start = Region(tuple(np.array(one) for one in windows.starts), windows.sides)
    states: dict[Any, State] = {x.ref(): start if most else None}
    tasks, cost, size, done = [], 0.0, 0, set[Any]()
    for op in operations.between(x, outputs):
        given = [t for t in op.inputs if t.ref() in states]
        if not given or op in done:
            continue
        task, result = _task(op, given, [states[t.ref()] for t in given])
        if result is not None and _share(result, task.result) > most:
            task, result = Task(op, "whole"), None
        tasks.append(task)
        cost += _work(task, result) + sum(_reading(task, t, states[t.ref()], done) for t in given)
        size += _numbers(task, result)
        if task.slide is not None:
            done.update(task.slide.ops)
        if task.how == "same":
            pairs = ((y.ref(), t.ref()) for y, t in zip(op.outputs, op.inputs, strict=False))
            states.update({y: result or states[t] for y, t in pairs if t in states})
        else:
            states.update((t.ref(), result) for t in (*op.outputs, task.result))
    return PatchPlan(tuple(tasks), states, cost, size)


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
    if len(places) < len(states) or others:
        return Task(op, "whole"), None
    sliding = slide(op) if len(given) == 1 and given[0] is op.inputs[0] else None
    if sliding is not None:
        reads, place = sliding.reach(places[0])
        return Task(op, "slide", reads, sliding), place
    if not is_on_maps(op):
        return Task(op, "whole"), None
    if op.type == "Pad" and given[0] is op.inputs[0]:
        return _shift(op, places[0])
    if _is_each(op, given):
        place = _union(places)
        return Task(op, "each", place), place
    return Task(op, "whole"), None


def _shift(op: tf.Operation, place: Region) -> tuple[Task, State]:
    """Zeros around a map: the patches stay as they are."""
    paddings = tf.get_static_value(op.inputs[1])
    if paddings is None or paddings[0].any() or paddings[3].any():
        return Task(op, "whole"), None
    starts = tuple(a + b for a, b in zip(place.starts, paddings[1:3, 0], strict=True))
    return Task(op, "same"), Region(starts, place.sides)


def _union(places: Sequence[Region]) -> Region:
    """The smallest place that holds all of them for each window."""
    starts, sides = [], []
    for axis in range(2):
        first = np.min([p.starts[axis] for p in places], axis=0)
        last = np.max([p.starts[axis] + p.sides[axis] for p in places], axis=0)
        side = int((last - first).max())
        starts.append(np.minimum(first, last.max() - side))
        sides.append(side)
    return Region(tuple(starts), tuple(sides))


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


def _share(place: Region, tensor: tf.Tensor) -> float:
    """How much of a map its patches fill."""
    return math.prod(place.sides) / math.prod(tensor.shape[1:3])


def _size(tensor: tf.Tensor) -> int:
    """Numbers of one example, 0 where that is not known."""
    shape = tensor.shape
    return math.prod(n or 1 for n in shape[1:]) if shape.rank and tensor.dtype.is_floating else 0


def _work(task: Task, result: State) -> float:
    """Estimate of a task's cost, in multiplications."""
    op = task.slide.op if task.slide else task.op
    shape = op.inputs[1].shape if op.type in _WEIGHTED else None
    each = math.prod(n or 1 for n in shape[:-1]) if shape and shape.rank else _MOVE
    return _numbers(task, result) * each


def _numbers(task: Task, result: State) -> int:
    """Numbers in the result of a task for one row."""
    if result is None:
        return _size(task.result)
    return math.prod(result.sides) * int(task.result.shape[-1])


def _reading(task: Task, tensor: tf.Tensor, place: State, done: set[Any]) -> float:
    """Estimate of what it costs to put a patch into what is around it, once for a whole map."""
    if place is None:
        return 0.0
    if task.reads is not None:
        same = place.is_at(task.reads)
        return 0.0 if same else _MOVE * math.prod(task.reads.sides) * tensor.shape[-1]
    if task.how != "whole" or tensor.ref() in done:
        return 0.0
    done.add(tensor.ref())
    return _MOVE * _size(tensor)
