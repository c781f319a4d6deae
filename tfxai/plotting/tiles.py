"""Single pictures of a grid with the words under them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tfxai.arrays import Array
from tfxai.plotting import labels
from tfxai.plotting.images import is_diverging
from tfxai.plotting.panels import drawn, of_an_image

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.plotting.drawing import Drawing

PIXELATED = 128
"""Images up to that side are enlarged with square pixels."""
_KEPT = 256  # pixels of a side, more than a picture of a usual grid has


@dataclasses.dataclass(frozen=True)
class Tile:
    """What a grid shows of one example.

    Args:
        picture: uint8 (h, w, 3) what lies over the image.
        ratio: Width of the image by its height.
        signed: Whether the values are.
        method: The method's title.
        name: What the example is called; empty for no line.
        explains: The explained class.
        sure: Its probability, or nothing.
        truth: The true class, or nothing.
        is_wrong: Whether the prediction is known to be another one than the true class.
    """

    picture: Array
    ratio: float
    signed: bool
    method: str
    name: str
    explains: str
    sure: str
    truth: str
    is_wrong: bool


def tile_of(
    one: Attribution, drawing: Drawing, *, name: str = "", truth: str = "", is_kept: bool = False
) -> Tile:
    """The picture of one example and the words under it.

    Args:
        one: The example.
        drawing: The options.
        name: What it is called.
        truth: Its true class.
        is_kept: Whether the picture waits for others: it is then no larger than 256 pixels.

    Raises:
        InvalidInputError: The example is no image.
    """
    part, pixels = of_an_image(one)
    picture = np.asarray(np.round(drawn(one, drawing, "overlay") * 255), np.uint8)
    said = one.prediction_names or one.target_names
    return Tile(
        _shrunk(picture) if is_kept else picture,
        pixels.shape[1] / pixels.shape[0],
        is_diverging(part),
        labels.method_title(one.method["name"]),
        name,
        labels.target_title(one),
        "" if one.probability is None else f" {float(one.probability[0]):.0%}",
        truth and f"true {truth}",
        bool(truth) and truth != labels.shortened(said[0]),
    )


def _shrunk(picture: Array) -> Array:
    share = _KEPT / max(picture.shape[:2])
    if share >= 1:
        return picture
    height, width = (max(1, round(side * share)) for side in picture.shape[:2])
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))
