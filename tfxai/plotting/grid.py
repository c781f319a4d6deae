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
from tfxai.plotting.figures import Page, frame, save_figure
from tfxai.plotting.images import show
from tfxai.plotting.labels import shortened

_SIDE = 1.2  # inches of each image: 192 dots, 6 for each pixel of a 32x32 image
_GAP = 0.12
_LABEL = 0.24
_MARGIN = 0.2


def sample_grid(
    images: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    rows: int = 3,
    columns: int = 8,
    path: str | os.PathLike[str] | None = None,
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

    Returns:
        The figure, made without pyplot.

    Raises:
        InvalidInputError: The images have another shape or range, or the labels do not fit.
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
    across, down = _SIDE + _GAP, _SIDE + (_LABEL if names else _GAP)
    page = Page(
        2 * _MARGIN + columns * across - _GAP,
        2 * _MARGIN + rows * down - (0 if names else _GAP),
        f"{min(len(pixels), rows * columns)} sample images",
    )
    for i, image in enumerate(pixels[: rows * columns]):
        left, top = _MARGIN + i % columns * across, _MARGIN + i // columns * down
        axes = page.axes(left, top, _SIDE, _SIDE)
        show(axes, image)
        frame(axes, sides=())
        if names:
            middle, below = left + _SIDE / 2, top + _SIDE + 0.05
            page.text(middle, below, names[i], ha="center", **style.font(style.SMALL + 0.5))
    if path is not None:
        save_figure(page.figure, path)
    return page.figure


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
