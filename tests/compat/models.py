"""Small models, and their gradients worked out slowly in NumPy."""

from __future__ import annotations

import keras
import numpy as np

SHAPE = (4, 4, 1)
WEIGHTS = np.array([[1.0, -2.0], [0.5, 1.5], [-1.0, 0.25]])  # (classes, channels)
KERNEL = np.array([1.0, -1.0])  # of the 1x1 convolution


def linear(*, softmax: bool = False) -> keras.Model:
    """Logits sum_ij w_c x_ij of three classes over (2, 2, 1) images, w = 1, 2, -3 times 1..4."""
    weights = np.arange(1.0, 5.0)[:, None] * np.array([[1.0, 2.0, -3.0]])
    inputs = keras.Input((2, 2, 1))
    dense = keras.layers.Dense(
        3, use_bias=False, activation="softmax" if softmax else None, name="scores"
    )
    model = keras.Model(inputs, dense(keras.layers.Flatten()(inputs)))
    dense.set_weights([weights])
    return model


def slow_softmax(logits: np.ndarray) -> np.ndarray:
    """(N,) probabilities."""
    e = np.exp(logits - logits.max())
    return e / e.sum()


def slow_linear(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logits (3,) of `linear`, and their gradients (3, 2, 2, 1)."""
    factor = np.arange(1.0, 5.0).reshape(2, 2, 1)
    gradients = np.stack([c * factor for c in (1.0, 2.0, -3.0)])
    return np.array([(g * image).sum() for g in gradients]), gradients


def slow_probability_gradient(image: np.ndarray, index: int) -> tuple[float, np.ndarray]:
    """Probability of a class of `linear` under a softmax, and its gradient (2, 2, 1)."""
    logits, gradients = slow_linear(image)
    p = slow_softmax(logits)
    return p[index], p[index] * (gradients[index] - np.einsum("n,n...->...", p, gradients))


def convolutional(*, separate: bool = False) -> keras.Model:
    """(4, 4, 1) images -> ReLU of two 1x1 feature maps -> their means -> softmax of 3 classes.

    Args:
        separate: Whether the softmax is a layer of its own.
    """
    inputs = keras.Input(SHAPE)
    conv = keras.layers.Conv2D(2, 1, activation="relu", name="conv")
    head = keras.layers.Dense(
        3, use_bias=False, activation=None if separate else "softmax", name="scores"
    )
    scores = head(keras.layers.GlobalAveragePooling2D()(conv(inputs)))
    outputs = keras.layers.Softmax(name="softmax")(scores) if separate else scores
    model = keras.Model(inputs, outputs)
    conv.set_weights([KERNEL.reshape(1, 1, 1, 2), np.array([0.0, 0.5])])
    head.set_weights([WEIGHTS.T])
    return model


def slow_convolutional(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Feature maps (4, 4, 2) and probabilities (3,) of `convolutional`."""
    maps = np.maximum(image * KERNEL + np.array([0.0, 0.5]), 0)
    return maps, slow_softmax(WEIGHTS @ maps.mean(axis=(0, 1)))


def images(count: int = 3, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """(count, *shape) float32 numbers around 0."""
    return np.random.default_rng(1).normal(size=(count, *shape)).astype("float32")
