"""Passes with a window of x replaced, run as `patch_plan` plans them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfxai.core.graph import operations
from tfxai.core.tracing import Run
from tfxai.core.windows.patch_plan import PatchPlan, Task, plan
from tfxai.core.windows.receptive_fields import Region
from tfxai.core.windows.windows import Windows


def patched(
    x: tf.Tensor, raw: Any, windows: Windows
) -> tuple[Callable[..., tuple[Run, tf.Tensor]], float] | None:
    """The network as a function of what stands in a window of x.

    Args:
        x: The examples, (B, h, w, C).
        raw: What the model returned for them.
        windows: Which windows there are.

    Returns:
        A function from the number of each row's window, of its example, images and the number of
        each row's image, to a network and what it takes; and the share that it takes of the
        memory of a whole pass. None where whole passes are as cheap.
    """
    wanted = tf.nest.flatten(raw)
    found = plan(x, wanted, windows)
    if found is None:
        return None
    chosen, share = found

    def network_of(
        k: tf.Tensor, example: tf.Tensor, images: tf.Tensor, row: tf.Tensor
    ) -> tuple[Run, tf.Tensor]:
        patches = Patches(chosen, x, windows, k, example)

        def network(patch: tf.Tensor, _: tuple[tf.Tensor, ...]) -> Any:
            return tf.nest.pack_sequence_as(raw, patches.outputs(patch, wanted))

        return network, patches.window_of(images, row)

    return network_of, share


class Patches:
    """The outputs of a model for rows that each have one window of an example replaced.

    Args:
        plan: How a pass runs.
        x: (B, h, w, C), the examples.
        windows: The windows.
        k: (R,) number of each row's window.
        example: (R,) number of each row's example.
    """

    def __init__(
        self, plan: PatchPlan, x: tf.Tensor, windows: Windows, k: tf.Tensor, example: tf.Tensor
    ) -> None:
        self._plan, self._x, self._example = plan, x, example
        self._rows = tf.range(tf.shape(k)[0])
        self._along = windows.numbers(k)
        self._values: dict[Any, tf.Tensor] = {}
        self._whole: dict[Any, tf.Tensor] = {}

    def window_of(self, images: tf.Tensor, row: tf.Tensor) -> tf.Tensor:
        """The part of each row's image that its window covers, (R, *sides, C)."""
        return self._gathered(images, row, self._own(self._x), 0.0)

    def outputs(self, patch: tf.Tensor, wanted: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """`wanted` with `patch`, (R, *sides, C), in the place of each row's window."""
        self._values[self._x.ref()] = patch
        for task in self._plan.tasks:
            self._run(task)
        return [self._as_whole(tensor) for tensor in wanted]

    def _run(self, task: Task) -> None:
        op = task.op
        live = {i: t for i, t in enumerate(op.inputs) if t.ref() in self._values}
        y = op.outputs[0]
        if task.how == "whole":
            copy = operations.copy_of(op, {i: self._as_whole(t) for i, t in live.items()})
            for output, new in zip(op.outputs, copy.outputs, strict=True):
                self._values[output.ref()] = new
        elif task.how == "shape":
            shape = [tf.shape(self._rows), tf.constant(op.inputs[0].shape.as_list()[1:])]
            self._values[y.ref()] = tf.cast(tf.concat(shape, axis=0), y.dtype)
        elif task.how == "same":
            for i, tensor in live.items():
                self._values[op.outputs[i].ref()] = self._values[tensor.ref()]
        else:
            fill = task.slide.fill if task.slide else 0.0
            read = {i: self._read(t, cast(Region, task.reads), fill) for i, t in live.items()}
            new = task.slide.run(read[0]) if task.slide else operations.run_again(op, read)
            self._values[task.result.ref()] = new

    def _as_whole(self, tensor: tf.Tensor) -> tf.Tensor:
        """The tensor of each row, its patch pasted in."""
        key = tensor.ref()
        if self._plan.states.get(key) is None:
            return self._values.get(key, tensor)
        if key not in self._whole:
            sides = tuple(tensor.shape[1:3])
            everywhere = Region(tuple(np.zeros_like(s) for s in self._own(tensor).starts), sides)
            self._whole[key] = self._read(tensor, everywhere, 0.0)
        return self._whole[key]

    def _own(self, tensor: tf.Tensor) -> Region:
        return cast(Region, self._plan.states[tensor.ref()])

    def _read(self, tensor: tf.Tensor, place: Region, fill: float) -> tf.Tensor:
        """Each row's part of a map at `place`, (R, *sides, C), its patch pasted in."""
        own, patch = self._own(tensor), self._values[tensor.ref()]
        if own.is_at(place):
            return patch
        around = self._gathered(tensor, self._example, place, fill)
        inside, position = [], []
        for axis, number in enumerate(self._along):
            at = place.starts[axis][:, None] + np.arange(place.sides[axis])
            offset = at - own.starts[axis][:, None]
            is_in = (offset >= 0) & (offset < own.sides[axis])
            inside.append(tf.gather(is_in, number))
            position.append(tf.gather(np.where(is_in, offset, 0).astype(np.int32), number))
        h, w = own.sides
        index = self._rows[:, None, None] * (h * w) + position[0][:, :, None] * w
        index = index + position[1][:, None, :]
        flat = tf.reshape(patch, [-1, tensor.shape[-1]])
        is_in = inside[0][:, :, None] & inside[1][:, None, :]
        return tf.where(is_in[..., None], tf.gather(flat, index), around)

    def _gathered(
        self, images: tf.Tensor, row: tf.Tensor, place: Region, fill: float
    ) -> tf.Tensor:
        """A part of images[row], (R, *sides, C), with `fill` outside of them."""
        h, w, channels = images.shape[1:]
        outside, position = [], []
        for axis, (side, number) in enumerate(zip((h, w), self._along, strict=True)):
            at = place.starts[axis][:, None] + np.arange(place.sides[axis])
            is_out = (at < 0) | (at >= side)
            outside.append(is_out)
            position.append(tf.gather(np.clip(at, 0, side - 1).astype(np.int32), number))
        index = row[:, None, None] * (h * w) + position[0][:, :, None] * w
        index = index + position[1][:, None, :]
        part = tf.gather(tf.reshape(images, [-1, channels]), index)
        if not outside[0].any() and not outside[1].any():
            return part
        ways = [tf.gather(is_out, n) for is_out, n in zip(outside, self._along, strict=True)]
        is_out = ways[0][:, :, None] | ways[1][:, None, :]
        return tf.where(is_out[..., None], tf.constant(fill, part.dtype), part)
