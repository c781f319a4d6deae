"""A custom data set: a folder with one folder of images per class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from tfxai.data.images import fit_image, list_images, read_image
from tfxai.errors import DataNotFoundError, InvalidInputError


def load_images(
    folder: str | os.PathLike[str], size: int | tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The images in a folder that has one folder per class.

    `folder/cat/1.png` is an image of the class `"cat"`. Classes and images are sorted by
    name; hidden files and folders, and files that are not named like images, are left out.

    Args:
        folder: The folder that holds the folders of the classes.
        size: Height and width that the images are resized to, as by `fit_image`; one
            number for a square. None if all have the same size already.

    Returns:
        Images, uint8 of shape (N, H, W, 3); labels, int64 of shape (N,); and the names of
        the classes, in the order of the labels.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It has no folder of a class, a class has no image, a file is
            not a readable image, or the images differ in size and `size` is None.
    """
    folder = Path(folder)
    if not folder.exists():
        raise DataNotFoundError(f"There is no folder {str(folder)!r}. Correct the path.")
    if not folder.is_dir():
        raise InvalidInputError(
            f"{str(folder)!r} is not a folder. Pass one that holds a folder of images per class."
        )
    classes = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    if not classes:
        raise InvalidInputError(
            f"{str(folder)!r} holds no folders. Put the images of each class into a folder of "
            "its own there."
        )
    images: list[np.ndarray] = []
    labels: list[int] = []
    for label, path in enumerate(classes):
        for file in list_images(path):
            images.append(_read(file, size, images[0].shape if images else None))
            labels.append(label)
    return np.stack(images), np.array(labels, np.int64), tuple(path.name for path in classes)


def _read(
    file: Path, size: int | tuple[int, int] | None, expected: tuple[int, ...] | None
) -> np.ndarray:
    image = read_image(file)
    if size is not None:
        height, width = (size, size) if isinstance(size, int) else size
        return fit_image(image, height, width)
    if expected is not None and image.shape != expected:
        raise InvalidInputError(
            f"{str(file)!r} is {image.shape[0]}x{image.shape[1]} pixels (height x width); the "
            f"images before it are {expected[0]}x{expected[1]}. Pass size=(height, width)."
        )
    return image
