"""Elements of an input that belong together: an integer mask as an option."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from tfxai.core.content import Content
from tfxai.core.inputs import Array
from tfxai.errors import InvalidInputError

_ADVICE = "Pass an array of integers, one feature number for each element, or None."


def read_mask(mask: Any) -> Content | None:
    """A `mask` option in its stored form.

    Raises:
        InvalidInputError: It holds no integers.
    """
    if mask is None:
        return None
    content = Content.of("mask", mask, _ADVICE)
    if not content.array.size or (content.array != np.floor(content.array)).any():
        raise InvalidInputError(
            f"mask of shape {content.array.shape} was expected to hold integers. {_ADVICE}"
        )
    return content


def group_numbers(mask: Content | None, x: tf.Tensor, parts: int) -> Array:
    """The feature of each element, from 0 and without gaps, shaped like one input.

    Raises:
        InvalidInputError: The mask is shaped like no input.
    """
    shape = tuple(x.shape[1:])
    if mask is None:
        return np.arange(int(np.prod(shape)), dtype=np.int32).reshape(shape)
    array = mask.array
    if parts > 1:
        raise InvalidInputError(
            f"A mask was given, and the model has {parts} inputs. Pass mask=None, which takes "
            "every element by itself."
        )
    if array.shape == shape[:-1] and len(shape) > 1:
        array = array[..., None]
    try:
        array = np.broadcast_to(array, shape)
    except ValueError:
        raise InvalidInputError(
            f"mask has shape {mask.array.shape}, and an input has {shape}. Pass a mask of that "
            "shape, or without the channels."
        ) from None
    _, numbers = np.unique(array, return_inverse=True)
    return numbers.reshape(shape).astype(np.int32)
