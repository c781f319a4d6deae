"""DeepDream: an image in which a network's layers find more of what they look for."""

from __future__ import annotations

import dataclasses
import os
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, final

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from tfxai import config
from tfxai.arrays import Array
from tfxai.core.model.cache import ModelCache
from tfxai.core.options import Declared, check_seed, option
from tfxai.core.program import compiled
from tfxai.errors import InvalidInputError
from tfxai.features.measured import groups_of, shape_of, values
from tfxai.features.objectives import Layer
from tfxai.features.pictures import PictureModel, alive, as_pixels
from tfxai.progress import Report, shown
from tfxai.subject import Subject

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_programs = ModelCache(16)


@dataclasses.dataclass(frozen=True, eq=False)
class Dream:
    """An image and how it came about.

    Args:
        image: (H, W, C) uint8.
        layers: Paths of the layers that were raised.
        norms: (octaves, 2) root mean square of the layers' activations before and after each
            octave, as the mean over the tiles of that size.
        sizes: (H, W) of each octave, the smallest first.
    """

    image: Array
    layers: tuple[str, ...]
    norms: Array
    sizes: tuple[tuple[int, int], ...]

    def __repr__(self) -> str:
        return (
            f"Dream({' and '.join(map(repr, self.layers))}, image {self.image.shape}, "
            f"{len(self.sizes)} octaves)"
        )

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        title: str = "",
        *,
        figsize: Any = None,
    ) -> Figure:
        """The image, with how much the layers' activations rose at its own size.

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

        before, after = self.norms[-1]
        note = f"activations {before:.3g} to {after:.3g}"
        return plot_sheet(
            self.image[None],
            [", ".join(self.layers)],
            [note],
            path=path,
            title=title,
            figsize=figsize,
        )

    def _repr_html_(self) -> str:
        from tfxai.plotting.figures import record_html

        rises = (
            f"{height} x {width}: {before:.3g} to {after:.3g}"
            for (height, width), (before, after) in zip(self.sizes, self.norms, strict=True)
        )
        facts = [("Activations by size", ", ".join(rises))]
        return record_html(repr(self), facts, self.plot)


@final
@dataclasses.dataclass(frozen=True)
class DeepDream(Declared):
    """Raises the activations of layers from an image on, at several sizes, the smallest first.

    An image larger than the model's input is taken in tiles of that size. At each step the grid
    of tiles lies elsewhere, and tiles overlap with weights that fall to their edges, so that no
    seam shows; memory holds one chunk of tiles whatever the image's size.

    Args:
        layers: Path of a layer, or several.
        octaves: Number of sizes, at least 1.
        octave_scale: From each size to the next, above 1.
        steps: Steps at each size, at least 1.
        learning_rate: Mean change of a pixel in [0, 1] at each step, above 0.
        overlap: Part of a tile that overlaps with the next, in [0, 1).
        size: (H, W) of the tiles, for a model that takes any size; None for the model's own.
        seed: Seed of the places of the tiles.

    Raises:
        InvalidInputError: An option is out of its range.

    Reference:
        Mordvintsev et al., "Inceptionism", Google Research Blog, 2015.
        Departure: overlapping tiles in the place of a rolled image.

    Example:
        >>> import tfxai
        >>> from tfxai.data import fit_image, sample_image
        >>> from tfxai.features import DeepDream
        >>> cat = fit_image(sample_image("chelsea"), 48, 48)
        >>> dream = DeepDream("Conv2D_Block2_Layer1", octaves=2, steps=2)
        >>> dream(tfxai.load("cifar10_cnn"), cat).sizes
        ((34, 34), (48, 48))
    """

    layers: Any
    octaves: int = option(4, at_least=1)
    octave_scale: float = option(1.4, above=1.0)
    steps: int = option(10, at_least=1)
    learning_rate: float = option(0.01, above=0.0)
    overlap: float = option(0.5, at_least=0.0, below=1.0)
    size: tuple[int, int] | None = None
    seed: int = 0

    def _check_together(self) -> None:
        is_several = isinstance(self.layers, list | tuple)
        several = tuple(self.layers) if is_several else (self.layers,)
        if not several or not all(isinstance(one, str) for one in several):
            raise InvalidInputError(
                f"layers={self.layers!r} was expected to be the path of a layer, or several."
            )
        object.__setattr__(self, "layers", several)
        check_seed(self.seed)

    def __call__(
        self,
        subject: keras.Model | Subject,
        image: Any,
        *,
        progress: bool | Report | None = None,
    ) -> Dream:
        """The image as the layers would have it.

        Args:
            subject: A subject whose card says how pixels become the input.
            image: (H, W, C) uint8, of any size.
            progress: As for a method's call.

        Raises:
            LayerNotFoundError: There is no such layer.
            InvalidInputError: The image is no such image.
            UnsupportedModelError: The model takes no images.
        """
        subject = Subject.of(subject)
        task = PictureModel.of(subject, self.size)
        for path in self.layers:
            shape_of(task.structure, path)
        pixels = _read(image, task.shape[-1])
        sizes = self._sizes(pixels.shape[:2])
        climb = _Tiles(subject.model, task, self.layers, self.overlap)
        draws = np.random.default_rng(self.seed)
        change = np.zeros((*sizes[0], pixels.shape[-1]), np.float32)
        norms, now = [], np.asarray(pixels)
        with shown(progress, "dream", len(sizes) * self.steps) as report:
            for octave, size in enumerate(sizes):
                plain = _resized(pixels, size)
                now = plain + _resized(change, size)
                before = climb.norm(now)
                for step in range(self.steps):
                    gradient = climb.gradient(now, draws.random(2).tolist())
                    length = np.abs(gradient).mean() + 1e-12
                    now = np.clip(now + self.learning_rate * gradient / length, 0, 1)
                    report(octave * self.steps + step + 1, len(sizes) * self.steps)
                change = now - plain
                norms.append((before, climb.norm(now)))
        return Dream(as_pixels(now), self.layers, np.asarray(norms), sizes)

    def _sizes(self, whole: Sequence[int]) -> tuple[tuple[int, int], ...]:
        """The size of each octave; at least 8 pixels a side."""
        factors = [self.octave_scale**-i for i in reversed(range(self.octaves))]
        sides = [(round(whole[0] * one), round(whole[1] * one)) for one in factors]
        if min(sides[0]) < 8:
            raise InvalidInputError(
                f"The smallest octave of an image of {tuple(whole)} would have {sides[0]} pixels. "
                "Pass fewer octaves, or a larger image."
            )
        return tuple(sides)


class _Tiles:
    """The gradient of an image by tiles of the model's size.

    Args:
        model: The model.
        task: How it takes pictures.
        layers: Paths of the layers that are raised.
        overlap: Part of a tile that overlaps with the next.
    """

    def __init__(
        self, model: keras.Model, task: PictureModel, layers: tuple[str, ...], overlap: float
    ) -> None:
        self._sides = task.shape[:2]
        self._steps = [max(round(n * (1 - overlap)), 1) for n in self._sides]
        self._rows = max(min(config.memory_budget // task.structure.pass_bytes, 16), 1)
        key = (task, layers, config.jit_compile)
        self._run = _programs.get(model, key, lambda: _gradients(model, task, layers))
        ramps = [np.minimum(np.arange(n) + 1, np.arange(n)[::-1] + 1) for n in self._sides]
        self._window = np.outer(*ramps)[..., None].astype(np.float32)

    def gradient(self, image: Array, offset: Sequence[float]) -> Array:
        """By each pixel of an image (H, W, C), for a grid moved by a share of its step."""
        total = np.zeros(image.shape, np.float32)
        count = np.zeros((*image.shape[:2], 1), np.float32)
        for places, gradients, _ in self._passes(image, offset):
            for (top, left), gradient in zip(places, gradients, strict=True):
                inside, window = self._inside(image.shape, top, left)
                total[inside] += gradient[window] * self._window[window]
                count[inside] += self._window[window]
        return total / np.maximum(count, 1)

    def norm(self, image: Array) -> float:
        """The root mean square of the layers' activations."""
        squares = [square for _, _, found in self._passes(image, (0, 0)) for square in found]
        return float(np.sqrt(np.mean(squares)))

    def _passes(self, image: Array, offset: Sequence[float]) -> Any:
        """Places, gradients and mean squares of a chunk of tiles at a time."""
        places = self._places(image.shape, offset)
        height, width = self._sides
        around = [(height, height), (width, width), (0, 0)]
        padded = np.pad(image, around, "symmetric")
        for i in range(0, len(places), self._rows):
            part = places[i : i + self._rows]
            tiles = [
                padded[top + height : top + 2 * height, left + width : left + 2 * width]
                for top, left in part
            ]
            gradients, squares = self._run(tf.constant(np.stack(tiles), tf.float32))
            yield part, gradients.numpy(), squares.numpy()

    def _places(self, shape: Sequence[int], offset: Sequence[float]) -> list[tuple[int, int]]:
        """Corners of tiles that cover the image; a smaller image lies in the middle of one."""
        along = []
        for n, side, step, share in zip(shape, self._sides, self._steps, offset, strict=False):
            if n <= side:
                along.append([(n - side) // 2])
            else:
                first = -int(share * step)
                along.append(list(range(first, n, step)))
        return [(top, left) for top in along[0] for left in along[1]]

    def _inside(
        self, shape: Sequence[int], top: int, left: int
    ) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Where a tile lies in the image, and which part of the tile that is."""
        inside, window = [], []
        for n, side, start in zip(shape, self._sides, (top, left), strict=False):
            low, high = max(start, 0), min(start + side, n)
            inside.append(slice(low, high))
            window.append(slice(low - start, high - start))
        return (inside[0], inside[1]), (window[0], window[1])


def _gradients(
    model: keras.Model, task: PictureModel, layers: tuple[str, ...]
) -> Callable[..., Any]:
    """From tiles (K, h, w, C) in [0, 1] to gradients and mean squares of the layers (K,)."""
    reference = weakref.ref(model)
    groups = groups_of([Layer(path) for path in layers])

    def run(tiles: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x = task.inputs(tiles)
        weights = [tf.fill(tf.shape(x)[:1], 1 / len(groups)) for _ in groups]
        one = task.passed(alive(reference), x)
        squares = values(one, x, task.structure, groups, weights)
        return tf.gradients(squares, tiles)[0], squares

    return compiled(run, [tf.TensorSpec((None, *task.shape))], jit=config.jit_compile)


def _read(image: Any, channels: int) -> Array:
    """(H, W, C) float32 in [0, 1]."""
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[-1] != channels:
        raise InvalidInputError(
            f"image of shape {array.shape} and type {array.dtype} came, and (H, W, {channels}) "
            "uint8 was expected."
        )
    return np.asarray(array / 255, np.float32)


def _resized(image: Array, size: tuple[int, int]) -> Array:
    """(H, W, C) float32 brought to another size (bicubic)."""
    if image.shape[:2] == tuple(size):
        return image
    channels = [
        Image.fromarray(image[..., i]).resize(size[::-1], Image.Resampling.BICUBIC)
        for i in range(image.shape[-1])
    ]
    return np.stack([np.asarray(one, np.float32) for one in channels], axis=-1)
