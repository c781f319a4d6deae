"""Grey patches, and grey scales of gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array

GREY = 127.5


def apply_grey_patch(image: Any, top_left_x: int, top_left_y: int, patch_size: int) -> Array:
    """An image with a square of it replaced by 127.5, whatever the range of its values.

    Args:
        image: (H, W, C).
        top_left_x: First column of the square.
        top_left_y: First row of the square.
        patch_size: Its side in pixels; it ends where the image ends.

    Returns:
        A new (H, W, C) array in the type of `image`, so 127 in integers.
    """
    patched = np.array(image, copy=True)
    rows = slice(top_left_y, top_left_y + patch_size)
    patched[rows, top_left_x : top_left_x + patch_size] = GREY
    return patched


def transform_to_normalized_grayscale(tensor: Any) -> tf.Tensor:
    """Gradients as grey values, as tf-explain shows them.

    The sum over the channels is black up to its mean over the whole batch, white from one standard
    deviation above it, and linear in between. So more than half of a picture is black, the largest
    values look alike, and two batches have different scales.

    Args:
        tensor: (B, H, W, C) numbers.

    Returns:
        (B, H, W) uint8.
    """
    total = tf.reduce_sum(tf.convert_to_tensor(tensor), axis=-1)
    standardised = 255 * tf.image.per_image_standardization(total)
    return tf.saturate_cast(standardised, tf.uint8)
