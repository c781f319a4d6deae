"""What the architectures share."""

from __future__ import annotations

import keras

from tfxai.data.preprocessing import CIFAR10_MEAN, CIFAR10_STD
from tfxai.errors import InvalidInputError


def check_architecture(input_shape: tuple[int, ...], classes: int, smallest: int) -> None:
    """Raise `InvalidInputError` unless an image classifier can be built from these."""
    shape = tuple(input_shape)
    whole = len(shape) == 3 and all(isinstance(size, int) and size >= 1 for size in shape)
    if not whole or min(shape[:2]) < smallest:
        raise InvalidInputError(
            f"input_shape={shape} is not the shape of an image that this network can take. "
            f"Pass (height, width, channels) with height and width of at least {smallest}."
        )
    if not isinstance(classes, int) or classes < 2:
        raise InvalidInputError(f"classes={classes!r} is too few to choose from. Pass at least 2.")


def normalisation(channels: int, name: str) -> keras.layers.Layer:
    """The layer that turns images in [0, 1] into numbers about 0 with a spread of about 1."""
    mean = CIFAR10_MEAN if channels == 3 else (0.5,) * channels
    std = CIFAR10_STD if channels == 3 else (0.25,) * channels
    return keras.layers.Normalization(
        mean=list(mean), variance=[value**2 for value in std], name=name
    )
