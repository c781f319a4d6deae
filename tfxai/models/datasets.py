"""The images that a training run learns from, holds out and is tested on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from tfxai.data.cifar10 import CLASSES, load_cifar10, lossy_images
from tfxai.errors import InvalidInputError
from tfxai.models.options import TrainingConfig

FOLDER_IMAGE_SIZE = 32
OnBad: TypeAlias = "Callable[[Path, InvalidInputError], None]"
"""Called with a file that is left out, and the error that says why."""


class Split(NamedTuple):
    """Images (N, H, W, 3) uint8 and labels (N,) int64."""

    images: np.ndarray
    labels: np.ndarray


class TrainingData(NamedTuple):
    """What a run learns from (`train`) and holds out (`validation`)."""

    train: Split
    validation: Split
    classes: tuple[str, ...]


def training_data(
    config: TrainingConfig,
    data_dir: str | os.PathLike[str] | None = None,
    on_bad: OnBad | None = None,
) -> TrainingData:
    """The training images, without those held out.

    Which ones are taken (`limit`) and held out (`validation`) depends on the seed alone.

    Args:
        config: What to train on.
        data_dir: Folder of tensorflow-datasets, as for `load_cifar10`.
        on_bad: As for `load_images`.

    Raises:
        InvalidInputError: Too few images, images of fewer than two classes, or a class of which
            every image was left out.
        DataNotFoundError: The data is not available.
    """
    if config.data == "cifar10":
        images, labels = load_cifar10("train", data_dir)
        classes = CLASSES
    else:
        from tfxai.data.folders import load_images

        size = config.image_size or FOLDER_IMAGE_SIZE
        images, labels, classes = load_images(config.data, size=size, on_bad=on_bad)
        empty = [classes[i] for i in range(len(classes)) if i not in labels]
        if empty:
            raise InvalidInputError(
                f"No image of the class {empty[0]!r} can be used. Add intact image files to "
                f"{str(Path(config.data) / empty[0])!r}, or remove the folder."
            )
    if len(classes) < 2:
        raise InvalidInputError(
            f"{config.data!r} has {len(classes)} class. Pass a folder with at least two folders "
            "of images, one per class."
        )
    order = np.random.default_rng(config.seed).permutation(len(images))[: config.limit]
    held_out = round(config.validation * len(order))
    if config.validation and not 0 < held_out < len(order):
        raise InvalidInputError(
            f"validation={config.validation} of {len(order)} images leaves {held_out} to "
            "validate on. Pass another fraction, or more images."
        )
    parts = (order[held_out:], order[:held_out])
    train, validation = (Split(images[chosen], labels[chosen]) for chosen in parts)
    return TrainingData(train, validation, tuple(classes))


def benchmark_data(
    config: TrainingConfig, data_dir: str | os.PathLike[str] | None = None
) -> Split | None:
    """The test images, all of them; None where the data has none (a folder)."""
    if config.data != "cifar10":
        return None
    return Split(*load_cifar10("test", data_dir))


def notes(
    config: TrainingConfig, data_dir: str | os.PathLike[str] | None = None
) -> tuple[str, ...]:
    """What a reader of the model's accuracy should know about the data."""
    lossy = lossy_images("test", data_dir) if config.data == "cifar10" else 0
    if not lossy:
        return ()
    return (
        f"In the copy of CIFAR-10 used, {lossy:,} of the 10,000 test images, and training images "
        "in proportion, are recompressed as JPEG; the original data set is lossless.",
    )
