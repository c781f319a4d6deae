"""Images and heatmaps as text that stands in a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.plotting.colours import colour_map, heat_layer
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.images import is_diverging
from tfxai.plotting.pictures import heat_of

LONGEST = 320
"""Pixels of the longer side of a picture; a larger one is brought to it."""
_QUALITY = 85
_LEVELS = 16  # of heat, for each sign: finer steps are not seen, and weigh
_PLACES = (("upper", "middle", "lower"), ("left", "centre", "right"))


def photograph(pixels: Array) -> str:
    """An image, (H, W, 3) in [0, 1], as a `data:` address; lossless where it is small."""
    picture = Image.fromarray(_bytes(pixels))
    height, width = _fitted(pixels.shape[:2])
    if (width, height) != picture.size:
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return _data_uri(picture, is_lossless=max(picture.size) <= LONGEST // 4)


def heat_and_layer(one: Attribution, size: tuple[int, ...]) -> tuple[Array, str]:
    """The heat of the only example, and a layer of it to lie over its image.

    Args:
        one: The attribution.
        size: Height and width of the image.

    Returns:
        (h, w) as `heatmap` has it, and a `data:` address of colours with opacity.
    """
    heat = heat_of(one, _fitted(size), Drawing())
    signed = is_diverging(one)
    coarse = np.round(heat * _LEVELS) / _LEVELS
    layer = heat_layer(coarse, colour_map(None, signed), signed)
    return heat, _data_uri(Image.fromarray(_bytes(layer)), is_lossless=True)


def _bytes(pixels: Array) -> Array:
    return np.round(255 * np.clip(pixels, 0, 1)).astype(np.uint8)


def _fitted(size: tuple[int, ...]) -> tuple[int, int]:
    """Height and width, the longer one at most `LONGEST`."""
    share = min(1.0, LONGEST / max(size))
    height, width = (max(1, round(side * share)) for side in size)
    return height, width


def _data_uri(picture: Image.Image, *, is_lossless: bool) -> str:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, lossless=is_lossless)
    return f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}"


def described(heat: Array) -> str:
    """Where the heat lies, for those who do not see it."""
    strength = np.abs(np.nan_to_num(heat))
    total = float(strength.sum())
    if not total:
        return "no heat anywhere"
    largest = np.sort(strength, axis=None)[::-1][: max(1, strength.size // 10)]
    row, column = (
        int(np.average((np.arange(side) + 0.5) / side, weights=strength.sum(axis=1 - axis)) * 3)
        for axis, side in enumerate(strength.shape)
    )
    place = " ".join(dict.fromkeys((_PLACES[0][min(row, 2)], _PLACES[1][min(column, 2)])))
    return (
        f"{float(largest.sum()) / total:.0%} of the heat lies in a tenth of the image, its centre "
        f"{place}"
    )
