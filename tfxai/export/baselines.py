"""Baselines inside a signature: made from the input in the graph, or kept beside the weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.core.baseline_kinds import Baseline, Blur, Mean, Noise, Samples
from tfxai.core.baselines import read_baseline
from tfxai.core.content import Content, Contents
from tfxai.core.inputs import Array, Layout
from tfxai.errors import InvalidInputError
from tfxai.methods.prepared import Prepared

Make = Callable[[tf.Tensor], tf.Tensor]
"""From an input to its baseline."""
_FEW = 1024  # numbers of an array that may lie in the graph


class Baselines:
    """The baselines of a method as a function of the inputs.

    Attributes:
        count: Number of baselines in a set that all examples share, 0 for one each.
        variables: Arrays that are too large for a graph.

    Args:
        ready: The method, the model and its inputs.

    Raises:
        InvalidInputError: The baseline does not fit, or cannot be made in a graph.
    """

    def __init__(self, ready: Prepared) -> None:
        self.variables: list[tf.Variable] = []
        self.count = 0
        self._layout = ready.layout
        self._makes: dict[int, Make] = {}
        if ready.has_baseline:
            self._read(ready)

    def __call__(self, leaves: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The baseline of every input; nothing for a method that has none."""
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
        positions = layout.explained or layout.held
        if all(layout.dtypes[i] == "string" for i in positions):
            self._read_text(baseline, positions)
        elif isinstance(baseline, Baseline):
            limits = _limits(ready)
            self._makes = {i: self._made(baseline, layout, i, limits) for i in positions}
        else:
            arrays = _arrays(ready)
            if isinstance(baseline, Samples):
                self.count = len(arrays[positions[0]])
            self._makes = {i: self._constant(arrays[i]) for i in positions}

    def _read_text(self, baseline: Any, positions: tuple[int, ...]) -> None:
        """Of text: the empty one, which a layer of tokens fills up with padding."""
        if baseline is not None:
            raise InvalidInputError(
                f"baseline={baseline!r} was given for a model that takes text, which is compared "
                "with the empty text. Leave the baseline out."
            )
        for i in positions:
            self._makes[i] = lambda text: tf.fill(tf.shape(text), "")

    def _made(
        self, baseline: Baseline, layout: Layout, i: int, limits: tuple[Array, Array] | None
    ) -> Make:
        """A record that makes the baseline from the input."""
        shape = layout.shapes[i]
        if isinstance(baseline, Blur | Mean):
            baseline.make(np.zeros((1, *(n or 1 for n in shape))), None)  # says what it needs
            return lambda x: (
                _cast(_blurred(x, baseline.sigma), x)
                if isinstance(baseline, Blur)
                else _cast(_means(x), x)
            )
        if not isinstance(baseline, Noise) or None in shape:
            raise InvalidInputError(
                f"baseline={baseline!r} is made from inputs of known shape, on the host. "
                "Pass another baseline, or an example= of the shape to be served."
            )
        draws = np.random.default_rng(baseline.seed)
        if baseline.noise is None:
            uniform = self._kept(draws.random((1, *shape)))
            return lambda x: _cast(_between(x, limits, uniform()), x)
        normal = self._kept(baseline.noise * draws.standard_normal((1, *shape)))
        return lambda x: _cast(_upon(x, limits, normal()), x)

    def _constant(self, array: Array) -> Make:
        """The same for all examples; a set of baselines is handed on as it is."""
        value, count = self._kept(array if self.count else _squeezed(array)), self.count
        if count:
            return lambda x: tf.ensure_shape(value(), [count, *x.shape[1:]])
        return lambda x: tf.broadcast_to(tf.cast(value(), x.dtype), tf.shape(x))

    def _kept(self, array: Array) -> Callable[[], tf.Tensor]:
        """An array as a constant of the graph, or as a variable beside the weights."""
        if array.size <= _FEW:
            return lambda: tf.constant(array)
        variable = tf.Variable(array, trainable=False)
        self.variables.append(variable)
        return variable.read_value


