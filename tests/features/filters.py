"""Models of one linear convolution whose best picture is known by hand."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from tfxai.card import Card
from tfxai.subject import Subject


def kernels(count: int = 3, side: int = 3, channels: int = 3, seed: int = 5) -> np.ndarray:
    """(side, side, channels, count), standard normal."""
    return np.random.default_rng(seed).normal(size=(side, side, channels, count))


def filters(
    weights: np.ndarray | None = None,
    shape: tuple[int | None, int | None, int] = (8, 8, 3),
    activation: str | None = None,
    bias: float = 0.0,
    preprocessing: str = "unit",
) -> Subject:
    """A convolution `conv`, then its mean over all positions, `mean`, and a softmax, `head`."""
    weights = kernels(channels=shape[-1]) if weights is None else weights
    count = weights.shape[-1]
    x = image = keras.Input(shape)
    conv = layers.Conv2D(count, weights.shape[0], activation=activation, name="conv")
    x = layers.GlobalAveragePooling2D(name="mean")(conv(x))
    model = keras.Model(image, layers.Dense(count, activation="softmax", name="head")(x))
    conv.set_weights([weights, np.full(count, bias)])
    model.get_layer("head").set_weights([10 * np.eye(count), np.zeros(count)])
    card = Card(
        name="filters",
        classes=tuple("abcdefgh"[:count]),
        preprocessing=preprocessing,
    )
    return Subject(model, card)


def slopes(weights: np.ndarray, height: int = 8, width: int = 8) -> np.ndarray:
    """(height, width, channels) derivative of the filter's mean over an image."""
    side = weights.shape[0]
    total = np.zeros((height, width, weights.shape[2]))
    rows, columns = height - side + 1, width - side + 1
    for i in range(side):
        for j in range(side):
            total[i : i + rows, j : j + columns] += weights[i, j]
    return total / (rows * columns)
