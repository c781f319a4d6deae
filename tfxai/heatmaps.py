"""Heatmaps of attribution values for display, and the images below them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from PIL import Image

from tfxai.arithmetic import HOST, Arithmetic
from tfxai.arrangement import spatial
from tfxai.arrays import Array
from tfxai.axes import by_number, channels_last, input_axes, of_input, parts, value_axes
from tfxai.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from tfxai.attribution import Attribution
    from tfxai.data.preprocessing import Preprocessing

CHANNELS = ("sum", "max_abs", "sum_abs", "l2")
CLIP = 99.0
"""Percentile of the absolute values that becomes 1, unless told otherwise."""
_SIZES = {
    1: "(steps,), one integer",
    2: "(height, width), two integers",
    3: "(depth, height, width), three integers",
}


def heatmap(
    one: Attribution, size: Any, channels: str | None, clip_percentile: float
) -> Array | dict[str, Array]:
    """What `Attribution.heatmap` returns."""
    if not 0 < clip_percentile <= 100:
        raise InvalidInputError(
            f"clip_percentile={clip_percentile} is outside (0, 100]. Pass a percentile."
        )
    maps = unscaled(one, size, channels)
    shown = {name: _scaled(one, clip_percentile) for name, one in maps.items()}
    return shown if isinstance(one.values, dict) else shown[""]


def unscaled(one: Attribution, size: Any, channels: str | None = None) -> dict[str, Array]:
    """The maps of `Attribution.heatmap` in the unit of the values: name to (B, *places)."""
    how = channels or one.channels
    if how not in CHANNELS:
        raise UnknownNameError.of("channel reduction", how, CHANNELS)
    several = {name: part for name, part in parts(one).items() if _places(part)}
    if not several:
        _refuse(one)
    maps = {name: _reduced(part, how) for name, part in several.items()}
    if size is not None:
        wanted = size if isinstance(size, Mapping) else dict.fromkeys(maps, size)
        if unknown := [name for name in wanted if name not in maps]:
            raise UnknownNameError.of("map", str(unknown[0]), [name for name in maps if name])
        maps = {n: _resized(m, wanted[n], n) if n in wanted else m for n, m in maps.items()}
    return maps


def has_signs(*, is_signed: bool, is_map: bool, channels: str | None) -> bool:
    """Whether a heatmap runs from -1: of signed values whose channels keep the sign."""
    return is_signed and (is_map or channels == "sum")


def reduced(values: Any, how: str, xp: Arithmetic) -> Any:
    """(B, ...) of values (B, ..., C), the channels reduced."""
    if how == "sum":
        return xp.sum(values, axis=-1)
    if how == "l2":
        return xp.norm(values, axis=-1)
    magnitude = xp.abs(values)
    return xp.max(magnitude, axis=-1) if how == "max_abs" else xp.sum(magnitude, axis=-1)


def scaled(maps: Any, clip_percentile: float, xp: Arithmetic) -> Any:
    """(B, ...) in [-1, 1], each map scaled by the percentile of its own; zeros stay zeros."""
    scale = strengths(maps, clip_percentile, xp)
    scale = xp.reshape(scale, [-1] + [1] * (len(maps.shape) - 1))
    return xp.clip(xp.divide(maps, scale), -1, 1)


def strengths(maps: Any, clip_percentile: float, xp: Arithmetic) -> Any:
    """(B,) the percentile of each map's absolute values; the peak where that is 0."""
    flat = xp.flat(xp.abs(maps))
    scale, peak = xp.percentiles(flat, clip_percentile), xp.max(flat, axis=1)
    return xp.where(scale > 0, scale, peak)  # a map of a few points has a percentile of 0


def pixels(one: Attribution) -> Array | None:
    """(B, H, W, 3) the inputs as images in [0, 1]; None if none or several are images."""
    if isinstance(one.inputs, dict):
        seen = [image for image in map(pixels, _inputs(one)) if image is not None]
        return seen[0] if len(seen) == 1 else None
    word = input_axes(one)
    if len(spatial(word)) != 2:
        return None
    return colours(channels_last(np.asarray(one.inputs), word), one.preprocessing)


