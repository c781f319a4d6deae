"""Accuracy of a classifier."""

from __future__ import annotations

import keras
import numpy as np

from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError


def accuracy(
    model: keras.Model,
    preprocessing: Preprocessing | None,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int = 256,
) -> float:
    """Share of images whose highest output is that of their label.

    Args:
        model: A classifier with outputs (B, classes).
        preprocessing: Preprocessing of the pixels; None if the images are what the model takes.
        images: (N, H, W, C) pixels 0..255, or what the model takes.
        labels: (N,) whole numbers in [0, classes).
        batch_size: Images per forward pass; it does not change the result.

    Returns:
        A number in [0, 1].

    Raises:
        InvalidInputError: There is no image, there are more or fewer images than labels, or
            the model's outputs are not those of a classifier with that many classes.
    """
    labels = np.asarray(labels)
    if len(images) == 0 or len(images) != len(labels):
        raise InvalidInputError(
            f"{len(images)} images came with {len(labels)} labels. Pass one label per image, "
            "and at least one image."
        )
    right = 0
    for start in range(0, len(images), batch_size):
        batch = np.asarray(images[start : start + batch_size])
        inputs = batch if preprocessing is None else preprocessing.apply(batch)
        outputs = np.asarray(model.predict_on_batch(inputs))
        expected = labels[start : start + batch_size]
        if outputs.ndim != 2 or outputs.shape[1] <= expected.max():
            raise InvalidInputError(
                f"The model's outputs have shape {outputs.shape}, and there is a label "
                f"{expected.max()}. Pass a classifier with an output per class."
            )
        right += int((outputs.argmax(axis=1) == expected).sum())
    return right / len(images)
