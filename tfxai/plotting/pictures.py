"""The picture of a heatmap and its image in each style, as an array."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import Colormap, to_rgb
from scipy import ndimage

from tfxai.arithmetic import HOST
from tfxai.arrays import Array
from tfxai.axes import parts
from tfxai.certainty import certain_map
from tfxai.heatmaps import resize, strengths, unscaled
from tfxai.plotting import style as looks
from tfxai.plotting.colours import colour_map, grey, overlay, scale
from tfxai.plotting.drawing import SHARED, SMOOTHED, Drawing, SharedTop

if TYPE_CHECKING:
    from tfxai.attribution import Attribution

_FINE = 320  # dots of the longer side at least, for the lines of contours
_SQUARE = 16
_NOTHING = 1e-6  # less heat than that is none
_FADED = 0.25  # of the grey image behind a mask


def as_image(one: Attribution) -> Attribution:
    """The attribution; as one of images where its axes are unknown and its values (B, S, S).

    A square of 16 or more is rather an image without channels than a series of as many channels.
    """
    shape = np.shape(np.asarray(one.values))
    is_square = len(shape) == 3 and shape[1] == shape[2] and shape[1] >= _SQUARE
    if one.axes or one.is_map or one.at is not None or not is_square:
        return one
    return dataclasses.replace(one, axes="HW")


def heat_of(one: Attribution, size: tuple[int, ...] | None, drawing: Drawing) -> Array:
    """(*places) float32 in [-1, 1] of the only example: 1 is the strongest colour.

    NaN where the value is not certain and only what is certain is drawn.
    """
    if drawing.vmax is None:
        heat = np.asarray(one.heatmap(size=size, clip_percentile=drawing.clip_percentile)[0])
    else:
        (maps,) = unscaled(one, size).values()
        heat = np.clip(np.asarray(maps[0], np.float32) / drawing.vmax, -1, 1)
    if not drawing.certain:
        return heat
    known = certain_map(one)[0]
    if known.shape != heat.shape:
        known = resize(known.astype(np.float32), heat.shape) >= 0.5
    return np.where(known, heat, np.nan)


def colours_of(drawing: Drawing, *, signed: bool) -> Colormap:
    """The colour map of heatmaps; what is not certain is light grey where that is asked for."""
    found = colour_map(drawing.cmap, signed)
    return found.with_extremes(bad=looks.FAINT) if drawing.certain else found


def with_scale(
    drawing: Drawing, ones: Iterable[Attribution], *, of_targets: bool = False
) -> Drawing:
    """The drawing with a number for `vmax="shared"`, taken from all that is drawn.

    Args:
        drawing: The options.
        ones: All examples that are drawn; read only where the scale is shared.
        of_targets: Whether to share where nothing is said: one method explains several targets.
    """
    if drawing.vmax != SHARED and not (drawing.vmax is None and of_targets):
        return drawing
    tops = [_strongest(one, drawing) for one in ones]
    top, smooth = (max((pair[i] for pair in tops), default=0.0) for i in (0, 1))
    return dataclasses.replace(drawing, vmax=SharedTop(top, smooth) if top > 0 else None)


def is_of_targets(ones: Sequence[Attribution]) -> bool:
    """Whether one method explains several targets of an example, in one unit."""
    first, *others = ones
    alike = all(
        str(one.method) == str(first.method)
        and (one.score_name, one.at) == (first.score_name, first.at)
        for one in others
    )
    return alike and any(one.target_names != first.target_names for one in others)


def _strongest(one: Attribution, drawing: Drawing) -> tuple[float, float]:
    """What the strongest colour of the one example stands for, on a scale of its own.

    Returns:
        That of its maps, and that of its parts where they are drawn.
    """
    top = smooth = 0.0
    for part in parts(one).values():
        if np.asarray(part.values).ndim > 2:
            for maps in unscaled(as_image(part), None).values():
                own = _top(maps, drawing)
                top = max(top, own)
                if drawing.style in SMOOTHED:
                    clipped = np.clip(maps[0], -own, own)
                    smooth = max(smooth, _top(smoothed(clipped)[None], drawing))
    return top, smooth or top


def _top(maps: Array, drawing: Drawing) -> float:
    """The percentile of one map (1, ...) that is the strongest."""
    return float(np.max(strengths(maps, drawing.clip_percentile, HOST)))


def picture(
    pixels: Array, heat: Array, drawing: Drawing, style: str, cmap: Colormap, signed: bool
) -> Array:
    """The image and its heat as one picture.

    Args:
        pixels: (H, W, 3) in [0, 1].
        heat: (H, W) in [-1, 1] where signed, else in [0, 1]; NaN is grey.
        drawing: Threshold and opacity.
        style: `"overlay"`, `"heatmap"`, `"mask"` or `"contour"`.
        cmap: The colour map of the heatmap.
        signed: Whether the heat may be negative.

    Returns:
        (H, W, 3) in [0, 1]; contours of a small image have more pixels, a multiple of each side.
    """
    least = drawing.least(style, signed=signed)
    if style == "heatmap":
        shown = np.where(np.abs(heat) < least, 0, heat)
        return np.asarray(cmap(scale(signed)(shown))[..., :3])
    heat = np.nan_to_num(heat)
    if style == "mask":
        faded = 1 - _FADED * (1 - grey(pixels))
        inside = regions(heat, drawing) >= max(least, _NOTHING)
        return np.where(inside[..., None], pixels, faded)
    if style == "contour":
        return _contours(pixels, regions(heat, drawing), least, signed)
    return overlay(pixels, heat, cmap, signed, threshold=least, alpha=drawing.alpha)


def regions(heat: Array, drawing: Drawing) -> Array:
    """(H, W) the smoothed heat, 1 where a part is the strongest; on the scale that was given."""
    smooth = smoothed(heat)
    if isinstance(drawing.vmax, SharedTop):
        return smooth * (drawing.vmax / drawing.vmax.parts)
    if drawing.vmax is not None:
        return smooth
    return smooth / (_top(smooth[None], drawing) or 1.0)


def smoothed(heat: Array) -> Array:
    """The heat smoothed by a fiftieth of its longer side: parts, not single pixels."""
    sigma = max(heat.shape) / 50
    smooth = ndimage.gaussian_filter(np.asarray(heat, np.float32), sigma, mode="nearest")
    return np.asarray(smooth if sigma >= 1 else heat)


def _contours(pixels: Array, parts: Array, least: float, signed: bool) -> Array:
    """The image in true colours, lines around parts that strong: one colour for each sign."""
    times = max(1, -(-_FINE // max(parts.shape)))
    fine = pixels.repeat(times, axis=0).repeat(times, axis=1)
    rows, columns = parts.shape
    smooth = resize(parts, (rows * times, columns * times))
    width = max(1, round(max(smooth.shape) / 110))
    shown = np.array(fine, float)
    for sign, colour in ((1, looks.SUPPORTS), (-1, looks.SPEAKS_AGAINST)):
        inside = sign * smooth >= max(least, _NOTHING)
        if (sign < 0 and not signed) or not inside.any():
            continue
        edge = inside & ~ndimage.binary_erosion(inside, iterations=width, border_value=1)
        halo = ndimage.binary_dilation(edge, iterations=width)
        shown[halo & ~edge] = 1.0  # white beside the line: it is seen on any image
        shown[edge] = to_rgb(colour)
    return shown
