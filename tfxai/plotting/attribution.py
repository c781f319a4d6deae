"""The figure of an attribution, or of several methods one above the other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure

from tfxai.attribution import Attribution
from tfxai.errors import InvalidInputError
from tfxai.plotting import labels
from tfxai.plotting.drawing import Drawing
from tfxai.plotting.example_blocks import in_rows
from tfxai.plotting.figures import save_figure
from tfxai.plotting.grouping import grouped, with_groups
from tfxai.plotting.images import image_part
from tfxai.plotting.kinds import check_words
from tfxai.plotting.mosaic import MOST as MOST_IN_GRID
from tfxai.plotting.mosaic import draw_grid
from tfxai.plotting.panels import draw_on, panels_of
from tfxai.plotting.pictures import is_of_targets, with_scale

Index: TypeAlias = "int | slice | Sequence[int] | Sequence[bool] | np.ndarray[Any, Any] | None"

MOST = 8
"""Most examples with rows of their own, unless a limit is given."""


def plot_attribution(
    attributions: Attribution | Sequence[Attribution],
    index: Index = 0,
    *,
    limit: int | None = None,
    path: str | os.PathLike[str] | None = None,
    **drawing: Any,
) -> Figure:
    """Draws what one or several methods say about the same inputs, one row for each method.

    Images get three panels: the original in true colours (once an example), the heatmap (a
    diverging map centred at 0 where values are signed, else a sequential one), and the heatmap
    over the image in grey. Volumes and films get the four slices with most attribution and a
    projection. Tables (B, F) get bars, the 20 strongest features at most; series (B, T, C) get
    lines. Square values (B, 16, 16) or larger of unknown axes are taken for images. The
    `Attribution.remarks` on the drawn examples are printed below.

    More than 8 images of one attribution are drawn as a grid of overlays, as many as there are up
    to 1,000; `columns` draws a grid of fewer too.

    Args:
        attributions: One attribution, or several of the same inputs.
        index: The example to draw, negative from the end; a slice, several indices or a boolean
            for each example draws some, and None all.
        limit: Most examples to draw; the figure says so where there are more. None is 8, in a
            grid 1,000.
        path: File to write the figure to as well; its suffix names the format.
        **drawing: Options of `tfxai.plotting.Drawing`, such as `figsize=3.3`, `style="mask"`,
            `columns=25`, `groups=superpixels` or `ax=axes`.

    Returns:
        The figure, made without pyplot; that of `ax` where axes were given.

    Raises:
        InvalidInputError: There is nothing to draw, the attributions differ in length, `index`
            is out of range, an option does not fit, or the values are not an image, volume, table
            or series.
        UnknownNameError: There is no such option, style or colour map.
        OutputError: The file cannot be written.
    """
    how = Drawing.of(drawing)
    several = [grouped(one, how) for one in _checked(attributions, limit)]
    check_words(several, how)
    how = with_groups(several, how)
    total = len(several[0])
    how.check_labels(total)
    indices = indices_of(index, total)
    is_grid = _is_grid(several, indices, limit, how)
    shown = indices[: limit or (MOST_IN_GRID if is_grid else MOST)]
    if is_grid and how.ax is None:
        how = with_scale(how, (several[0][i] for i in shown))
        figure = draw_grid((several[0][i] for i in shown), shown, len(indices), how)
    else:
        ones = [[whole[i] for whole in several] for i in shown]
        how = with_scale(
            how,
            [one for row in ones for one in row],
            of_targets=any(map(is_of_targets, ones)),
        )
        if how.ax is not None:
            figure = draw_on(how.ax, panels_of(ones, how), how)
        else:
            has_positions = total > 1 and not isinstance(index, int | np.integer)
            figure = in_rows(ones, shown, (len(indices), total if has_positions else 0), how)
    if path is not None:
        save_figure(figure, path)
    return figure


def _is_grid(
    several: list[Attribution], indices: list[int], limit: int | None, how: Drawing
) -> bool:
    if how.columns is None:
        is_many = limit is None and len(indices) > MOST and len(several) == 1
        return is_many and image_part(several[0][indices[0]]) is not None
    if len(several) > 1:
        raise InvalidInputError(
            f"columns={how.columns} draws a grid of one attribution, and there are "
            f"{len(several)}. Pass one, or use plot_comparison."
        )
    return True


def _checked(
    attributions: Attribution | Sequence[Attribution], limit: int | None
) -> list[Attribution]:
    several = [attributions] if isinstance(attributions, Attribution) else list(attributions)
    lengths = sorted({len(one) for one in several})
    if len(lengths) != 1 or lengths == [0]:
        what = f"attributions of {lengths} examples" if lengths else "no attribution"
        raise InvalidInputError(
            f"There are {what} to draw. Pass attributions of the same one or more inputs."
        )
    if limit is not None and limit < 1:
        raise InvalidInputError(f"limit={limit} draws no example. Pass 1 or more.")
    return several


def indices_of(index: Any, total: int) -> list[int]:
    """The examples that `index` asks for, each in [0, total)."""
    if index is None or isinstance(index, slice):
        found = np.arange(total)[index or slice(None)]
    else:
        try:
            given = np.asarray(index)
        except ValueError:  # rows of different lengths
            given = np.asarray(None)
        is_mask = given.dtype == bool and given.shape == (total,)
        found = np.flatnonzero(given) if is_mask else np.atleast_1d(given)
        if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
            raise InvalidInputError(
                f"index={index!r} was expected to be an integer, several of them, a slice, a "
                f"boolean for each of the {total} examples, or None for all."
            )
    outside = [int(i) for i in found if not -total <= i < total]
    if outside:
        also = "" if isinstance(index, int | np.integer) else f" holds {outside[0]}, which"
        raise InvalidInputError(
            f"index={_short(index)}{also} is outside the {total} examples. "
            f"Pass an index in [0, {total}), or None for all."
        )
    if not len(found):
        raise InvalidInputError(
            f"index={_short(index)} picks none of the {total} examples. Pass one or more."
        )
    return [int(i) % total for i in found]


def _short(index: Any) -> str:
    return labels.shortened(str(index.tolist() if isinstance(index, np.ndarray) else index), 40)
