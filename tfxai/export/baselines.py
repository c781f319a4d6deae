"""Baselines inside a signature: made from the input in the graph, or kept beside the weights."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tfxai.arrangement import moved_shape
from tfxai.arrays import Array
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.graph.blurring import smoothed
from tfxai.core.graph.tensor_axes import channels_back, channels_last
from tfxai.core.inputs.baseline_records import Baseline, Blur, Mean, Noise, Samples
from tfxai.core.inputs.baselines import (
    is_of_activations,
    limits_of,
    read_activations,
    read_baseline,
)
from tfxai.core.inputs.frozen_arrays import FrozenArray, FrozenArrays
from tfxai.core.inputs.layout import Layout
from tfxai.errors import InvalidInputError
from tfxai.methods.prepared import Prepared

Make = Callable[[tf.Tensor], tf.Tensor]
"""From an input to its baseline."""
_FEW = 1024  # numbers of an array that may lie in the graph


class Baselines:
    """The baselines of a method as a function of the inputs.

    Attributes:
        count: Number of baselines in a set that all examples share, 0 for one each.
        kind: What they are of, as `Plan.baseline` has it.
        variables: Arrays that are too large for a graph.

    Args:
        ready: The method, the model and its inputs.

    Raises:
        InvalidInputError: The baseline does not fit, or cannot be made in a graph.
    """

    def __init__(self, ready: Prepared) -> None:
        self.variables: list[tf.Variable] = []
        self.count = 0
        self.kind = "none"
        self._makes: dict[int, Make] = {}
        if not ready.has_baseline:
            return
        part = ready.part
        if is_of_activations(ready.baseline, ready.layout, 1, part) and part is not None:
            self.kind = "activations"
            (array,) = read_activations(ready.baseline, 1, part, ready.layout.working)
            value, shape = self._kept(_squeezed(array)), part.shape
            self._activations = lambda batch: tf.broadcast_to(value(), [batch, *shape])
        else:
            self.kind = "inputs"
            self._read(ready)

    def __call__(self, leaves: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The baseline of every input, or of a layer; nothing for a method that has none."""
        if self.kind == "activations":
            return [self._activations(tf.shape(leaves[0])[0])]
        if not self._makes:
            return []
        if self.count:  # shared: what is held has none of its own
            return [
                self._makes[i](leaf)
                if i in self._makes
                else tf.zeros([self.count, *leaf.shape[1:]], leaf.dtype)
                for i, leaf in enumerate(leaves)
            ]
        return [self._makes.get(i, tf.identity)(leaf) for i, leaf in enumerate(leaves)]

    def _read(self, ready: Prepared) -> None:
        layout, baseline = ready.layout, ready.baseline
        positions = layout.explained if ready.at is None else tuple(range(len(layout.names)))
        is_made = isinstance(baseline, Baseline)
        arrays = _arrays(ready, None if is_made else baseline)
        if isinstance(baseline, Samples):
            positions = layout.explained or layout.held
            self.count = len(arrays[positions[0]])
        limits = limits_of(ready.subject.preprocessing)
        for i in positions:
            if layout.dtypes[i] == "string":
                self._makes[i] = _filled(str(arrays[i].ravel()[0]))
            elif is_made and layout.part(i).blends:
                self._makes[i] = self._made(baseline, layout, i, limits)
            else:
                self._makes[i] = self._constant(arrays[i])

    def _made(
        self, baseline: Baseline, layout: Layout, i: int, limits: tuple[Array, Array] | None
    ) -> Make:
        """A record that makes the baseline from the input."""
        axes = layout.part(i).axes
        shape = moved_shape(layout.shapes[i], axes)
        make: Make
        if isinstance(baseline, Blur | Mean):
            baseline.make(np.zeros((1, *(n or 1 for n in shape))), None)  # says what it needs
            make = (
                functools.partial(baseline.mean, xp=GRAPH)
                if isinstance(baseline, Mean)
                else functools.partial(smoothed, sigma=baseline.sigma)
            )
        elif isinstance(baseline, Noise) and None not in shape:
            make = self._noise(baseline, cast(tuple[int, ...], shape), limits)
        else:
            raise InvalidInputError(
                f"baseline={baseline!r} is made from inputs of known shape, on the host. "
                "Pass another baseline, or an example= of the shape to be served."
            )

        def made(x: tf.Tensor) -> tf.Tensor:
            return _cast(channels_back(make(channels_last(x, axes)), axes), x)

        return made

    def _noise(
        self, baseline: Noise, shape: tuple[int, ...], limits: tuple[Array, Array] | None
    ) -> Make:
        draws = self._kept(baseline.draws(shape))

        def noise(x: tf.Tensor) -> tf.Tensor:
            made = baseline.mixed(tf.cast(x, tf.float64), limits, draws(), GRAPH)
            return tf.broadcast_to(made, tf.shape(x))

        return noise

    def _constant(self, array: Array) -> Make:
        """The same for all examples; a set of baselines is handed on as it is."""
        value, count = self._kept(array if self.count else _squeezed(array)), self.count
        if count:
            return lambda x: tf.ensure_shape(value(), [count, *x.shape[1:]])
        return lambda x: tf.broadcast_to(tf.cast(value(), x.dtype), tf.shape(x))

    def _kept(self, array: Array) -> Callable[[], tf.Tensor]:
        return kept(array, self.variables)


def kept(array: Array, variables: list[tf.Variable]) -> Callable[[], tf.Tensor]:
    """An array as a constant of the graph, or as a variable beside the weights."""
    if array.size <= _FEW:
        return lambda: tf.constant(array)
    variable = tf.Variable(array, trainable=False)
    variables.append(variable)
    return variable.read_value


def example_of(layout: Layout) -> list[Array]:
    """One example of zeros, for what does not depend on the inputs."""
    return [
        np.zeros((1, *(n or 1 for n in shape)), _numpy_type(dtype))
        for shape, dtype in zip(layout.shapes, layout.dtypes, strict=True)
    ]


def _filled(text: str) -> Make:
    """The same text everywhere: the empty one is filled up with padding by a layer of tokens."""
    return lambda texts: tf.fill(tf.shape(texts), text)


def _arrays(ready: Prepared, baseline: Any) -> list[Array]:
    """A baseline that does not depend on the inputs, (1, ...) or (R, ...) of each."""
    layout = ready.layout
    leaves = example_of(layout)
    parts = (
        [one for _, one in baseline.parts] if isinstance(baseline, FrozenArrays) else [baseline]
    )
    for part in parts:
        if not isinstance(part, FrozenArray):
            continue
        shapes = [layout.shapes[i] for i in layout.explained or layout.held]
        if any(part.array.ndim == len(shape) + 1 and len(part.array) > 1 for shape in shapes):
            raise InvalidInputError(
                f"The baseline has shape {part.array.shape}, one for each example, and a server "
                "does not know them beforehand. Pass one baseline for all."
            )
    preprocessing = ready.subject.preprocessing
    return read_baseline(baseline, layout, leaves, preprocessing, at_layer=ready.part)


def _numpy_type(dtype: str) -> Any:
    return "U1" if dtype == "string" else tf.as_dtype(dtype).as_numpy_dtype


def _squeezed(array: Array) -> Array:
    """The least array that broadcasts to this one."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis)
        array = first if array.shape[axis] and (array == first).all() else array
    return array


def _cast(values: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.ensure_shape(values, x.shape), x.dtype)
