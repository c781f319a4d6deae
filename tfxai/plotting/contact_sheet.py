"""A sheet of pictures, each with a label and a line of numbers."""

from __future__ import annotations

import os
from collections.abc import Sequence

from matplotlib.figure import Figure

from tfxai.arrays import Array
from tfxai.plotting import style
from tfxai.plotting.figures import Page, frame, save_figure
from tfxai.plotting.images import show
from tfxai.plotting.labels import shortened

_SIDE, _GAP, _LINES, _MARGIN, _TITLE = 1.9, 0.2, 0.42, 0.25, 0.35  # inches
_MOST_COLUMNS = 8


def plot_sheet(
    pictures: Array,
    labels: Sequence[str],
    notes: Sequence[str],
    *,
    path: str | os.PathLike[str] | None = None,
    title: str = "",
    columns: int | None = None,
) -> Figure:
    """Draws pictures side by side.

    Args:
        pictures: (K, H, W, C) uint8, C 3 or 1.
        labels: What each is of.
        notes: A line below each label; empty for none.
        path: File to write the figure to as well; its suffix names the format.
        title: Title of the sheet.
        columns: Pictures in a row; None for at most 8, rows of about equal length.

    Returns:
        The figure, made without pyplot.

    Raises:
        OutputError: The file cannot be written.
    """
    rows = -(-len(pictures) // (columns or _MOST_COLUMNS))
    columns = columns or -(-len(pictures) // rows)
    above = _MARGIN + (_TITLE if title else 0)
    across, down = _SIDE + _GAP, _SIDE + _LINES
    width = 2 * _MARGIN + columns * across - _GAP
    page = Page(width, above + rows * down + _MARGIN, f"{len(pictures)} pictures of features")
    if title:
        page.text(_MARGIN, _MARGIN, title, **style.font(style.TITLE))
    for i, picture in enumerate(pictures):
        left, top = _MARGIN + i % columns * across, above + i // columns * down
        axes = page.axes(left, top, _SIDE, _SIDE)
        show(axes, _coloured(picture))
        frame(axes, sides=())
        below = top + _SIDE + 0.04
        page.text(left, below, shortened(labels[i], 30), **style.font(style.SMALL))
        small = style.font(style.SMALL - 1, style.MUTED)
        page.text(left, below + 0.16, shortened(notes[i], 44), **small)
    figure = page.finish()
    if path is not None:
        save_figure(figure, path)
    return figure


def _coloured(picture: Array) -> Array:
    """(H, W, 3) in [0, 1]."""
    return (picture.repeat(3, axis=-1) if picture.shape[-1] == 1 else picture) / 255.0
