"""Heatmaps in the graph: what `Attribution.heatmap` makes of values, and its picture."""

from __future__ import annotations

import dataclasses

import tensorflow as tf

from tfxai.arrangement import positions
from tfxai.core.graph.arithmetic import GRAPH
from tfxai.core.graph.tensor_axes import channels_last
from tfxai.core.inputs.layout import Layout
from tfxai.heatmaps import CLIP, has_signs, reduced, scaled
from tfxai.methods.prepared import Prepared
from tfxai.plotting.colours import colour_table


@dataclasses.dataclass(frozen=True)
class Heatmap:
    """How the values of a signature become a heatmap.

    Args:
        reduction: How channels are reduced, None where there are none.
        is_signed: Whether it runs from -1 to 1, not from 0.
        size: Position of the image whose height and width it is brought to, None for none.
        axes: Axes of the values: `tfxai.arrangement` says how.
        image_axes: Axes of that image.
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
        is_signed = has_signs(
            is_signed=method.is_signed, is_map=method.is_map, channels=method.reduction
        )
        rank = values.shape.rank - has_channels
        image = _image(ready.layout) if rank == 3 else None
        image_axes = "HWC" if image is None else ready.layout.part(image).axes
        return cls(reduction, is_signed, image, axes if has_channels else "", image_axes)

    def __call__(self, values: tf.Tensor, leaves: list[tf.Tensor]) -> tf.Tensor:
        """The heatmap, (B, ...) float32 in [-1, 1] or [0, 1]; a map of zeros stays zero."""
        maps = channels_last(values, self.axes)
        if self.reduction is not None:
            maps = reduced(maps, self.reduction, GRAPH)
        maps = tf.cast(maps, tf.float32)
        if self.size is not None:
            maps = _resized(maps, channels_last(leaves[self.size], self.image_axes))
        return scaled(maps, CLIP, GRAPH)

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


def _resized(maps: tf.Tensor, image: tf.Tensor) -> tf.Tensor:
    """Maps (B, h, w) at the resolution of (B, H, W, C), as Pillow's bilinear filter has them."""
    if maps.shape[1:3] == image.shape[1:3] and None not in maps.shape[1:3]:
        return maps
    resized = tf.image.resize(maps[..., None], tf.shape(image)[1:3], antialias=True)[..., 0]
    return tf.ensure_shape(resized, [None, *image.shape[1:3]])
