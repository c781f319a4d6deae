"""Heatmaps in the graph: what `Attribution.heatmap` makes of values, and its picture."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfxai.arrangement import positions
from tfxai.core.graph.tensor_axes import channels_last
from tfxai.core.inputs.layout import Layout
from tfxai.methods.prepared import Prepared
from tfxai.plotting.colours import colour_table

CLIP = 99.0
"""Percentile of the absolute values that becomes 1, as in `Attribution.heatmap`."""


@dataclasses.dataclass(frozen=True)
class Heatmap:
    """How the values of a signature become a heatmap.

    Args:
        reduction: How channels are reduced, None where there are none.
        is_signed: Whether it runs from -1 to 1, not from 0.
        size: Position of the image whose height and width it is brought to, None for none.
        axes: Of the values: `tfxai.arrangement` says how.
        image_axes: Of that image.
    """

    reduction: str | None
    is_signed: bool
    size: int | None
    axes: str = ""
    image_axes: str = "HWC"

    @classmethod
    def of(cls, ready: Prepared, values: tf.Tensor, axes: str) -> Heatmap:
        """For values (B, ...) of a method, one tensor of them with these axes."""
        method = ready.method
        has_channels = not method.is_map and values.shape.rank > 2 and "C" in axes
        reduction = method.reduction if has_channels else None
        is_signed = method.is_signed and (method.is_map or method.reduction == "sum")
        rank = values.shape.rank - has_channels
        image = _image(ready.layout) if rank == 3 else None
        image_axes = "HWC" if image is None else ready.layout.part(image).axes
        return cls(reduction, is_signed, image, axes if has_channels else "", image_axes)

    def __call__(self, values: tf.Tensor, leaves: list[tf.Tensor]) -> tf.Tensor:
        """The heatmap, (B, ...) float32 in [-1, 1] or [0, 1]; a map of zeros stays zero."""
        maps = tf.cast(_reduced(channels_last(values, self.axes), self.reduction), tf.float32)
        if self.size is not None:
            maps = _resized(maps, channels_last(leaves[self.size], self.image_axes))
        flat = tf.reshape(tf.abs(maps), [tf.shape(maps)[0], -1])
        scale, peak = _percentile(flat), tf.reduce_max(flat, axis=1)
        scale = tf.where(scale > 0, scale, peak)  # a map of a few points has a percentile of 0
        scale = tf.reshape(scale, [-1] + [1] * (maps.shape.rank - 1))
        return tf.clip_by_value(tf.math.divide_no_nan(maps, scale), -1, 1)

    def pictures(self, heat: tf.Tensor) -> tf.Tensor:
        """A PNG of each heatmap (B, h, w), (B,), in the colours of tfxai's figures."""
        table = colour_table(self.is_signed)
        place = 0.5 + 0.5 * heat if self.is_signed else heat
        place = tf.where(tf.math.is_finite(place), place, 0.0)
        index = tf.cast(tf.floor(place * len(table)), tf.int32)
        index = tf.clip_by_value(index, 0, len(table) - 1)
        return tf.io.encode_png(tf.gather(tf.constant(table), index))


def _image(layout: Layout) -> int | None:
    """Position of the one image that is explained, where it is one."""
    explained = layout.explained
    is_image = len(explained) == 1 and positions(layout.part(explained[0]).axes) == 2
    return explained[0] if is_image else None


def _reduced(values: tf.Tensor, reduction: str | None) -> tf.Tensor:
    if reduction is None:
        return values
    if reduction == "sum":
        return tf.reduce_sum(values, axis=-1)
    if reduction == "l2":
        return tf.norm(values, axis=-1)
    reduce = tf.reduce_max if reduction == "max_abs" else tf.reduce_sum
    return reduce(tf.abs(values), axis=-1)


def _resized(maps: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Maps (B, h, w) at the resolution of (B, H, W, C), as Pillow's bilinear filter has them."""
    if maps.shape[1:3] == image.shape[1:3] and None not in maps.shape[1:3]:
        return maps
    resized = tf.image.resize(maps[..., None], tf.shape(image)[1:3], antialias=True)[..., 0]
    return tf.ensure_shape(resized, [None, *image.shape[1:3]])


def _percentile(flat: tf.Tensor) -> tf.Tensor:
    """Percentile `CLIP` of each row (B, n), linear between the neighbours."""
    ordered = tf.sort(flat, axis=1)
    place = tf.cast(tf.shape(flat)[1] - 1, tf.float64) * (CLIP / 100)
    below = tf.cast(tf.floor(place), tf.int32)
    above = tf.minimum(below + 1, tf.shape(flat)[1] - 1)
    share = tf.cast(place - tf.floor(place), flat.dtype)
    low, high = tf.gather(ordered, below, axis=1), tf.gather(ordered, above, axis=1)
    return low + share * (high - low)
