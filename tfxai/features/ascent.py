"""The compiled step: pictures of several objectives climb at once."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.forward import ForwardPass
from tfxai.core.model.cache import ModelCache
from tfxai.core.program import compiled
from tfxai.core.sampling.random_numbers import uniform
from tfxai.errors import UnsupportedModelError
from tfxai.features.measured import Group, specs, values
from tfxai.features.parameterisations import Parameterisation
from tfxai.features.pictures import PictureModel, alive
from tfxai.features.regularisers import Regulariser
from tfxai.features.transformations import DRAWS, Transformations

_FIRST, _SECOND, _TINY = 0.9, 0.999, 1e-8  # Adam (Kingma and Ba, 2015), its usual constants
_LEAK, _LEAKS = 0.1, 16  # share and steps in which a ReLU that is shut lets a gradient through
COPIES = 1024
"""Most pictures of one objective."""


@dataclasses.dataclass(frozen=True)
class Near:
    """Pictures are held near the images that they start from, as a layer sees both.

    Args:
        layer: Path of the layer.
        weight: Weight of the squared distance in units of the image's own squared length.
    """

    layer: str
    weight: float

    def distance(self, one: ForwardPass, other: ForwardPass) -> tf.Tensor:
        """(K,) of the pictures of one pass from the images of the other."""
        seen, image = (
            tf.cast(each.shown(self.layer, each.activations(self.layer)), tf.float32)
            for each in (one, other)
        )
        axes = list(range(1, seen.shape.rank))
        length = tf.reduce_sum(tf.square(image), axis=axes)
        return tf.reduce_sum(tf.square(seen - image), axis=axes) / tf.maximum(length, _TINY)


@dataclasses.dataclass(frozen=True)
class Climb:
    """All that a trace of the step depends on besides the model.

    Args:
        task: The model of pictures.
        parameterisation: How pictures are written.
        transformations: How each step changes them, or None.
        regularisers: What the objectives are lowered by.
        groups: What the objectives weigh.
        copies: Pictures of each objective, which lie one after the other.
        diversity: Weight of how alike they are.
        learning_rate: Length of a step.
        jit: Whether XLA compiles it.
        near: How pictures are held near images, or None.
    """

    task: PictureModel
    parameterisation: Parameterisation
    transformations: Transformations | None
    regularisers: tuple[Regulariser, ...]
    groups: tuple[Group, ...]
    copies: int
    diversity: float
    learning_rate: float
    jit: bool
    near: Near | None = None

    def picture(self, numbers: tf.Tensor) -> tf.Tensor:
        """Pictures (K, H, W, C) in [0, 1], while a graph is traced."""
        return self.parameterisation.picture(numbers, self.task.shape)

    def seen(self, pictures: tf.Tensor, step: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """The pictures as a step sees them; the i-th of each objective is changed alike."""
        if self.transformations is None:
            return pictures
        rows = tf.shape(pictures)[0]
        number = tf.range(rows) % self.copies
        draws = uniform(seed, step * COPIES + number, rows, (DRAWS,), tf.float32)
        return self.transformations.changed(pictures, draws)


_programs = ModelCache(32)


def start(climb: Climb, objectives: int, seed: int) -> Array:
    """Numbers of all pictures, (objectives * copies, ...), objectives outermost."""
    ways = [climb.parameterisation.start(climb.task.shape, (seed, i)) for i in range(climb.copies)]
    return np.concatenate([np.stack(ways)] * objectives)


def climbed(
    model: keras.Model,
    climb: Climb,
    numbers: Array,
    weights: Sequence[Array],
    steps: int,
    seed: int,
    images: Array | None = None,
) -> Iterator[tuple[tf.Tensor, Array]]:
    """After each step the numbers (K, ...) and the objectives (K,) that the step started from.

    Args:
        model: The model.
        climb: What is done.
        numbers: Where the pictures start.
        weights: Of each group, a row for each picture.
        steps: How many.
        seed: Seed of the transformations.
        images: (K, H, W, C) in [0, 1] that pictures are held near, where `climb.near` says so.
    """
    step = _programs.get(model, climb, lambda: _step(model, climb, numbers, weights))
    state = [tf.constant(numbers), tf.zeros(numbers.shape), tf.zeros(numbers.shape)]
    given = [tf.constant(one) for one in weights]
    near = [] if images is None else [tf.constant(images, tf.float32)]
    for number in range(steps):
        *state, reached = step(
            state, tf.constant(number), tf.constant(seed % 2**32, tf.uint32), given, near
        )
        yield state[0], reached.numpy()


def drawn(model: keras.Model, climb: Climb, numbers: tf.Tensor) -> Array:
    """The pictures (K, H, W, C) float32 in [0, 1] of numbers."""
    spec = tf.TensorSpec((None, *numbers.shape[1:]), tf.float32)
    key = ("picture", climb)
    run = _programs.get(model, key, lambda: compiled(climb.picture, [spec], jit=climb.jit))
    return np.asarray(run(numbers))


def rows_at_once(task: PictureModel, copies: int) -> int:
    """Objectives whose pictures climb together within the memory budget, at least one."""
    return max(config.memory_budget // (task.structure.pass_bytes * copies), 1)


def _step(
    model: keras.Model, climb: Climb, numbers: Array, weights: Sequence[Array]
) -> Callable[..., Any]:
    reference = weakref.ref(model)

    def run(
        state: list[tf.Tensor],
        step: tf.Tensor,
        seed: tf.Tensor,
        weights: list[tf.Tensor],
        images: list[tf.Tensor],
    ) -> list[tf.Tensor]:
        own, first, second = state
        pictures = climb.picture(own)
        x = climb.task.inputs(climb.seen(pictures, step, seed))
        one = climb.task.passed(alive(reference), x)
        reached = values(one, x, climb.task.structure, climb.groups, weights)
        leak = tf.where(step < _LEAKS, _LEAK, 0.0)
        height = values(one, x, climb.task.structure, climb.groups, weights, leak)
        height -= _penalties(climb, pictures)
        if climb.diversity:
            height -= climb.diversity * _likeness(climb, one)
        if climb.near is not None:
            original = climb.task.inputs(climb.seen(images[0], step, seed))
            other = climb.task.passed(alive(reference), original)
            height -= climb.near.weight * climb.near.distance(one, other)
        gradient = tf.gradients(height, own)[0]
        if gradient is None:
            raise UnsupportedModelError(
                "The objective does not depend on the picture in a differentiable way. Choose "
                "another layer."
            )
        first = _FIRST * first + (1 - _FIRST) * gradient
        second = _SECOND * second + (1 - _SECOND) * tf.square(gradient)
        count = tf.cast(step, tf.float32) + 1
        mean, size = first / (1 - _FIRST**count), second / (1 - _SECOND**count)
        own += climb.learning_rate * mean / (tf.sqrt(size) + _TINY)
        return [own, first, second, reached]

    state = [
        tf.TensorSpec((None, *numbers.shape[1:]), tf.float32, name=f"state_{i}") for i in range(3)
    ]
    number, seed = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.uint32)
    near = [] if climb.near is None else [tf.TensorSpec((None, *climb.task.shape), tf.float32)]
    given = [state, number, seed, specs(climb.groups, weights), near]
    return compiled(run, given, jit=climb.jit)


def _penalties(climb: Climb, pictures: tf.Tensor) -> tf.Tensor:
    """(K,) what the regularisers lower the objectives by."""
    total = tf.zeros(tf.shape(pictures)[:1])
    for one in climb.regularisers:
        total += one.penalty(pictures)
    return total


def _likeness(climb: Climb, one: Any) -> tf.Tensor:
    """(K,) mean cosine of a picture's Gram matrix and those of its objective's other pictures."""
    total: Any = 0.0
    layers = list(dict.fromkeys(group.layer for group in climb.groups if group.layer))
    for layer in layers:
        maps = tf.cast(one.shown(layer, one.activations(layer)), tf.float32)
        channels = maps.shape[-1]
        flat = tf.reshape(maps, (tf.shape(maps)[0], -1, channels))
        gram = tf.matmul(flat, flat, transpose_a=True)
        gram = tf.math.l2_normalize(tf.reshape(gram, (-1, climb.copies, channels**2)), axis=-1)
        cosines = tf.matmul(gram, gram, transpose_b=True)
        others = tf.reduce_sum(cosines, axis=-1) - tf.linalg.diag_part(cosines)
        total += tf.reshape(others, (-1,)) / (climb.copies - 1) / len(layers)
    return total
