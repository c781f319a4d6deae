"""The layer whose concepts are discovered, unless the user names one."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from tfxai.arrangement import moved_shape, positions
from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.concepts.layer_values import LayerActivations
from tfxai.concepts.measuring import Measuring
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.map_layers import makes_maps
from tfxai.core.model.structure import LayerCall, model_structure
from tfxai.core.question.scores import Neuron
from tfxai.errors import LayerNotFoundError


def default_layer(measuring: Measuring, images: Array, channels: int) -> str:
    """The last layer with feature maps that are never negative in some images.

    Args:
        measuring: The model.
        images: Some images.
        channels: How many feature maps it has at least.

    Raises:
        LayerNotFoundError: There is none.
        InvalidInputError: The images do not fit the model.
    """
    layout, _ = read_inputs(measuring.subject.model, measuring.subject.prepare(images))
    body = model_structure(measuring.subject.model, layout.plain)
    body.require_layers()
    first = next((i for i, call in enumerate(body.calls) if makes_maps(call.kind)), 0)
    paths = [call.path for call in body.calls]
    for call in reversed(body.calls[first:]):
        if paths.count(call.path) == 1 and _has_maps(call, channels):
            lowest = np.asarray(activations_at(measuring, call.path, images).values).min()
            if lowest >= 0:
                return call.path
    raise LayerNotFoundError(
        f"The model has no layer with {channels} feature maps or more that are never negative, "
        "such as those behind a ReLU. Name a layer with layer=, or ask for fewer concepts."
    )


def activations_at(measuring: Measuring, layer: str, images: Array) -> Attribution:
    """The output of a layer for some images, as it is.

    Raises:
        TfxaiError: The layer is not there, or the images do not fit the model.
    """
    return LayerActivations(layer=layer)(
        measuring.subject,
        images,
        score=Neuron(layer, 0),
        chunk_size=measuring.chunk_size,
        progress=False,
    )


def _has_maps(call: LayerCall, channels: int) -> bool:
    """Whether a call returns that many feature maps of several positions."""
    if call.shape is None or not call.is_used or not call.rests_on or call.is_model:
        return False
    if call.is_in_attention or not tf.as_dtype(call.dtype).is_floating:
        return False
    if positions(call.axes) != 2 or "C" not in call.axes:
        return False
    *sides, count = moved_shape(call.shape, call.axes)
    return (count or 0) >= channels and math.prod(n or 2 for n in sides) > 1
