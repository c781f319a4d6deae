"""Pictures as files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfxai.errors import InvalidInputError, OutputError


def save_grayscale(image: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
    """Writes a grey picture; the folder is made.

    Args:
        image: (H, W) or (H, W, 1) in [0, 255], rounded to integers.
        output_dir: The folder.
        output_name: Name of the file; its ending says the format, such as `"map.png"`.

    Raises:
        InvalidInputError: It is no such picture.
        OutputError: It cannot be written there.
    """
    pixels = np.asarray(image)
    pixels = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    if pixels.ndim != 2:
        raise InvalidInputError(
            f"A picture of shape {pixels.shape} came, and (H, W) or (H, W, 1) was expected. Use "
            "save_rgb for colours."
        )
    _write(pixels, output_dir, output_name)


def save_rgb(image: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
    """Writes a picture in colours; the folder is made.

    Args:
        image: (H, W, 3) red, green, blue in [0, 255], rounded to integers.
        output_dir: The folder.
        output_name: Name of the file; its ending says the format, such as `"map.png"`.

    Raises:
        InvalidInputError: It is no such picture.
        OutputError: It cannot be written there.
    """
    pixels = np.asarray(image)
    if pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise InvalidInputError(
            f"A picture of shape {pixels.shape} came, and (H, W, 3) was expected. Use "
            "save_grayscale for grey values."
        )
    _write(pixels, output_dir, output_name)


def _write(pixels: Any, output_dir: str | os.PathLike[str], output_name: str) -> None:
    path = Path(output_dir) / output_name
    picture = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except (OSError, ValueError) as error:  # ValueError: an ending that Pillow does not know
        raise OutputError(
            f"Cannot write {str(path)!r}: {error}. Choose another folder, or a name that ends in "
            "'.png'."
        ) from error
