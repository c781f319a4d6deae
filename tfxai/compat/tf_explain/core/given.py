"""What every explainer is given, and its pictures where the paper's values are asked for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.attribution import Attribution
from tfxai.classes import explains_class
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.methods.base import AttributionMethod
from tfxai.remarks import blank


def images_of(validation_data: Any) -> Any:
    """The images of a pair of images and labels; labels are not looked at, and may be None.

    Several images in a list become one array.

    Raises:
        InvalidInputError: It is no such pair, or images of a list differ in shape.
    """
    if not isinstance(validation_data, tuple | list) or len(validation_data) != 2:
        raise InvalidInputError(
            f"validation_data is a {type(validation_data).__name__}, and a pair (images, labels) "
            "was expected. Pass (images, None) where there are no labels."
        )
    images = validation_data[0]
    if not isinstance(images, tuple | list) or any(np.ndim(one) > 3 for one in images):
        return images
    shapes = sorted({np.shape(one) for one in images})
    if len(shapes) > 1:
        raise InvalidInputError(
            f"The images of validation_data have the shapes {', '.join(map(str, shapes))}, and "
            "one shape was expected. Resize them."
        )
    return np.stack([np.asarray(one) for one in images]) if images else np.asarray(images)


def mean_over_copies(
    name: str,
    method: AttributionMethod,
    copies: Any,
    model: Any,
    class_index: int | None,
    count: int,
    score: str | None = None,
) -> tf.Tensor:
    """(N, ...) the mean of a method's values over every `count` of (N count, ...) copies.

    What is warned of is the mean of each image, in the name of the explainer.

    Args:
        name: The explainer.
        method: The method that each copy is explained by.
        copies: Noisy images, or points of a path, those of the first image first.
        model: The Keras model.
        class_index: The output, or None where the score chooses it.
        count: Copies of an image.
        score: As for the method.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TfxaiWarning)  # counts copies as examples
        found = method(model, copies, class_index, score=score)
    mean = mean_of_each(tf.convert_to_tensor(found.values), count)
    is_zero = ~np.any(np.reshape(mean, (len(mean), -1)), axis=1)
    told = list(found.notes)
    if is_zero.any():
        told.append(blank(name, is_zero, of_class=explains_class(found), completes=False))
    if told:
        warnings.warn(" ".join(told), TfxaiWarning, stacklevel=3)
    return mean


def mean_of_each(values: tf.Tensor, count: int) -> tf.Tensor:
    """(N, ...) the mean of every `count` rows of (N count, ...)."""
    if count < 1 or values.shape[0] % count:
        raise InvalidInputError(
            f"{values.shape[0]} images came, and a multiple of {count} was expected. Pass as many "
            "for each image."
        )
    return tf.reduce_mean(tf.reshape(values, [-1, count, *values.shape[1:]]), axis=1)


def grey_maps(attribution: Attribution) -> Array:
    """(B, H, W) uint8: the sum of the values' sizes over the channels, each image's own scale."""
    heat = np.asarray(attribution.heatmap(channels="sum_abs"))
    return np.rint(255 * heat).astype(np.uint8)
