"""CIFAR-10, in the order in which it was published."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfxai.errors import DataNotFoundError, InvalidInputError, first_line

CLASSES: tuple[str, ...] = (
    "Airplane",
    "Automobile",
    "Bird",
    "Cat",
    "Deer",
    "Dog",
    "Frog",
    "Horse",
    "Ship",
    "Truck",
)
"""The ten classes, in the order of their labels."""

SIZES = {"train": 50_000, "test": 10_000}


def load_cifar10(
    split: str, data_dir: str | os.PathLike[str] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The images of CIFAR-10 and their labels, in the data set's original order.

    Reads the copy that tensorflow-datasets has prepared, which needs no network, sorted
    by `id`, so that image 5113 of the test split is the frog that publications show.
    Where there is none, `keras.datasets.cifar10` downloads the original, which comes in
    the same order.

    Args:
        split: `"train"` (50,000 images) or `"test"` (10,000).
        data_dir: Folder of tensorflow-datasets, the one that holds `cifar10/`. By default
            the first of these that holds it: `$TFDS_DATA_DIR`,
            `$TFXAI_TEST_DATA/data/tensorflow_datasets`, `~/tensorflow_datasets`.

    Returns:
        Images, uint8 of shape (N, 32, 32, 3), RGB, and labels, int64 of shape (N,).

    Raises:
        InvalidInputError: There is no such split.
        DataNotFoundError: Neither copy is available.
    """
    if split not in SIZES:
        raise InvalidInputError(
            f"split={split!r} is not a split of CIFAR-10. Pass 'train' or 'test'."
        )
    failures = []
    folder = find_data_dir(data_dir)
    if folder is None:
        failures.append(f"tensorflow-datasets found no cifar10 in {_searched(data_dir)}")
    else:
        try:
            return _from_tensorflow_datasets(split, folder)
        except ImportError:
            failures.append("tensorflow-datasets is not installed (pip install 'tfxai[data]')")
        except Exception as error:  # any defect of that copy: the other one may be sound
            failures.append(
                f"tensorflow-datasets could not read {folder}: {first_line(error, 200)}"
            )
    if data_dir is None:
        try:
            return _from_keras(split)
        except Exception as error:  # no network, a proxy's page, a broken archive, a full disk
            failures.append(f"keras.datasets.cifar10 could not fetch it: {first_line(error, 200)}")
    raise DataNotFoundError(
        f"CIFAR-10 is not available: {'; '.join(failures)}. Set TFDS_DATA_DIR to a folder in "
        "which tensorflow-datasets has prepared cifar10, or let keras.datasets.cifar10 download "
        "it once with a network."
    )


def lossy_images(split: str, data_dir: str | os.PathLike[str] | None = None) -> int:
    """How many images of the copy that tensorflow-datasets prepared are JPEG, not lossless.

    The original is lossless, and so are most copies; accuracy on a recompressed one differs
    slightly. 0 where there is no such copy.

    Args:
        split: `"train"` or `"test"`.
        data_dir: Folder of tensorflow-datasets, as for `load_cifar10`.
    """
    folder = find_data_dir(data_dir)
    if folder is None:
        return 0
    import tensorflow_datasets

    undecoded = {"image": tensorflow_datasets.decode.SkipDecoding()}
    examples = _examples(split, folder, decoders=undecoded)
    return sum(example["image"].startswith(b"\xff\xd8") for example in examples)


def find_data_dir(data_dir: str | os.PathLike[str] | None = None) -> Path | None:
    """The first folder of tensorflow-datasets that holds CIFAR-10, or None."""
    for folder in _candidates(data_dir):
        if any((folder / "cifar10").glob("*/dataset_info.json")):
            return folder
    return None


def _candidates(data_dir: str | os.PathLike[str] | None) -> list[Path]:
    if data_dir is not None:
        return [Path(data_dir)]
    folders = []
    if os.environ.get("TFDS_DATA_DIR"):
        folders.append(Path(os.environ["TFDS_DATA_DIR"]))
    if os.environ.get("TFXAI_TEST_DATA"):
        folders.append(Path(os.environ["TFXAI_TEST_DATA"]) / "data" / "tensorflow_datasets")
    return [*folders, Path("~/tensorflow_datasets").expanduser()]


def _searched(data_dir: str | os.PathLike[str] | None) -> str:
    return " or ".join(map(str, _candidates(data_dir)))


def _from_tensorflow_datasets(split: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    size = SIZES[split]
    images = np.empty((size, 32, 32, 3), np.uint8)
    labels = np.full(size, -1, np.int64)
    for example in _examples(split, folder):
        position = int(example["id"].decode().rpartition("_")[2])  # b"test_05113"
        images[position] = example["image"]
        labels[position] = example["label"]
    if (labels < 0).any():
        raise ValueError(f"{int((labels < 0).sum())} of its {size} {split} images are missing")
    return images, labels


def _examples(split: str, folder: Path, **options: Any) -> Iterator[dict[str, Any]]:
    """The examples of a prepared copy, in the order of its files."""
    import tensorflow_datasets

    data = tensorflow_datasets.load(
        "cifar10", split=split, data_dir=str(folder), download=False, **options
    )
    return iter(tensorflow_datasets.as_numpy(data))


def _from_keras(split: str) -> tuple[np.ndarray, np.ndarray]:
    import keras

    with contextlib.redirect_stdout(sys.stderr):  # Keras reports its download there
        train, test = keras.datasets.cifar10.load_data()
    images, labels = train if split == "train" else test
    return np.asarray(images, np.uint8), np.asarray(labels, np.int64).reshape(-1)
