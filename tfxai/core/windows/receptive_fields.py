"""Windows of weights that slide over a map: what they read, and on what their results rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.graph import operations

_POOLS = frozenset({"AvgPool", "MaxPool"})
_CONVOLUTIONS = frozenset({"Conv2D", "DepthwiseConv2dNative"})


@dataclasses.dataclass(frozen=True, eq=False)
class Region:
    """Where the patches of a tensor lie in its map.

    Args:
        starts: First position along each axis, for each window along it.
        sides: Sides of the patch.
    """

    starts: tuple[Array, ...]
    sides: tuple[int, ...]

    def is_at(self, other: Region) -> bool:
        """Whether both are the same place."""
        pairs = zip(self.starts, other.starts, strict=True)
        return self.sides == other.sides and all((a == b).all() for a, b in pairs)


@dataclasses.dataclass(frozen=True, eq=False)
class Slide:
    """A convolution or pooling over maps (B, h, w, C).

    Args:
        ops: The operation; with dilation the three that it is made of.
        kernel: Its sides.
        strides: Its steps.
        dilations: Distance between the positions that it reads.
        before: Positions that it reads before the map.
    """

    ops: tuple[tf.Operation, ...]
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]

    @property
    def op(self) -> tf.Operation:
        """The one that multiplies or pools."""
        return self.ops[len(self.ops) // 2]

    @property
    def result(self) -> tf.Tensor:
        """What it makes of a map."""
        return self.ops[-1].outputs[0]

    @property
    def fill(self) -> float:
        """What stands outside of the map."""
        return float(self.result.dtype.min) if self.op.type == "MaxPool" else 0.0

    def reach(self, place: Region) -> tuple[Region, Region]:
        """What is read, and where all lies that rests on `place`.

        A patch of side w becomes one of min(ceil((w + d (k - 1)) / s), out) at most.
        """
        read_starts, read_sides, starts, sides = [], [], [], []
        for axis in range(2):
            step, reach = self.strides[axis], self.dilations[axis] * (self.kernel[axis] - 1)
            first = place.starts[axis] + self.before[axis]
            last = first + place.sides[axis] - 1
            n = self.result.shape[axis + 1]
            lowest = np.clip(-((reach - first) // step), 0, n - 1)
            highest = np.clip(last // step, 0, n - 1)
            side = max(int((highest - lowest).max()) + 1, 1)
            start = np.minimum(lowest, n - side)
            starts.append(start)
            sides.append(side)
            read_starts.append(start * step - self.before[axis])
            read_sides.append((side - 1) * step + reach + 1)
        return Region(tuple(read_starts), tuple(read_sides)), Region(tuple(starts), tuple(sides))

    def run(self, part: tf.Tensor) -> tf.Tensor:
        """The result on parts of a map, with nothing before or after them."""
        if len(self.ops) == 1:
            return operations.run_again(self.op, {0: part}, padding="VALID", explicit_paddings=[])
        extra = [-side % d for side, d in zip(part.shape[1:3], self.dilations, strict=True)]
        after = [[0, n] for n in extra]
        folded = tf.space_to_batch(part, self.dilations, after)
        return tf.batch_to_space(operations.run_again(self.op, {0: folded}), self.dilations, after)


def slide(op: tf.Operation) -> Slide | None:
    """The convolution or pooling that begins with this operation, or None."""
    if op.type == "SpaceToBatchND":
        return _dilated(op)
    if op.type not in _POOLS | _CONVOLUTIONS or not is_on_maps(op):
        return None
    found = Slide((op,), *_geometry(op))
    return None if op.type == "AvgPool" and _exceeds(found) else found


def is_on_maps(op: tf.Operation) -> bool:
    """Whether the maps that go in and out are (B, h, w, C) of known sides."""
    layout = op.node_def.attr.get("data_format")
    y = op.outputs[0].shape
    return (layout is None or layout.s == b"NHWC") and y.rank == 4 and None not in y[1:]


def _dilated(op: tf.Operation) -> Slide | None:
    """TensorFlow folds the map into the batch, convolves and unfolds it."""
    ops = [op]
    for expected in (_CONVOLUTIONS, {"BatchToSpaceND"}):
        users = ops[-1].outputs[0].consumers()
        if len(users) != 1 or users[0].type not in expected:
            return None
        ops += users
    fixed = [tf.get_static_value(t) for t in (*op.inputs[1:], *ops[2].inputs[1:])]
    if any(one is None for one in fixed) or not all(map(is_on_maps, ops)):
        return None
    (block, paddings, unfolded, crops), (kernel, strides, _, before) = fixed, _geometry(ops[1])
    if len(block) != 2 or (block != unfolded).any() or crops[:, 0].any():
        return None
    if strides != (1, 1) or before != (0, 0) or ops[1].get_attr("padding") != b"VALID":
        return None
    dilations, before = (tuple(int(n) for n in one) for one in (block, paddings[:, 0]))
    return Slide(tuple(ops), kernel, strides, dilations, before)


def _geometry(op: tf.Operation) -> tuple[tuple[int, ...], ...]:
    """Kernel, strides, dilations and positions before the map along both axes."""
    is_pool = op.type in _POOLS
    kernel = op.get_attr("ksize")[1:3] if is_pool else op.inputs[1].shape.as_list()[:2]
    dilations = [1, 1] if is_pool else op.get_attr("dilations")[1:3]
    strides = op.get_attr("strides")[1:3]
    before = _before(op, kernel, strides, dilations)
    return tuple(kernel), tuple(strides), tuple(dilations), tuple(before)


def _before(
    op: tf.Operation, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> list[int]:
    kind = op.get_attr("padding")
    if kind == b"VALID":
        return [0, 0]
    if kind == b"EXPLICIT":
        return list(op.get_attr("explicit_paddings")[2:6:2])
    sides = op.inputs[0].shape.as_list()[1:3]
    outs = op.outputs[0].shape.as_list()[1:3]
    every = zip(sides, outs, kernel, strides, dilations, strict=True)
    return [max((o - 1) * s + d * (k - 1) + 1 - n, 0) // 2 for n, o, k, s, d in every]


def _exceeds(pool: Slide) -> bool:
    """Whether a pooling looks past the edges of its map, where means are of fewer numbers."""
    x, y = pool.op.inputs[0].shape[1:3], pool.result.shape[1:3]
    sides = zip(x, y, pool.kernel, pool.strides, strict=True)
    return any((o - 1) * s + k > n for n, o, k, s in sides)
