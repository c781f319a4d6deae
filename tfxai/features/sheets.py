"""Pictures of many channels of one layer at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from tfxai.errors import InvalidInputError
from tfxai.features.activation_maximisation import ActivationMaximisation
from tfxai.features.measured import shape_of
from tfxai.features.objectives import Channel
from tfxai.features.pictures import PictureModel
from tfxai.features.visualisation import Visualisation
from tfxai.progress import Report
from tfxai.subject import Subject


def visualise_layer(
    subject: keras.Model | Subject,
    layer: str,
    channels: int | Sequence[int] = 16,
    *,
    cache: str | os.PathLike[str] | None = None,
    progress: bool | Report | None = None,
    **options: Any,
) -> Visualisation:
    """Makes a picture of each of several channels of a layer; `plot()` draws the sheet.

    Args:
        subject: A subject whose card says how pixels become the input.
        layer: Path of the layer.
        channels: Numbers of channels, or how many of the first ones, at most all.
        cache: Folder in which pictures are kept, as for the call of `ActivationMaximisation`.
        progress: As for a method's call.
        **options: Options of `ActivationMaximisation`.

    Raises:
        LayerNotFoundError: There is no such layer.
        InvalidInputError: The layer has no such channels, or no channels at all.

    Example:
        >>> import tfxai
        >>> from tfxai.features import visualise_layer
        >>> subject = tfxai.load("cifar10_cnn")
        >>> visualise_layer(subject, "Conv2D_Block3_Layer1", 2, steps=3).labels
        ('Conv2D_Block3_Layer1 channel 0', 'Conv2D_Block3_Layer1 channel 1')
    """
    subject = Subject.of(subject)
    count = shape_of(PictureModel.of(subject, options.get("size")).structure, layer)[-1]
    if isinstance(channels, bool) or (isinstance(channels, int) and channels < 1):
        raise InvalidInputError(
            f"channels={channels!r} was expected to be a number of at least 1, or a list of them."
        )
    numbers = range(min(channels, count)) if isinstance(channels, int) else channels
    asked = ActivationMaximisation([Channel(layer, one) for one in numbers], **options)
    return asked(subject, cache=cache, progress=progress)
