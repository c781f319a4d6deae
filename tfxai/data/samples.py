"""Photographs from scikit-image, for demonstrations without a data set."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from tfxai.data.images import read_image
from tfxai.errors import DataNotFoundError, UnknownNameError

_FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "hubble_deep_field": "hubble_deep_field.jpg",
    "motorcycle_left": "motorcycle_left.png",
    "motorcycle_right": "motorcycle_right.png",
    "rocket": "rocket.jpg",
}
SAMPLES = tuple(_FILES)
"""Names of the photographs in scikit-image's wheel."""


def sample_image(name: str) -> np.ndarray:
    """A photograph from scikit-image's own files; nothing is downloaded.

    Args:
        name: One of `SAMPLES`, such as `"chelsea"`, a cat.

    Returns:
        uint8 of shape (H, W, 3), RGB, at its full size.

    Raises:
        UnknownNameError: There is no such photograph.
        DataNotFoundError: scikit-image is not installed, or came without the file.

    Example:
        >>> sample_image("chelsea").shape
        (300, 451, 3)
    """
    if name not in _FILES:
        raise UnknownNameError.of("sample image", name, SAMPLES)
    spec = importlib.util.find_spec("skimage")
    folders = spec.submodule_search_locations if spec else None
    path = Path(next(iter(folders or ["scikit-image"]))) / "data" / _FILES[name]
    if not path.is_file():
        raise DataNotFoundError(
            f"The sample image {name!r} is not in this installation: there is no {path}. "
            "Install scikit-image from its wheel: pip install --force-reinstall scikit-image."
        )
    return read_image(path)
