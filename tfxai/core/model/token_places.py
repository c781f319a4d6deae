"""Which patch of an image each token of an attention is, followed through a traced graph.

The rows and columns of the image are followed operation by operation: a convolution makes them
coarser, a reshape puts them side by side, a concatenation puts tokens in front. What is not known
of an operation ends the trail, so that a grid is either right or absent.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.graph.shape_values import shape_value
from tfxai.core.graph.slices import kept_of_each
from tfxai.core.model.axis_factors import (
    BATCH,
    Axes,
    Axis,
    Factor,
    agreed,
    fits,
    grid_of,
    plain,
    regrouped,
    size_of,
    tokens,
)
from tfxai.patch_grid import PatchGrid


@dataclasses.dataclass(frozen=True)
class TokenPlaces:
    """Where the tokens of one attention lie in the image.

    Args:
        grid: Their patches; None where that cannot be told.
        in_windows: Whether parts of the image are attended to independently.
    """

    grid: PatchGrid | None = None
    in_windows: bool = False


def token_places(
    image: tf.Tensor, axes: str, weights: Sequence[tf.Tensor], outputs: Sequence[tf.Tensor]
) -> tuple[TokenPlaces, ...]:
    """Where the tokens of each attention lie.

    Args:
        image: The input of the model, (B, H, W, C) or (B, C, H, W).
        axes: Its axes without the batch.
        weights: The weights of each attention, (B, ..., T, S), in the same graph.
        outputs: What the model returns.
    """
    trail = _Trail(image, axes)
    for op in operations.between(None, outputs):
        trail.follow(op)
    is_whole = any(
        grid_of(axis) is not None for tensor in outputs for axis in trail.of(tensor) or ()
    )
    return tuple(trail.places(one, is_whole) for one in weights)


class _Trail:
    """What is known of the axes of each tensor that rests on the image."""

    def __init__(self, image: tf.Tensor, axes: str) -> None:
        self._of: dict[Any, Axes] = {}
        self._alone: set[int] = set()  # tokens in front of the patches that are read alone
        found: list[Axis] = [(Factor(BATCH, "B"),)]
        for letter, size in zip(axes, image.shape.as_list()[1:], strict=True):
            if size is None:
                return
            found.append(plain(size, letter if letter in "HW" else ""))
        self._of[image.ref()] = tuple(found)

    def of(self, tensor: tf.Tensor) -> Axes | None:
        """The axes of a tensor; None where they are not known."""
        return self._of.get(tensor.ref())

    def places(self, weights: tf.Tensor, is_whole: bool) -> TokenPlaces:
        """Where queries and keys of an attention lie, if all of them are the same tokens."""
        axes = self.of(weights)
        if axes is None or len(axes) < 3:
            return TokenPlaces()
        if any(factor.letter in tuple("HWP") for axis in axes[:-2] for factor in axis):
            return TokenPlaces(in_windows=True)
        grid = grid_of(axes[-1])
        if grid is None or grid_of(axes[-2]) != grid or axes[0] != (Factor(BATCH, "B"),):
            return TokenPlaces()
        alone = [i for i in sorted(self._alone) if i < grid.first]
        if not alone and grid.first and is_whole:
            alone = [0]  # all tokens are returned, the first of them by convention the class token
        return TokenPlaces(dataclasses.replace(grid, class_token=alone[0] if alone else None))

    def follow(self, op: tf.Operation) -> None:
        """Notes what an operation makes of the axes of its operands."""
        rule = None if op.type in operations.CONSTANTS else _RULES.get(op.type)
        if rule is None or not any(self.of(one) for one in op.inputs):
            return
        if any(one.shape.rank is None for one in op.inputs):
            return
        try:
            made = rule(self, op)
        except (IndexError, TypeError, ValueError, ZeroDivisionError):
            return  # a form of the operation that no rule foresaw; who needs no places goes on
        for tensor, axes in zip(op.outputs, made, strict=False):
            if axes is None or tensor.shape.rank is None or tensor.ref() in self._of:
                continue
            if fits(axes, tensor.shape.as_list()):
                self._of[tensor.ref()] = axes

    def _same(self, op: tf.Operation) -> list[Axes | None]:
        """Elementwise operations, operands laid over one another from the last axis on."""
        known = [self.of(one) for one in op.inputs]
        out = op.outputs[0].shape
        if out.rank is None:
            return [None]
        found: list[Axis] = []
        for i, size in enumerate(out.as_list()):
            given = {
                axes[i - out.rank]
                for axes in known
                if axes is not None and len(axes) >= out.rank - i and axes[i - out.rank]
            }
            lettered = {axis for axis in given if any(factor.letter for factor in axis)}
            if len(lettered) == 1:
                found.append(lettered.pop())
            elif given:
                found.append(plain(size_of(next(iter(given)))))
            elif size is None:
                return [None]
            else:
                found.append(plain(size))
        return [tuple(found)]

    def _reshaped(self, op: tf.Operation) -> list[Axes | None]:
        axes, out = self.of(op.inputs[0]), op.outputs[0].shape
        if axes is None or out.rank is None:
            return [None]
        shape: list[int | None] = out.as_list()
        if op.type == "Reshape" and shape.count(None) > 1:
            asked = shape_value(op.inputs[1], self._sizes)
            shape = shape if asked is None else [None if n < 0 else int(n) for n in asked]
        return [regrouped([factor for axis in axes for factor in axis], shape)]

    def _sizes(self, tensor: tf.Tensor) -> list[int | None] | None:
        axes = self.of(tensor)
        if axes is not None:
            return [size_of(axis) for axis in axes]
        return tensor.shape.as_list() if tensor.shape.rank is not None else None

    def _transposed(self, op: tf.Operation) -> list[Axes | None]:
        axes, order = self.of(op.inputs[0]), tf.get_static_value(op.inputs[1])
        return [None if axes is None or order is None else tuple(axes[i] for i in order)]

    def _widened(self, op: tf.Operation) -> list[Axes | None]:
        """Copies along axes: those that keep their length keep their meaning."""
        axes, out = self.of(op.inputs[0]), op.outputs[0].shape
        if axes is None or out.rank != len(axes):
            return [None]
        kept = [
            axis if size is None or size_of(axis) == size else plain(size)
            for axis, size in zip(axes, out.as_list(), strict=True)
        ]
        return [tuple(kept)]

    def _convolved(self, op: tf.Operation) -> list[Axes | None]:
        """Convolutions and pools: rows and columns become fewer and stay where they are."""
        at = operations.WEIGHTED.get(op.type) or 0
        axes, out = self.of(op.inputs[at]), op.outputs[0].shape.as_list()
        data_format = op.get_attr("data_format").decode()
        if axes is None or len(data_format) != 4:
            return [None]
        found = [axes[0]]
        for i, letter in enumerate(data_format[1:], 1):
            before = axes[i]
            is_place = letter != "C" and len(before) == 1 and before[0].letter in ("H", "W")
            if out[i] is None:
                return [None]
            if not is_place:
                found.append(plain(out[i]))
                continue
            covers = before[0].covers * _covered(op, i, before[0].size, out[i])
            found.append(plain(out[i], before[0].letter, covers))
        return [tuple(found)]

    def _resized(self, op: tf.Operation) -> list[Axes | None]:
        axes, out = self.of(op.inputs[0]), op.outputs[0].shape.as_list()
        if axes is None or None in out[1:3] or any(len(axis) != 1 for axis in axes[1:3]):
            return [None]
        places = [
            plain(size, axis[0].letter, axis[0].covers)
            for axis, size in zip(axes[1:3], out[1:3], strict=True)
        ]
        return [(axes[0], *places, axes[3])]

    def _reduced(self, op: tf.Operation) -> list[Axes | None]:
        axes, over = self.of(op.inputs[0]), tf.get_static_value(op.inputs[1])
        if axes is None or over is None:
            return [None]
        gone = {int(i) % len(axes) for i in over.ravel()}
        if op.get_attr("keep_dims"):
            return [tuple(() if i in gone else axis for i, axis in enumerate(axes))]
        return [tuple(axis for i, axis in enumerate(axes) if i not in gone)]

    def _joined(self, op: tf.Operation) -> list[Axes | None]:
        """A concatenation: of tokens, those before the patches are counted."""
        *parts, axis = op.inputs
        at, rank = tf.get_static_value(axis), op.outputs[0].shape.rank
        if at is None or rank is None:
            return [None]
        at = int(at) % rank
        known = [self.of(part) for part in parts]
        given = [(self._sizes(part) or [None] * rank)[at] for part in parts]
        sizes = [size for size in given if size is not None]
        if len(sizes) < len(parts):
            return [None]
        found = next(axes for axes in known if axes is not None)
        grids = [None if axes is None else grid_of(axes[at]) for axes in known]
        joined = plain(sum(sizes))
        if sum(grid is not None for grid in grids) == 1:
            i = next(i for i, grid in enumerate(grids) if grid is not None)
            joined = tokens(grids[i], sum(sizes[:i]), sum(sizes))
        return [(*found[:at], joined, *found[at + 1 :])]

    def _padded(self, op: tf.Operation) -> list[Axes | None]:
        axes, padding = self.of(op.inputs[0]), tf.get_static_value(op.inputs[1])
        if axes is None or padding is None:
            return [None]
        found: list[Axis] = []
        for axis, (before, after) in zip(axes, padding, strict=True):
            total = size_of(axis) + int(before) + int(after)
            grid = grid_of(axis)
            if not before and not after:
                found.append(axis)
            else:
                found.append(plain(total) if grid is None else tokens(grid, int(before), total))
        return [tuple(found)]

    def _sliced(self, op: tf.Operation) -> list[Axes | None]:
        axes = self.of(op.inputs[0])
        kept = None if axes is None else kept_of_each(op, [size_of(axis) for axis in axes])
        if axes is None or kept is None:
            return [None]
        found: list[Axis] = []
        rest = iter(axes)
        for part in kept:
            if part is None:
                found.append(())
                continue
            axis = next(rest)
            if part.step == 1 and len(part.numbers) == size_of(axis):
                found.append(axis)
                continue
            left = self._part(axis, part.numbers)
            if not part.is_dropped:
                found.append(left)
        return [tuple(found)]

    def _part(self, axis: Axis, numbers: range) -> Axis:
        """What is left of an axis of which some elements are taken."""
        grid = grid_of(axis)
        if grid is not None and len(numbers) == 1 and numbers[0] < grid.first:
            self._alone.add(numbers[0])
        if grid is None or numbers.step != 1:
            return plain(len(numbers))
        if numbers[0] > grid.first or numbers[-1] + 1 < grid.first + grid.size:
            return plain(len(numbers))
        return tokens(grid, -numbers[0], len(numbers))

    def _gathered(self, op: tf.Operation) -> list[Axes | None]:
        axes, at = self.of(op.inputs[0]), tf.get_static_value(op.inputs[2])
        index = shape_value(op.inputs[1], self._sizes)
        if axes is None or at is None or index is None or op.get_attr("batch_dims"):
            return [None]
        at = int(at) % len(axes)
        if index.ndim == 0:
            number = int(index) % size_of(axes[at])
            self._part(axes[at], range(number, number + 1))
            return [(*axes[:at], *axes[at + 1 :])]
        return [(*axes[:at], *map(plain, index.shape), *axes[at + 1 :])]

    def _split(self, op: tf.Operation) -> list[Axes | None]:
        data, axis = (op.inputs[1], op.inputs[0]) if op.type == "Split" else op.inputs[::2]
        axes, at = self.of(data), tf.get_static_value(axis)
        if axes is None or at is None:
            return [None]
        at = int(at) % len(axes)
        sizes = [one.shape.as_list()[at] if one.shape.rank else None for one in op.outputs]
        return [
            None if size is None else (*axes[:at], plain(size), *axes[at + 1 :]) for size in sizes
        ]

    def _unpacked(self, op: tf.Operation) -> list[Axes | None]:
        axes = self.of(op.inputs[0])
        if axes is None:
            return [None]
        at = op.get_attr("axis") % len(axes)
        return [(*axes[:at], *axes[at + 1 :])] * len(op.outputs)

    def _packed(self, op: tf.Operation) -> list[Axes | None]:
        known = {self.of(one) for one in op.inputs}
        axes = known.pop()
        if axes is None or known:
            return [None]
        at = op.get_attr("axis") % (len(axes) + 1)
        return [(*axes[:at], plain(len(op.inputs)), *axes[at:])]

    def _multiplied(self, op: tf.Operation) -> list[Axes | None]:
        """A product of matrices."""
        turned = ("transpose_a", "transpose_b") if op.type == "MatMul" else ("adj_x", "adj_y")
        ranks = [one.shape.rank or 0 for one in op.inputs[:2]]
        names = [f"{'' if op.type == 'MatMul' else '...'}{word}" for word in ("ij", "jk")]
        names = [
            name[:-2] + name[:-3:-1] if op.get_attr(turn) else name
            for name, turn in zip(names, turned, strict=True)
        ]
        dots = max(ranks) - 2
        return [self._summed(op, names, "ik" if op.type == "MatMul" else "...ik", dots)]

    def _by_equation(self, op: tf.Operation) -> list[Axes | None]:
        given, _, wanted = op.get_attr("equation").decode().replace(" ", "").partition("->")
        names = given.split(",")
        ranks = [one.shape.rank or 0 for one in op.inputs]
        dots = max(
            (rank - len(name.replace("...", "")) for rank, name in zip(ranks, names, strict=True)
             if "..." in name), default=0,
        )  # fmt: skip
        return [self._summed(op, names, wanted, dots)]

    def _summed(
        self, op: tf.Operation, names: Sequence[str], wanted: str, dots: int
    ) -> Axes | None:
        """The axes of a product with sums, of operands whose axes have these letters."""
        stand = "".join(map(chr, range(0x100, 0x100 + dots)))
        found: dict[str, set[Axis]] = {}
        free: set[str] = set()
        for tensor, name in zip(op.inputs, names, strict=True):
            axes, rank = self.of(tensor), tensor.shape.rank or 0
            width = rank - len(name.replace("...", ""))
            letters = name.replace("...", stand[dots - width :] if "..." in name else "")
            for letter, axis, size in zip(
                letters, axes or [None] * rank, tensor.shape.as_list(), strict=True
            ):
                if axis is None and size is None:
                    free.add(letter)
                    continue
                one = plain(int(size or 1)) if axis is None else axis
                if one:
                    found.setdefault(letter, set()).add(one)
        letters = wanted.replace("...", stand)
        if any(letter in free and letter not in found for letter in letters):
            return None
        return tuple(agreed(found.get(letter, set())) for letter in letters)

    def _each(self, op: tf.Operation) -> list[Axes | None]:
        return [self.of(one) for one in op.inputs]


def _covered(op: tf.Operation, axis: int, size: int, made: int) -> float:
    """The share of an axis under windows that do not overlap; 1 for all others."""
    if op.type == "Conv2D":
        kernel = op.inputs[1].shape.as_list()[axis - op.get_attr("data_format").decode().index(
            "H"
        )]  # fmt: skip
    elif "ksize" in op.node_def.attr:
        kernel = op.get_attr("ksize")[axis]
    else:
        return 1.0
    strides = op.get_attr("strides") if "strides" in op.node_def.attr else [1] * 4
    return min(1.0, made * kernel / size) if kernel == strides[axis] else 1.0


_RULES: dict[str, Callable[[_Trail, tf.Operation], list[Axes | None]]] = {
    **dict.fromkeys(
        operations.ELEMENTWISE
        | {"BiasAdd", "CheckNumerics", "EnsureShape", "FusedBatchNorm", "FusedBatchNormV2",
           "FusedBatchNormV3", "LogSoftmax", "PreventGradient", "Softmax", "StopGradient"},
        _Trail._same,
    ),
    **dict.fromkeys(
        ("AvgPool", "Conv2D", "DepthwiseConv2dNative", "MaxPool", "SpaceToDepth"),
        _Trail._convolved,
    ),
    **dict.fromkeys(
        ("ResizeBicubic", "ResizeBilinear", "ResizeNearestNeighbor"), _Trail._resized
    ),
    **dict.fromkeys(("All", "Any", "Max", "Mean", "Min", "Prod", "Sum"), _Trail._reduced),
    **dict.fromkeys(("ExpandDims", "Reshape", "Squeeze"), _Trail._reshaped),
    **dict.fromkeys(("BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "MatMul"),
                    _Trail._multiplied),
    **dict.fromkeys(("BroadcastTo", "Tile"), _Trail._widened),
    **dict.fromkeys(("MirrorPad", "Pad", "PadV2"), _Trail._padded),
    **dict.fromkeys(("Slice", "StridedSlice"), _Trail._sliced),
    **dict.fromkeys(("Split", "SplitV"), _Trail._split),
    "ConcatV2": _Trail._joined,
    "Einsum": _Trail._by_equation,
    "GatherV2": _Trail._gathered,
    "IdentityN": _Trail._each,
    "Pack": _Trail._packed,
    "Transpose": _Trail._transposed,
    "Unpack": _Trail._unpacked,
}  # fmt: skip
