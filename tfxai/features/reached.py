"""What objectives, and layers, make of pictures as they are."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.model.cache import ModelCache
from tfxai.core.program import compiled
from tfxai.features.measured import Group, specs, values
from tfxai.features.pictures import PictureModel, alive

_ROWS = 64
_programs = ModelCache(32)


def objective_values(
    model: keras.Model,
    task: PictureModel,
    groups: tuple[Group, ...],
    weights: Sequence[Array],
    pixels: Array,
) -> Array:
    """(K,) float32 objectives of pictures.

    Args:
        model: The model.
        task: How it takes pictures.
        groups: What the objectives weigh.
        weights: Of each group, a row for each picture.
        pixels: (K, H, W, C) uint8.
    """
    reference = weakref.ref(model)

    def run(pixels: tf.Tensor, weights: list[tf.Tensor]) -> tf.Tensor:
        x = task.inputs(tf.cast(pixels, tf.float32) / 255)
        one = task.passed(alive(reference), x)
        return values(one, x, task.structure, groups, weights)

    program = _programs.get(
        model,
        ("values", task, groups),
        lambda: compiled(run, [_spec(task), specs(groups, weights)]),
    )
    found = [
        np.asarray(program(tf.constant(pixels[part]), [tf.constant(one[part]) for one in weights]))
        for part in _parts(task, len(pixels))
    ]
    return np.concatenate(found)


def layer_activations(
    model: keras.Model, task: PictureModel, layers: tuple[str, ...], pixels: Array
) -> list[Array]:
    """What each layer makes of pictures, (K, ...) float32 each, channels last.

    Args:
        model: The model.
        task: How it takes pictures.
        layers: Paths of the layers.
        pixels: (K, H, W, C) uint8.
    """
    reference = weakref.ref(model)

    def run(pixels: tf.Tensor) -> list[tf.Tensor]:
        x = task.inputs(tf.cast(pixels, tf.float32) / 255)
        one = task.passed(alive(reference), x)
        return [tf.cast(one.shown(path, one.activations(path)), tf.float32) for path in layers]

    program = _programs.get(model, ("layers", task, layers), lambda: compiled(run, [_spec(task)]))
    found: list[list[Any]] = [
        [np.asarray(one) for one in program(tf.constant(pixels[part]))]
        for part in _parts(task, len(pixels))
    ]
    return [np.concatenate(column) for column in zip(*found, strict=True)]


def _spec(task: PictureModel) -> tf.TensorSpec:
    return tf.TensorSpec((None, *task.shape), tf.uint8)


def _parts(task: PictureModel, count: int) -> list[slice]:
    """Slices of at most so many pictures as the memory budget allows."""
    size = min(max(config.memory_budget // task.structure.pass_bytes, 1), _ROWS)
    return [slice(i, i + size) for i in range(0, count, size)]
