"""Colours of heatmaps, and how a heatmap is laid over its image."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, Normalize

from tfxai.arrays import Array
from tfxai.errors import UnknownNameError

DIVERGING = "RdBu_r"
SEQUENTIAL = "inferno"
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_DIM = 0.3  # where along a sequential map the overlay begins: black would look like shadow
OPAQUE = 0.8  # of the strongest heat: a trace of the image stays under it
_STRONG = 0.8  # where along the diverging map the overlay takes its two colours from


def colour_map(cmap: str | Colormap | None, signed: bool) -> Colormap:
    """The colour map asked for, or the one that suits the values.

    A diverging map gets an odd number of colours, so that zero has one of its own: the
    neutral one in the middle.

    Raises:
        UnknownNameError: matplotlib has no map of that name.
    """
    if isinstance(cmap, Colormap):
        return cmap
    name = cmap or (DIVERGING if signed else SEQUENTIAL)
    if name not in matplotlib.colormaps:
        raise UnknownNameError.of("colour map", name, list(matplotlib.colormaps))
    found = matplotlib.colormaps[name]
    return found.resampled(257) if signed else found


def colour_table(signed: bool) -> Array:
    """(N, 3) uint8: the colours of a heatmap, from the least value to the greatest.

    Heat h in [0, 1] has colour number floor(N h), at most N - 1; in [-1, 1] that of (1 + h) / 2.
    """
    cmap = colour_map(None, signed)
    return np.asarray(cmap(np.arange(cmap.N), bytes=True)[:, :3])


def scale(signed: bool) -> Normalize:
    """The range of heat that colours cover: [-1, 1] for signed values, else [0, 1]."""
    return Normalize(-1 if signed else 0, 1)


def grey(pixels: Array) -> Array:
    """(H, W, 3) in [0, 1] without its colours and a little lighter, so that heat stands out."""
    return np.repeat(0.3 + 0.65 * (pixels @ _LUMINANCE)[..., None], 3, axis=-1)


def overlay(
    pixels: Array,
    heat: Array,
    cmap: Colormap,
    signed: bool,
    *,
    threshold: float = 0.0,
    alpha: float = OPAQUE,
) -> Array:
    """The image in grey with the heat over it, the more opaque the stronger it is.

    Args:
        pixels: (H, W, 3) in [0, 1].
        heat: (H, W) in [-1, 1] where signed, else in [0, 1].
        cmap: The colour map of the heatmap.
        signed: Whether the heat may be negative.
        threshold: Heat of a smaller magnitude is left out.
        alpha: How opaque the strongest heat is, in (0, 1].

    Returns:
        (H, W, 3) in [0, 1]. Where there is no heat this is the grey image.
    """
    layer = heat_layer(np.where(np.abs(heat) < threshold, 0, heat), cmap, signed)
    opacity = alpha * layer[..., 3:]
    blended: Array = (1 - opacity) * grey(pixels) + opacity * layer[..., :3]
    return np.clip(blended, 0, 1)


def heat_layer(heat: Array, cmap: Colormap, signed: bool) -> Array:
    """The heat alone as colours and opacity, (H, W, 4) in [0, 1]: what lies over an image.

    Args:
        heat: (H, W) in [-1, 1] where signed, else in [0, 1].
        cmap: The colour map of the heatmap.
        signed: Whether the heat may be negative.
    """
    position = 0.5 + 0.5 * _STRONG * np.sign(heat) if signed else _DIM + (1 - _DIM) * heat
    colour = cmap(np.asarray(position, float))[..., :3]
    opacity = np.abs(heat)[..., None] ** (0.7 if signed else 0.9)
    return np.asarray(np.concatenate([colour, opacity], axis=-1))