def colours(inputs: Array, preprocessing: Preprocessing | None) -> Array | None:
    """(B, ..., 3) in [0, 1] of (B, ..., C) images or volumes; None where C is not 1 or 3."""
    if inputs.shape[-1] not in (1, 3):
        return None
    try:
        shown = None if preprocessing is None else preprocessing.invert(inputs)
    except InvalidInputError:  # it is for the images of another input
        shown = None
    shown = _to_unit(inputs) if shown is None else np.asarray(shown)
    return np.repeat(shown, 3, axis=-1) if shown.shape[-1] == 1 else shown


def resize(one: Array, size: tuple[int, ...]) -> Array:
    """A map linearly resized, with half-pixel centres; smoothed first where it shrinks."""
    if one.ndim == 1:
        return resize(one[None], (1, *size))[0]
    if one.ndim == 3:
        depth, *sides = size
        slices = np.stack([resize(part, tuple(sides)) for part in one])
        flat = slices.reshape(len(slices), -1)  # (d, h w): along the depth alone
        return resize(flat, (depth, flat.shape[1])).reshape(size)
    image = Image.fromarray(np.ascontiguousarray(one, np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BILINEAR))


def _inputs(one: Attribution) -> list[Attribution]:
    """An attribution of each named input, or of the one that maps lie over where it is known."""
    names = list(one.inputs) if one.map_input is None else [one.map_input]
    return [of_input(one, name) for name in names]


def _axes(one: Attribution) -> str:
    """The axes of one array of values; empty where three could be of a series or an image."""
    values = np.asarray(one.values)
    return value_axes(one) or ("" if values.ndim == 3 else by_number(values))


def _places(one: Attribution) -> int:
    """How many axes the map of one array of values has; 0 where it has none."""
    count = len(spatial(_axes(one)))
    return count if count in _SIZES else 0


def _refuse(one: Attribution) -> NoReturn:
    arrays = one.values if isinstance(one.values, dict) else {"": one.values}
    shapes = {name: np.shape(array) for name, array in arrays.items()}
    shape: Any = shapes if isinstance(one.values, dict) else shapes[""]
    if any(len(axes) == 3 for axes in shapes.values()):
        raise InvalidInputError(
            f"The values have shape {shape}, which may be series (B, T, C) or images without "
            "channels (B, H, W), and the attribution does not say which. Set its axes: "
            f"dataclasses.replace(attribution, {'layer_axes' if one.at else 'axes'}='TC'), or "
            "'HW'."
        )
    raise InvalidInputError(
        f"The values have shape {shape}, and a heatmap needs images: (B, H, W, C), series: "
        "(B, T, C), or volumes: (B, D, H, W, C). Use plot(), which draws tables as bars."
    )


def _reduced(one: Attribution, how: str) -> Array:
    """(B, *places) of the values, channels reduced; a map as it is."""
    values = np.asarray(one.values)
    if one.is_map:
        return values
    return np.asarray(reduced(channels_last(values, _axes(one)), how, HOST))


def _scaled(maps: Array, clip_percentile: float) -> Array:
    """(B, *places) float32 in [-1, 1], each map scaled by its own percentile."""
    if maps.dtype.kind != "f":
        maps = maps.astype(np.float64)
    if not maps.size:
        return maps.astype(np.float32)
    return np.asarray(scaled(maps, clip_percentile, HOST)).astype(np.float32)


def _resized(maps: Array, size: Any, name: str) -> Array:
    """(B, *places) resized to (B, *size)."""
    places = maps.ndim - 1
    try:
        numbers = tuple(map(operator.index, size))
    except TypeError:
        numbers = ()
    if len(numbers) != places or min(numbers) < 1:
        raise InvalidInputError(
            f"size={size!r}{f' of input {name!r}' if name else ''} was expected to be "
            f"{_SIZES[places]} of at least 1."
        )
    return np.reshape([resize(one, numbers) for one in maps], (len(maps), *numbers))


def _to_unit(inputs: Array) -> Array:
    """Images of unknown preprocessing in [0, 1]: as they are, over 255, or from least to most.

    Each image is scaled independently, so that a slice of the batch looks like the whole.
    """
    axes = tuple(range(1, inputs.ndim))
    low = inputs.min(axis=axes, keepdims=True).astype(np.float64)
    high = inputs.max(axis=axes, keepdims=True).astype(np.float64)
    scale = np.where(high <= 1, 1.0, 255.0)
    stretched = (low < 0) | (high > 255)
    offset = np.where(stretched, low, 0.0)
    scale = np.where(stretched, np.maximum(high - low, np.finfo(np.float32).tiny), scale)
    return ((inputs - offset) / scale).astype(np.float32)
