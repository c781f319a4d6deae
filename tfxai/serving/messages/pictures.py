"""Images in requests, and heatmaps in answers."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from tfxai.arrays import Array
from tfxai.data.images import ImageTooLargeError, decode_image, fit_image
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, TfxaiError
from tfxai.serving.messages.problems import RequestError, bad

_FORMATS = ("JPEG", "MPO", "PNG")
_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as Pillow's own


def read_picture(data: bytes, most: int) -> Array:
    """The pixels of a JPEG or PNG file, (H, W, 3) uint8.

    Args:
        data: The file.
        most: Pixels; more are not decoded.

    Raises:
        RequestError: 413, it has more; 400, it is no such file or damaged.
    """
    try:
        return decode_image(data, _FORMATS, most)
    except ImageTooLargeError as error:
        raise RequestError(413, f"{error} (--max-pixels)") from error
    except InvalidInputError as error:
        raise bad(str(error)) from error


def to_input(pixels: Array, shape: tuple[int | None, ...], how: Preprocessing | None) -> Array:
    """What a model takes for a picture, (H, W, C) float32.

    Args:
        pixels: (h, w, 3) uint8.
        shape: (H, W, C) of the model's input; a free side keeps that of the picture.
        how: What the record says of the preprocessing.

    Raises:
        RequestError: 400, nothing is known of it, or the input is no picture.
    """
    if len(shape) != 3 or shape[2] not in (1, 3, None):
        sizes = ", ".join("any" if n is None else str(n) for n in shape)
        raise bad(
            f"An example of this model has the shape ({sizes}) and is no picture. Send its "
            "numbers in the place of a 'b64'."
        )
    if how is None:
        raise bad(
            "The export says nothing about how pixels become inputs. Send the numbers that the "
            "model takes in the place of a 'b64', or export it with --preprocessing."
        )
    fitted = fit_image(pixels, shape[0] or pixels.shape[0], shape[1] or pixels.shape[1])
    if shape[2] == 1:
        fitted = np.rint(fitted @ _GREY).astype(np.uint8)[..., None]
    try:
        return how.apply(fitted).astype(np.float32)
    except TfxaiError as error:
        raise bad(str(error)) from error


def preprocessing(record: dict[str, Any] | None) -> Preprocessing | None:
    """How pixels become inputs, where a record says it."""
    said = (record or {}).get("preprocessing")
    if not isinstance(said, dict):
        return None
    try:
        return Preprocessing.from_dict(said)
    except (TfxaiError, TypeError, KeyError):
        return None


def draw(heat: Array, *, is_signed: bool) -> bytes:
    """A PNG of a heatmap (h, w), as an export's own `heatmap_png_bytes`."""
    from tfxai.plotting.colours import colour_table

    table = colour_table(is_signed)
    place = 0.5 + 0.5 * heat if is_signed else heat
    index = np.floor(np.nan_to_num(place) * len(table)).astype(int).clip(0, len(table) - 1)
    stream = io.BytesIO()
    Image.fromarray(table[index]).save(stream, format="PNG")
    return stream.getvalue()
