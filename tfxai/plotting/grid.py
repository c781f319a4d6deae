"""A grid of labelled sample images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.plotting import style
from tfxai.plotting.drawing import SIZE
from tfxai.plotting.figures import Page, frame, save_figure
from tfxai.plotting.images import show
from tfxai.plotting.labels import shortened
from tfxai.plotting.layout import fit
from tfxai.plotting.measure import cut

_SIDE = 1.2  # inches of each image: 192 dots, 6 for each pixel of a 32x32 image
_GAP = 0.12
_LABEL = 0.24
_MARGIN = 0.2
_LEAST = 0.25  # inches of an image that is still one
_TEXT = style.SMALL + 0.5


def sample_grid(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    rows: int = 3,
    columns: int = 8,
    path: str | os.PathLike[str] | None = None,
    *,
    figsize: Any = None,
) -> Figure:
    """Draws the first images of a data set with their labels.

    Args:
        images: (N, H, W, 3), (N, H, W, 1) or (N, H, W): integers in [0, 255] or floats in
            [0, 1]. At least one; the first `rows * columns` are drawn.
        labels: (N,) class numbers or names, or None for no labels.
        class_names: Names in the order of the class numbers.
        rows: Most rows.
        columns: Most images in a row.
        path: File to write the figure to as well; its suffix names the format.
        figsize: Width in inches, or (width, height); None is what the images need.

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The images have another shape or range, or the labels or `figsize` do
            not fit.
        OutputError: The file cannot be written.
    """
    if rows < 1 or columns < 1:
        raise InvalidInputError(
            f"rows={rows}, columns={columns} is not a grid. Pass 1 or more each."
        )
    pixels = _pixels(images)
    names = _names(labels, class_names, len(pixels))
    columns = min(columns, len(pixels))
    rows = min(rows, -(-len(pixels) // columns))
    below = _LABEL if names else _GAP
    side = _SIDE

    def lay_out(room: float, share: float) -> tuple[float, float]:
        nonlocal side
        side = max(share * min(_SIDE, (room - 2 * _MARGIN + _GAP) / columns - _GAP), _LEAST)
        wide = 2 * _MARGIN + columns * (side + _GAP) - _GAP
        return wide, 2 * _MARGIN + rows * (side + below) - (0 if names else _GAP)

    size = None if figsize is None else SIZE.read("figsize", figsize)
    found = fit(size, 2 * _MARGIN + columns * (_SIDE + _GAP) - _GAP, lay_out)
    title = f"{min(len(pixels), rows * columns)} sample images"
    page = Page(found.width, found.height, title, found.zoom)
    for i, image in enumerate(pixels[: rows * columns]):
        left = _MARGIN + i % columns * (side + _GAP)
        top = _MARGIN + i // columns * (side + below)
        axes = page.axes(left, top, side, side)
        show(axes, image)
        frame(axes, sides=())
        if names:
            name = cut(names[i], side + 0.8 * _GAP, _TEXT)
            page.text(left + side / 2, top + side + 0.05, name, ha="center", **style.font(_TEXT))
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _pixels(images: Any) -> Array:
    """(N, H, W, 3) floats in [0, 1]."""
    array = np.asarray(images)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise InvalidInputError(
            f"The images have shape {np.shape(images)}. Pass one or more images of "
            "shape (N, H, W, 3), (N, H, W, 1) or (N, H, W)."
        )
    top = 255 if np.issubdtype(array.dtype, np.integer) else 1
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):  # NaN is neither
        raise InvalidInputError(
            f"The images run from {low:g} to {high:g}. Pass integers in [0, 255] or floats in "
            "[0, 1], before any preprocessing."
        )
    pixels = array.astype(np.float64) / top
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels


def _names(labels: Any, class_names: Sequence[str] | None, count: int) -> list[str]:
    if labels is None:
        return []
    array = np.asarray(labels)
    if array.shape not in ((count,), (count, 1)):
        raise InvalidInputError(
            f"The labels have shape {array.shape} for {count} images. "
            f"Pass one for each: shape ({count},)."
        )
    names = [shortened(str(label), 18) for label in array.ravel()]
    if class_names is None or not np.issubdtype(array.dtype, np.integer):
        return names
    if array.min() < 0 or array.max() >= len(class_names):
        raise InvalidInputError(
            f"The labels run from {array.min()} to {array.max()}, and there are "
            f"{len(class_names)} class names. Pass a name for each class."
        )
    return [shortened(class_names[int(label)], 18) for label in array.ravel()]