def _arrays(ready: Prepared) -> list[Array]:
    """A baseline that does not depend on the inputs, (1, ...) or (R, ...) of each."""
    layout, baseline = ready.layout, ready.baseline
    leaves = [
        np.zeros((1, *(n or 1 for n in shape)), tf.as_dtype(dtype).as_numpy_dtype)
        for shape, dtype in zip(layout.shapes, layout.dtypes, strict=True)
    ]
    parts = [content for _, content in baseline.parts] if isinstance(baseline, Contents) else []
    for part in [*parts, *([baseline] if isinstance(baseline, Content) else [])]:
        shapes = [layout.shapes[i] for i in layout.explained or layout.held]
        if any(part.array.ndim == len(shape) + 1 and len(part.array) > 1 for shape in shapes):
            raise InvalidInputError(
                f"The baseline has shape {part.array.shape}, one for each example, and a server "
                "does not know them beforehand. Pass one baseline for all."
            )
    return read_baseline(baseline, layout, leaves, ready.subject.preprocessing)


def _limits(ready: Prepared) -> tuple[Array, Array] | None:
    """What preprocessing makes of black and white."""
    if ready.subject.preprocessing is None:
        return None
    low, high = ready.subject.preprocessing.input_range
    return np.asarray(low, np.float64), np.asarray(high, np.float64)


def _squeezed(array: Array) -> Array:
    """The least array that broadcasts to this one."""
    for axis in range(array.ndim):
        first = np.take(array, [0], axis)
        array = first if array.shape[axis] and (array == first).all() else array
    return array


def _cast(values: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.ensure_shape(values, x.shape), x.dtype)


def _blurred(x: tf.Tensor, sigma: float | None) -> tf.Tensor:
    """As `Blur.make`: a Gaussian along each inner axis, the nearest element outside."""
    axes = range(1, x.shape.rank - 1)
    sizes = tf.shape(x)
    smooth = tf.cast(x, tf.float64)
    longest = tf.reduce_max(tf.stack([sizes[axis] for axis in axes]))
    width = tf.constant(sigma, tf.float64) if sigma else tf.cast(longest, tf.float64) / 10
    radius = tf.cast(4 * width + 0.5, tf.int32)
    offsets = tf.range(-radius, radius + 1)
    kernel = tf.exp(-0.5 * tf.square(tf.cast(offsets, tf.float64) / width))
    kernel /= tf.reduce_sum(kernel)
    for axis in axes:
        n = sizes[axis]
        places = tf.clip_by_value(tf.range(-radius, n + radius), 0, n - 1)
        order = [i for i in range(x.shape.rank) if i != axis]
        rows = tf.transpose(tf.gather(smooth, places, axis=axis), [*order, axis])
        flat = tf.reshape(rows, [-1, n + 2 * radius, 1])
        mixed = tf.nn.conv1d(flat, kernel[:, None, None], stride=1, padding="VALID")
        shape = tf.concat([tf.shape(rows)[:-1], [n]], axis=0)
        back = [order.index(i) if i != axis else len(order) for i in range(x.shape.rank)]
        smooth = tf.transpose(tf.reshape(mixed, shape), back)
    return smooth


def _means(x: tf.Tensor) -> tf.Tensor:
    axes = list(range(1, x.shape.rank - 1))
    means = tf.reduce_mean(tf.cast(x, tf.float64), axes, keepdims=True)
    return tf.broadcast_to(means, tf.shape(x))


def _ends(x: tf.Tensor, limits: tuple[Array, Array] | None) -> tuple[Any, Any]:
    """Least and greatest value, of the preprocessing or of each example."""
    if limits is not None:
        return limits
    axes = list(range(1, x.shape.rank))
    return tf.reduce_min(x, axes, keepdims=True), tf.reduce_max(x, axes, keepdims=True)


def _between(x: tf.Tensor, limits: tuple[Array, Array] | None, draws: tf.Tensor) -> tf.Tensor:
    """As `Noise.make` without the input: uniform numbers of the range."""
    low, high = _ends(tf.cast(x, tf.float64), limits)
    return tf.broadcast_to(low + (high - low) * draws, tf.shape(x))


def _upon(x: tf.Tensor, limits: tuple[Array, Array] | None, draws: tf.Tensor) -> tf.Tensor:
    """As `Noise.make` upon the input."""
    wide = tf.cast(x, tf.float64)
    low, high = _ends(wide, limits)
    return tf.clip_by_value(
        wide + (high - low) * draws, tf.minimum(low, wide), tf.maximum(high, wide)
    )
