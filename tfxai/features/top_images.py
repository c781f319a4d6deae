"""The images of a data set that a channel answers to most, and where in them."""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.core.model.cache import ModelCache
from tfxai.core.program import compiled
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.features.measured import shape_of
from tfxai.features.objectives import Channel
from tfxai.features.paths import read_pixels
from tfxai.features.pictures import PictureModel, alive
from tfxai.features.reached import layer_activations
from tfxai.methods.propagation.lrp import LRP
from tfxai.progress import Report, shown
from tfxai.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WAYS = ("activation", "relevance")
_ROWS = 64  # images at once
_programs = ModelCache(16)
_Found: TypeAlias = tuple[float, int, Array, Array]


@dataclasses.dataclass(frozen=True, eq=False)
class TopImages:
    """Images in which a channel is strongest, the strongest first.

    Args:
        layer: Path of the layer.
        channel: Number of the channel.
        by: `"activation"` or `"relevance"`.
        indices: (K,) number of each image in the data.
        values: (K,) what the channel reaches there at its strongest position, in units of the
            activation or, for relevance, of the score.
        positions: (K, axes) that position in the layer.
        images: (K, H, W, C) uint8.
        boxes: (K, 4) top, left, bottom and right of the pixels that the position rests on.
    """

    layer: str
    channel: int
    by: str
    indices: Array
    values: Array
    positions: Array
    images: Array
    boxes: Array

    def __repr__(self) -> str:
        return (
            f"TopImages(channel {self.channel} of {self.layer!r} by {self.by}, "
            f"{len(self.indices)} images)"
        )

    def _repr_html_(self) -> str:
        from tfxai.plotting.figures import record_html

        return record_html(repr(self), [], self.plot)

    @property
    def crops(self) -> tuple[Array, ...]:
        """The part of each image that the position rests on, (h, w, C) uint8 each."""
        return tuple(
            image[top:bottom, left:right]
            for image, (top, left, bottom, right) in zip(self.images, self.boxes, strict=True)
        )

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        title: str = "",
        *,
        figsize: Any = None,
    ) -> Figure:
        """The images, and below them what the position rests on, grey around it.

        Args:
            path: File to write the figure to as well; its suffix names the format.
            title: Title of the sheet.
            figsize: Width in inches, or (width, height); None is what the pictures need, 10 at
                most.

        Raises:
            InvalidInputError: The sheet does not fit `figsize`.
            OutputError: The file cannot be written.
        """
        from tfxai.plotting.contact_sheet import plot_sheet
        from tfxai.plotting.labels import number

        crops = np.full_like(self.images, 128)
        for crop, image, (top, left, bottom, right) in zip(
            crops, self.images, self.boxes, strict=True
        ):
            crop[top:bottom, left:right] = image[top:bottom, left:right]
        labels = [f"image {i}" for i in self.indices]
        return plot_sheet(
            np.concatenate([self.images, crops]),
            [*labels, *(f"{one}, what counts" for one in labels)],
            [f"{self.by} {number(value)}" for value in np.tile(self.values, 2)],
            path=path,
            title=title,
            lines=2,
            figsize=figsize,
        )

    def to_dict(self) -> dict[str, Any]:
        """The numbers as plain JSON types."""
        about = {"layer": self.layer, "channel": self.channel, "by": self.by}
        rows = zip(self.indices, self.values, self.positions, self.boxes, strict=True)
        records = [
            {
                "image": int(index),
                "value": float(value),
                "position": position.tolist(),
                "box": box.tolist(),
            }
            for index, value, position, box in rows
        ]
        return {**about, "images": records}


