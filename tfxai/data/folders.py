"""A custom data set: a folder with one folder of images per class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfxai.data.images import fit_image, is_image_file, list_images, read_image
from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiWarning, first_line


def load_images(
    folder: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    *,
    on_bad: Callable[[Path, InvalidInputError], None] | None = None,
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """The images in a folder that has one folder per class.

    `folder/cat/1.png` is an image of the class `"cat"`. Classes and images are sorted by
    name; hidden files and folders, and files that are not named like images, are left out.

    Args:
        folder: The folder that holds the folders of the classes.
        size: Height and width that the images are resized to, as by `fit_image`; one
            number for a square. None if all have the same size already.
        on_bad: Called with a file that cannot be used and the error that says why; the file is
            left out. None raises the error.

    Returns:
        Images, uint8 of shape (N, H, W, 3); labels, int64 of shape (N,); and the names of
        the classes, in the order of the labels.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It has no folder of a class, a class has no image, a file is
            not a readable image, the images differ in size and `size` is None, or every file
            was left out.
    """
    classes = class_folders(folder)
    images: list[np.ndarray] = []
    labels: list[int] = []
    for label, path in enumerate(classes):
        for file in list_images(path):
            try:
                image = _read(file, size, images[0].shape if images else None)
            except InvalidInputError as error:
                if on_bad is None:
                    raise
                on_bad(file, error)
                continue
            images.append(image)
            labels.append(label)
    if not images:
        raise InvalidInputError(
            f"No image in {str(folder)!r} can be used. Pass a folder with intact image files."
        )
    return np.stack(images), np.array(labels, np.int64), tuple(path.name for path in classes)


def labelled_files(folder: str | os.PathLike[str]) -> list[tuple[Path, str | None]]:
    """The image files of a folder and of the folders in it, which are those of classes.

    Returns:
        (file, None) for the images that lie directly in the folder, sorted by name; then (file,
        class) for those in the folders of the classes.

    Warns:
        TfxaiWarning: Something is left out: a file that is not named like an image, a link to
            nothing, a folder in a class folder, a class folder without an image. Hidden files and
            folders are left out without a word.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It is not a folder, or neither it nor the folders in it hold an image.
    """
    folder = Path(folder)
    left_out: dict[str, list[Path]] = {}
    images, classes = _listed(folder, left_out) if folder.is_dir() else ([], [])
    found: list[tuple[Path, str | None]] = [(file, None) for file in images]
    for path in classes:
        inside, folders = _listed(path, left_out)
        found += [(file, path.name) for file in inside]
        left_out.setdefault("deeper", []).extend(folders)
        if not inside:
            left_out.setdefault("empty", []).append(path)
    if not found and (deeper := left_out.get("deeper")):
        above = deeper[0].parent
        raise InvalidInputError(
            f"Neither the folder {str(folder)!r} nor the folders in it hold an image, and deeper "
            f"ones are not searched. Pass the folder of the class folders, such as {str(above)!r}."
        )
    if not found:
        list_images(folder)  # says what is wrong
    _warn_of(folder, left_out)
    return found


def _listed(folder: Path, left_out: dict[str, list[Path]]) -> tuple[list[Path], list[Path]]:
    """The images and the folders in a folder, sorted; adds what is neither to `left_out`."""
    images, folders = list[Path](), list[Path]()
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise InvalidInputError(
            f"The folder {str(folder)!r} cannot be read: {first_line(error)}. Pass another one."
        ) from error
    for path in paths:
        if is_image_file(path):
            images.append(path)
        elif path.is_dir():
            folders.append(path)
        else:
            what = "dangling" if path.is_symlink() and not path.exists() else "other"
            left_out.setdefault(what, []).append(path)
    return images, folders


def _warn_of(folder: Path, left_out: dict[str, list[Path]]) -> None:
    parts = []
    for what, (one, several) in _LEFT_OUT.items():
        if paths := left_out.get(what):
            example = repr(str(paths[0].relative_to(folder)))
            parts.append(
                f"{len(paths):,} {several}, such as {example}"
                if len(paths) > 1
                else f"1 {one}, {example}"
            )
    if parts:
        sentence = f"Left out of {str(folder)!r}: {'; '.join(parts)}."
        warnings.warn(sentence, TfxaiWarning, stacklevel=3)


_LEFT_OUT = {
    "other": ("file not named like an image", "files not named like images"),
    "dangling": ("link to nothing", "links to nothing"),
    "deeper": ("folder in a class folder", "folders in class folders"),
    "empty": ("folder with no image directly in it", "folders with no image directly in them"),
}


def class_folders(folder: str | os.PathLike[str]) -> list[Path]:
    """The folders of the classes in a folder, sorted by name; hidden ones do not count.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It is not a folder, or holds none.
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
    return classes


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
