"""Maps of attention over their picture, drawn and for a page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle
from PIL import Image

from tfxai.arrays import Array
from tfxai.plotting.colours import OPAQUE, colour_map, grey, heat_layer
from tfxai.plotting.figures import frame

if TYPE_CHECKING:
    from tfxai.attention_weights import AttentionWeights
    from tfxai.patch_grid import PatchGrid

_CHOSEN = "#00b8d4"
_LARGEST = 640  # pixels of the longer side of a picture in a page


def image_record(weights: AttentionWeights, index: int) -> dict[str, Any] | None:
    """What a page shows of an image; None where its tokens are no patches that are known.

    Layers of several grids have none in common, so tokens keep their numbers there.
    """
    if len(set(weights.grids)) != 1 or weights.grids[0] is None:
        return None
    grid = weights.grids[0]
    picture = None if weights.images is None else _embedded(weights.images[index])
    return {
        "source": picture,
        "ratio": _ratio(weights, index, grid),
        "rows": grid.height,
        "columns": grid.width,
        "first": grid.first,
        "chosen": grid.class_token,
        "covers": grid.covers,
        "colours": np.rint(255 * heat_colours()(np.arange(0, 256, 4))[:, :3]).astype(int).tolist(),
    }


def _ratio(weights: AttentionWeights, index: int, grid: PatchGrid) -> float:
    """Width over height."""
    image = None if weights.images is None else weights.images[index]
    width, height = picture_size(image, grid, 1.0)
    return width / height


def _embedded(image: Array) -> str:
    """A picture as the address of its own bytes."""
    picture = Image.fromarray(np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8))
    picture.thumbnail((_LARGEST, _LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def picture_size(image: Array | None, grid: PatchGrid, side: float) -> tuple[float, float]:
    """Width and height in inches whose longer one is `side`."""
    height, width = (grid.height, grid.width) if image is None else image.shape[:2]
    longest = max(height, width)
    return side * width / longest, side * height / longest


def heat_colours() -> ListedColormap:
    """The colours of heat over an image, from none to the strongest."""
    layer = heat_layer(np.linspace(0, 1, 256)[None], colour_map(None, signed=False), signed=False)
    return ListedColormap(layer[0, :, :3])


def draw_map(
    axes: Any,
    image: Array | None,
    weights: Array,
    grid: PatchGrid,
    largest: float,
    chosen: tuple[int, int] | None,
) -> None:
    """The weights of the patches over the picture in grey, and the patch that attends.

    Args:
        axes: Where to draw; one unit is one patch.
        image: (H, W, 3) in [0, 1]; None draws the weights alone.
        weights: (h, w) in [0, 1].
        grid: The patches.
        largest: The weight of the strongest colour.
        chosen: Row and column of the patch that attends, where it is one.
    """
    right, bottom = grid.width / grid.covers[1], grid.height / grid.covers[0]
    heat = weights / (largest or 1)
    if image is not None:
        axes.imshow(grey(image), extent=(0, right, bottom, 0), aspect="auto")
    axes.imshow(
        weights,
        cmap=heat_colours(),
        vmin=0,
        vmax=largest or 1,
        alpha=1.0 if image is None else OPAQUE * heat**0.9,
        extent=(0, grid.width, grid.height, 0),
        aspect="auto",
        interpolation="nearest",
    )
    if chosen is not None:
        row, column = chosen
        axes.add_patch(
            Rectangle((column, row), 1, 1, fill=False, edgecolor=_CHOSEN, linewidth=1.5)
        )
    axes.set_xlim(0, right)
    axes.set_ylim(bottom, 0)
    axes.set_xticks([])
    axes.set_yticks([])
    frame(axes)
