"""Reads image files of every kind and resizes them to a model's size."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError, first_line

# Only formats whose decoders are part of Pillow: some others start programs.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "TIFF", "WEBP", "PPM", "AVIF")
SUFFIXES = (
    *(".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"),
    *(".ppm", ".pgm", ".pbm", ".avif"),
)
MAX_PIXELS = 2**26
"""Most pixels of an image that is read, 8192 x 8192: even a small file can hold more."""
_SHOWN = {"WEBP": "WebP"}
_FILTERS = {"lanczos": Image.Resampling.LANCZOS, "bilinear": Image.Resampling.BILINEAR}


class ImageTooLargeError(InvalidInputError):
    """An image that has more pixels than are decoded."""

    def __init__(self, name: str, pixels: str, most: int) -> None:
        super().__init__(
            f"{name} has {pixels} pixels; at most {most:,} are read. Make it smaller first."
        )


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """The picture in a file, as red, green and blue.

    An animated or multi-page file gives its first frame. 16-bit pixels are scaled to 8 bits,
    CMYK, grey and palette colours are converted, transparency is blended onto white, and the
    camera's orientation (EXIF) is applied.

    Args:
        path: A PNG, JPEG, GIF, BMP, TIFF, WebP, PPM or AVIF file, whatever its name.

    Returns:
        uint8 of shape (H, W, 3), RGB.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It is a folder, not an image, truncated or damaged, has more than
            `MAX_PIXELS` pixels, or pixels for which white is not defined (floats).
    """
    path = Path(path)
    if not path.exists():
        raise DataNotFoundError(f"There is no file {str(path)!r}. Correct the path of the image.")
    if not path.is_file():
        raise InvalidInputError(
            f"{str(path)!r} is a folder or a device, not an image. Pass an image file."
        )
    return _decoded(path, repr(str(path)), FORMATS, MAX_PIXELS)


def decode_image(
    data: bytes,
    formats: Sequence[str] = FORMATS,
    max_pixels: int = MAX_PIXELS,
    name: str = "The image",
) -> np.ndarray:
    """The picture in the bytes of a file, as `read_image` has it.

    Args:
        data: The content of the file.
        formats: Formats that are read, of `FORMATS`.
        max_pixels: Most pixels of an image that is decoded.
        name: What an error calls it.

    Returns:
        uint8 of shape (H, W, 3), RGB.

    Raises:
        ImageTooLargeError: It has more pixels.
        InvalidInputError: It is not an image of these formats, or truncated or damaged.
    """
    return _decoded(io.BytesIO(data), name, formats, max_pixels)


def _decoded(file: Path | io.BytesIO, name: str, formats: Sequence[str], most: int) -> np.ndarray:
    try:
        with warnings.catch_warnings():  # the size is checked here, before any decoding
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=_available(formats)) as image:
                if image.width * image.height > most:
                    raise ImageTooLargeError(name, f"{image.width} x {image.height}", most)
                image.load()
                return _to_rgb(name, ImageOps.exif_transpose(image))
    except InvalidInputError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(name, "more than 2 * 89 million", most) from error
    except UnidentifiedImageError as error:
        *others, last = (_SHOWN.get(one, one) for one in formats if one != "MPO")
        known = f"{', '.join(others)} or {last}" if others else last
        raise InvalidInputError(
            f"{name} is not an image that can be read. Pass a {known} file."
        ) from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise InvalidInputError(
            f"{name} cannot be read: {first_line(error)}. Pass an intact image file."
        ) from error


def _available(formats: Sequence[str]) -> list[str]:
    Image.init()
    return [name for name in formats if name in Image.OPEN]


def _to_rgb(name: str, image: Image.Image) -> np.ndarray:
    if image.mode == "I" or image.mode.startswith("I;16"):  # grey of 16 bits
        grey = np.asarray(image).astype(np.int64)
        if grey.min() >= 0 and grey.max() <= 65535:
            # 65535 = 257 * 255, so white stays white
            return np.repeat(np.rint(grey / 257).astype(np.uint8)[..., None], 3, axis=-1)
    if image.mode in ("I", "F"):
        raise InvalidInputError(
            f"{name} has 32-bit pixels, for which white is not defined. Save it with 8 or 16 bits."
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


def fit_image(
    image: np.ndarray, height: int, width: int, interpolation: str = "lanczos"
) -> np.ndarray:
    """The middle of an image, as large as its shape allows, at another size.

    Args:
        image: uint8 of shape (H, W, 3).
        height: Height of the result in pixels, at least 1.
        width: Width of the result in pixels, at least 1.
        interpolation: `"lanczos"`, sharp, or `"bilinear"`, as networks mostly learned to see
            enlarged images.

    Returns:
        uint8 of shape (`height`, `width`, 3): the image cropped on both sides, or above
        and below, to the same aspect ratio, then resized with a filter that takes every
        pixel into account (no aliasing). An image of that size comes back as it is.

    Raises:
        InvalidInputError: The image has another shape or type, or a size is below 1.
        UnknownNameError: There is no interpolation of that name.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise InvalidInputError(
            f"An array of shape {image.shape} and type {image.dtype} is not an image. Pass uint8 "
            "of shape (height, width, 3)."
        )
    if height < 1 or width < 1:
        raise InvalidInputError(
            f"height={height}, width={width} is not the size of an image. "
            "Pass at least 1 for both."
        )
    if interpolation not in _FILTERS:
        raise UnknownNameError.of("interpolation", interpolation, _FILTERS)
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    scale = min(rows / height, columns / width)  # source pixels per pixel of the result
    top, left = (rows - scale * height) / 2, (columns - scale * width) / 2
    right, bottom = min(columns, left + scale * width), min(rows, top + scale * height)
    box = (left, top, right, bottom)
    picture = Image.fromarray(image)
    return np.array(picture.resize((width, height), _FILTERS[interpolation], box=box))


def grey_image(image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 1) of (H, W, 3), as Pillow weighs the colours."""
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def list_images(folder: str | os.PathLike[str]) -> list[Path]:
    """The image files that lie directly in a folder, sorted by name.

    A file counts by its suffix, in any case; hidden files do not count.

    Raises:
        DataNotFoundError: There is no such folder.
        InvalidInputError: It is not a folder, or holds no image.
    """
    folder = Path(folder)
    if not folder.exists():
        raise DataNotFoundError(f"There is no folder {str(folder)!r}. Correct the path.")
    if not folder.is_dir():
        raise InvalidInputError(f"{str(folder)!r} is not a folder. Pass one that holds images.")
    try:
        found = sorted(path for path in folder.iterdir() if is_image_file(path))
    except OSError as error:
        raise InvalidInputError(
            f"The folder {str(folder)!r} cannot be read: {first_line(error)}. Pass another one."
        ) from error
    if not found:
        raise InvalidInputError(
            f"The folder {str(folder)!r} holds no image. Pass one with files that end in .png, "
            ".jpg or the like."
        )
    return found


def is_image_file(path: Path) -> bool:
    """Whether there is a file there that is named as images are, and not hidden."""
    hidden = path.name.startswith(".")
    return path.suffix.lower() in SUFFIXES and path.is_file() and not hidden