def top_images(
    subject: keras.Model | Subject,
    layer: str,
    channel: int,
    data: Any,
    by: str = "activation",
    *,
    count: int = 8,
    progress: bool | Report | None = None,
) -> TopImages:
    """Finds the images that excite a channel most, or for whose answer it matters most.

    Args:
        subject: A subject whose card says how pixels become the input.
        layer: Path of the layer.
        channel: Number of the channel.
        data: (N, H, W, C) uint8, or an iterable of such batches, read once: memory holds one.
        by: `"activation"`, or `"relevance"` by LRP of the predicted class at the layer.
        count: Most images, at least 1.
        progress: As for a method's call.

    Returns:
        The images, their positions and what these rest on: the box around all pixels by which
        the layer has a gradient at that position, in that image.

    Raises:
        LayerNotFoundError: There is no such layer.
        InvalidInputError: The layer has no such channel, or the images do not fit.
    """
    if by not in WAYS:
        raise UnknownNameError.of("way to rank images", by, WAYS)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidInputError(f"count={count!r} was expected to be a whole number from 1.")
    Channel(layer, channel)
    subject = Subject.of(subject)
    best: list[_Found] = []
    seen, task = 0, None
    total = len(data) if isinstance(data, np.ndarray) else 0
    with shown(progress, "top images", total) as report:
        for batch in _batches(data):
            task = task or PictureModel.for_images(subject, batch)
            _check(task, layer, channel)
            images = read_pixels("data", batch, task, 1)
            maps = _maps(subject, task, layer, channel, images, by)
            found = _strongest(maps, images, seen)
            best = sorted([*best, *found], key=lambda one: (-one[0], one[1]))[:count]
            seen += len(images)
            report(seen, max(total, seen))
    if task is None:
        raise InvalidInputError("data holds no images. Pass at least one.")
    where, pixels = (np.stack([one[i] for one in best]) for i in (2, 3))
    values, indices = (np.asarray([one[i] for one in best]) for i in (0, 1))
    boxes = _boxes(subject.model, task, layer, pixels, where)
    return TopImages(layer, channel, by, indices, values, where, pixels, boxes)


def _batches(data: Any) -> Iterator[Any]:
    if not isinstance(data, np.ndarray):
        if not isinstance(data, Iterable):
            raise InvalidInputError(
                f"data is a {type(data).__name__}. Pass images (N, H, W, C), or batches of them."
            )
        yield from data
        return
    if data.ndim != 4:
        raise InvalidInputError(
            f"data of shape {data.shape} came, and uint8 images (N, H, W, C) were expected."
        )
    for i in range(0, len(data), _ROWS):
        yield data[i : i + _ROWS]


def _check(task: PictureModel, layer: str, channel: int) -> None:
    channels = shape_of(task.structure, layer)[-1]
    if channel >= channels:
        raise InvalidInputError(
            f"channel={channel} is outside the {channels} channels of layer {layer!r}. Pass a "
            f"number in [0, {channels})."
        )


def _maps(
    subject: Subject, task: PictureModel, layer: str, channel: int, images: Array, by: str
) -> Array:
    """(B, ...) of the channel at each position."""
    if by == "activation":
        (found,) = layer_activations(subject.model, task, (layer,), images)
    else:
        found = np.asarray(LRP()(subject, images, at=layer, progress=False).values)
        shape = shape_of(task.structure, layer)
        if found.shape[1:] != shape:
            raise InvalidInputError(
                f"Relevance at layer {layer!r} has shape {found.shape[1:]}, and {shape} was "
                "expected. Rank by activation, or choose a convolution."
            )
    return np.asarray(found[..., channel])


def _strongest(maps: Array, images: Array, first: int) -> list[_Found]:
    """Value, number, position and image of each row."""
    flat = maps.reshape(len(maps), -1)
    places = flat.argmax(axis=1)
    where = np.stack(np.unravel_index(places, maps.shape[1:] or (1,)), axis=-1)
    where = where[:, : maps.ndim - 1]
    return [
        (float(row[place]), first + i, where[i], images[i])
        for i, (row, place) in enumerate(zip(flat, places, strict=True))
    ]


def _boxes(
    model: keras.Model, task: PictureModel, layer: str, pixels: Array, positions: Array
) -> Array:
    """(K, 4) around the pixels by which the layer has a gradient at each position."""
    run = _programs.get(model, (task, layer), lambda: _slopes(model, task, layer))
    boxes = []
    for image, position in zip(pixels, positions, strict=True):
        slope = run(tf.constant(image[None]), tf.constant(position[None], tf.int32)).numpy()[0]
        rows, columns = np.nonzero(np.abs(slope).max(axis=-1))
        if not len(rows):
            boxes.append((0, 0, *task.shape[:2]))
        else:
            boxes.append((rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))
    return np.asarray(boxes)


def _slopes(model: keras.Model, task: PictureModel, layer: str) -> Callable[..., Any]:
    """From an image and a position to the derivative of the sum of the channels there."""
    reference = weakref.ref(model)
    axes = len(shape_of(task.structure, layer)) - 1

    def run(pixels: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
        pictures = tf.cast(pixels, tf.float32) / 255
        one = task.passed(alive(reference), task.inputs(pictures))
        shown_maps = one.shown(layer, one.activations(layer))
        return tf.gradients(tf.gather_nd(shown_maps, positions, batch_dims=1), pictures)[0]

    specs = [tf.TensorSpec((None, *task.shape), tf.uint8), tf.TensorSpec((None, axes), tf.int32)]
    return compiled(run, specs)
