"""Single pictures of a grid with the words under them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from tfxai.arrays import Array
from tfxai.plotting import labels
from tfxai.plotting.images import is_diverging
from tfxai.plotting.panels import drawn, of_an_image
from tfxai.plotting.signs import Signs, signs_of

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.plotting.drawing import Drawing

PIXELATED = 128
"""Images up to that side are enlarged with square pixels."""


@dataclasses.dataclass(frozen=True)
class Tile:
    """What a grid shows of one example.

    Args:
        picture: uint8 (h, w, 3) what lies over the image.
        ratio: Width of the image by its height.
        signed: Whether the values are.
        words: What their signs mean.
        method: The method's title.
        name: What the example is called; empty for no line.
        explains: The explained class.
        sure: Its probability, the value of an output that is no class, or nothing.
        truth: The true class and, where it is another one than that of which the figure is, the
            predicted one; or nothing.
        is_wrong: Whether the prediction is known to be another one than the true class.
    """

    picture: Array
    ratio: float
    signed: bool
    words: Signs
    method: str
    name: str
    explains: str
    sure: str
    truth: str
    is_wrong: bool

    def within(self, box: tuple[float, float]) -> Tile:
        """The tile with no more pixels than are drawn in a box of (height, width) dots."""
        share = _share(self.picture, box)
        return self if share >= 1 else dataclasses.replace(self, picture=self.fitted(box))

    def fitted(self, box: tuple[float, float]) -> Array:
        """The picture, as large as a box of (height, width) dots allows without another shape."""
        share = _share(self.picture, box)
        height, width = (max(1, round(side * share)) for side in self.picture.shape[:2])
        is_small = max(self.picture.shape[:2]) <= PIXELATED
        how = Image.Resampling.NEAREST if is_small else Image.Resampling.BOX
        return np.asarray(Image.fromarray(self.picture).resize((width, height), how))


def tile_of(one: Attribution, drawing: Drawing, *, name: str = "", label: Any = None) -> Tile:
    """The picture of one example and the words under it.

    Args:
        one: The example.
        drawing: The options.
        name: What it is called.
        label: Its true class, as a name or a number.

    Raises:
        InvalidInputError: The example is no image.
    """
    part, pixels = of_an_image(one)
    picture = np.asarray(np.round(drawn(one, drawing, "overlay") * 255), np.uint8)
    value = labels.value_text(one).removeprefix("value")
    return Tile(
        picture,
        pixels.shape[1] / pixels.shape[0],
        is_diverging(part),
        signs_of(one),
        labels.method_title(one.method["name"]),
        name,
        labels.target_title(one),
        value if one.probability is None else f"{_sure_of(one)} {float(one.probability[0]):.0%}",
        "" if label is None else _truth(one, label),
        label is not None and labels.is_mistaken(one, label),
    )


def _sure_of(one: Attribution) -> str:
    """Of which of two classes the probability is; nothing where one is explained."""
    first, _, second = one.score_name.partition(" rather than ")
    return f", {first}" if second else ""


def _truth(one: Attribution, label: Any) -> str:
    """The true class, and the predicted one where nothing else in the tile says it."""
    truth = labels.class_label(one, label)
    is_said = labels.is_predicted(one) or not labels.is_mistaken(one, label)
    if is_said or not one.prediction_names:
        return f"true {truth}"
    predicted = labels.shortened(one.prediction_names[0])
    is_explained = truth == labels.target_title(one)  # the line above names it
    return f"predicted {predicted}" if is_explained else f"true {truth}, not {predicted}"


def _share(picture: Array, box: tuple[float, float]) -> float:
    return min(box[0] / picture.shape[0], box[1] / picture.shape[1])
