"""Small networks that decide by a coloured patch, and images with and without one."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

SIZE = 12
RED = np.array([1.0, 0.1, 0.1])


def surfaces(count: int, seed: int, patch: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Noise on plain colours, (N, 12, 12, 3) in [0, 1], and whether each has a red patch.

    Args:
        count: Number of images.
        seed: Seed of what is drawn.
        patch: Share of images that have one.
    """
    random = np.random.default_rng(seed)
    images = random.uniform(0.2, 0.8, (count, 1, 1, 3)) + random.normal(
        0, 0.1, (count, SIZE, SIZE, 3)
    )
    has = np.arange(count) < round(patch * count)
    for image in images[: has.sum()]:  # views, which a mask would not give
        top, left = random.integers(0, SIZE - 4, 2)
        image[top : top + 4, left : left + 4] = RED + random.normal(0, 0.05, (4, 4, 3))
    return np.clip(images, 0, 1).astype(np.float32), has.astype(np.int64)


def network(seed: int) -> keras.Model:
    """Two convolutions and a head that is not linear, untrained."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv1"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2"),
            layers.GlobalMaxPooling2D(name="pool"),
            layers.Dense(16, activation="relu", name="hidden"),
            layers.Dense(1, activation="sigmoid", name="head"),
        ]
    )


def trained(seed: int) -> keras.Model:
    """A network that tells images with a red patch (class 1) from those without."""
    model = network(seed)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    images, labels = surfaces(600, seed)
    model.fit(images, labels, batch_size=64, epochs=12, verbose=0)
    return model
