"""Inputs that every signature is run with once, and its answers: kept in the export.

They prove a copy of the export elsewhere (`tfxai check-serving`), and warm a server up.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps

from tfxai.arrays import Array
from tfxai.data.samples import sample_image
from tfxai.export.first_layers import expected_pixels
from tfxai.export.layouts import signature_names
from tfxai.export.names import TARGET, WARMUP
from tfxai.export.protos import prediction_log, write_records
from tfxai.export.signatures import MethodSignature
from tfxai.subject import Subject

PHOTOGRAPHS = ("chelsea", "coffee", "astronaut")
_TEXT = "an example of some text to explain"
_FREE = 16  # elements of an axis that is free
_TOKENS = 2  # integers are taken from the least of a vocabulary
Case = tuple[dict[str, Array], dict[str, Array]]
"""What goes into a signature and what comes out, by name."""


def probe(signature: MethodSignature, subject: Subject, example: list[Array] | None) -> Case:
    """A few examples for a signature, with the answers of this process.

    Args:
        signature: The function.
        subject: Whose preprocessing, or else first layers, say in what range images are.
        example: What the user gave; the first two of it are taken. None: photographs for images,
            else random numbers.
    """
    layout = signature.layout
    random = np.random.default_rng(0)
    feeds = {}
    count = 2 if example is not None else len(PHOTOGRAPHS)
    for i, name in enumerate(signature_names(layout)):
        shape = tuple(n or _FREE for n in layout.shapes[i])
        feeds[name] = (
            np.resize(example[i][:2], (count, *example[i].shape[1:]))
            if example is not None
            else _numbers(random, (count, *shape), layout.dtypes[i], subject)
        )
    if TARGET in signature.inputs:
        feeds[TARGET] = _targets(signature, count)
    return feeds, answers(signature, feeds)


def answers(signature: MethodSignature, feeds: dict[str, Array]) -> dict[str, Array]:
    """What the signature gives in this process."""
    tensors = {name: tf.convert_to_tensor(array) for name, array in feeds.items()}
    return {name: tensor.numpy() for name, tensor in signature.function(tensors).items()}


def invented(signature: Any) -> dict[str, Array]:
    """Inputs for a signature of which nothing is known but its `SignatureDef`."""
    random, feeds = np.random.default_rng(0), {}
    for name, info in signature.inputs.items():
        sizes = [dim.size for dim in info.tensor_shape.dim]
        shape = tuple(n if n >= 0 else 2 if i == 0 else _FREE for i, n in enumerate(sizes))
        kind = tf.as_dtype(info.dtype).name
        feeds[name] = _numbers(random, shape, kind, None)
    return feeds


def moved(feeds: dict[str, Array]) -> dict[str, Array]:
    """The same inputs, each number that has a point moved to a neighbour of its type."""
    random = np.random.default_rng(0)
    return {name: _moved(random, array) for name, array in feeds.items()}


def _moved(random: np.random.Generator, array: Array) -> Array:
    if array.dtype.kind != "f":
        return array
    to = np.where(random.random(array.shape) < 0.5, -np.inf, np.inf).astype(array.dtype)
    return np.nextafter(array, to)


def _targets(signature: MethodSignature, count: int) -> Array:
    ready = signature.ready
    axes = ready.axes if ready is not None else ()
    if len(axes) > 1:
        return np.zeros((count, len(axes)), np.int32)
    targets = np.full(count, -1, np.int32)
    targets[1] = 0 if axes else -1
    return targets


def _numbers(
    random: np.random.Generator, shape: tuple[int, ...], dtype: str, subject: Subject | None
) -> Array:
    if dtype == "string":
        return np.full(shape, _TEXT.encode())
    kind = tf.as_dtype(dtype)
    if not kind.is_floating:
        return random.integers(0, _TOKENS, shape).astype(kind.as_numpy_dtype)
    if subject is None or len(shape) != 4:
        return random.random(shape).astype(kind.as_numpy_dtype)
    how = subject.preprocessing or expected_pixels(subject.model)
    pixels = photographs(shape) if shape[-1] in (1, 3) else random.integers(0, 256, shape)
    return how.apply(pixels).astype(kind.as_numpy_dtype)


def photographs(shape: tuple[int, ...]) -> Array:
    """Photographs as uint8, (B, H, W, 3) or in grey (B, H, W, 1), cut and resized."""
    count, height, width, channels = shape
    made = []
    for name in itertools.islice(itertools.cycle(PHOTOGRAPHS), count):
        picture = Image.fromarray(sample_image(name)).convert("L" if channels == 1 else "RGB")
        made.append(np.asarray(ImageOps.fit(picture, (width, height))))
    return np.stack(made).reshape(shape)


def write_warmup(folder: Path, model: str, cases: dict[str, Case]) -> None:
    """One request for each signature, which a server runs before it answers anybody."""
    logs = (
        prediction_log(model, name, {key: array[:1] for key, array in feeds.items()})
        for name, (feeds, _) in cases.items()
    )
    write_records(str(folder / WARMUP), logs)


def write_cases(path: Path, cases: dict[str, Case]) -> None:
    """The probes and their answers, without pickle."""
    arrays: dict[str, Any] = {}
    for name, ends in cases.items():
        for end, part in zip(("in", "out"), ends, strict=True):
            for key, array in part.items():
                arrays[f"{name}/{end}/{key}"] = _storable(array)
    np.savez_compressed(path, **arrays)


def read_cases(path: Path) -> dict[str, Case]:
    """What `write_cases` wrote.

    Raises:
        ValueError, OSError, KeyError: It is damaged.
    """
    cases: dict[str, Case] = {}
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        for place in file.files:
            name, end, key = place.split("/", 2)
            cases.setdefault(name, ({}, {}))[end == "out"][key] = file[place]
    return cases


def _storable(array: Array) -> Array:
    """Texts as NumPy's own, which keep no pickle; they must not end in a zero byte."""
    if array.dtype != object:
        return array
    return np.array([bytes(one) for one in array.ravel()]).reshape(array.shape)
