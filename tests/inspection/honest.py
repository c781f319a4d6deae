"""Models that Keras itself saved: what a scan must let through, and what attacks start from."""

from __future__ import annotations

import warnings
from pathlib import Path

import keras
from keras import layers

from tests.builders import KERAS_SAVES


def save(model: keras.Model, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        model.save(path)
    return path


def victim() -> keras.Model:
    """A model with a nested one, a wrapper, a vocabulary's worth of layers and compile state."""
    x = image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="bn")(x)
    x = layers.Reshape((36, 4), name="rows")(x)
    x = layers.Bidirectional(layers.LSTM(2, name="lstm"), name="both")(x)
    inner = [layers.Dense(5, kernel_regularizer="l2", name="hidden")]
    x = keras.Sequential([keras.Input((4,)), *inner], name="inner")(x)
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="out")(x), name="victim")
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model.compile(keras.optimizers.Adam(schedule), "categorical_crossentropy", ["accuracy"])
    return model
