"""What a model's first layers say about the pixels that it takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from tfxai.core.model.map_layers import makes_maps
from tfxai.data.preprocessing import Preprocessing

_LARGEST = 8.0  # what pixels become at most, where a layer brings them to the order of 1


def expected_pixels(model: keras.Model) -> Preprocessing:
    """How pixels 0..255 become the input of a model of which nothing else is known.

    As they are, where a `Rescaling` or `Normalization` among its first layers brings 0..255 to
    the order of 1; else divided by 255.
    """
    for layer in _first(model):
        ends = _ends(layer)
        if ends is not None:
            return Preprocessing("none" if np.abs(ends).max() <= _LARGEST else "unit")
    return Preprocessing("unit")


def _first(model: Any) -> Iterator[Any]:
    """The layers before the first that makes something else of its input, nested ones too."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _first(layer)
            return
        yield layer
        if makes_maps(type(layer).__name__):
            return


def _ends(layer: Any) -> Any:
    """What a layer makes of the pixels 0 and 255, None where it does not scale."""
    pixels = np.array([[0.0], [255.0]])
    if isinstance(layer, keras.layers.Rescaling):
        return pixels * np.ravel(layer.scale) + np.ravel(layer.offset)
    if isinstance(layer, keras.layers.Normalization) and layer.built and not layer.invert:
        mean, variance = (np.ravel(np.asarray(one)) for one in (layer.mean, layer.variance))
        return (pixels - mean) / np.sqrt(np.maximum(variance, 1e-12))
    return None
