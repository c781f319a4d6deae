"""From pictures in [0, 1] to what a model takes, and back to pixels."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Sequence
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrangement import is_moved
from tfxai.arrays import Array
from tfxai.core.forward import ForwardPass
from tfxai.core.inputs.layout import Layout
from tfxai.core.inputs.reading import read_inputs
from tfxai.core.model.structure import ModelStructure, model_structure
from tfxai.core.network import Network
from tfxai.core.question.scores import Question
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.subject import Subject


@dataclasses.dataclass(frozen=True)
class PictureModel:
    """A model of pictures, and how pixels become its input.

    Args:
        layout: The model's input.
        structure: Its structure.
        preprocessing: From pixels 0..255 to the input.
        shape: (H, W, C) of a picture.
    """

    layout: Layout
    structure: ModelStructure
    preprocessing: Preprocessing
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, subject: Subject, size: tuple[int, int] | None = None) -> PictureModel:
        """Reads what is needed of a subject.

        Args:
            subject: The model and its card.
            size: (H, W) of the pictures, for a model that takes any; None for the model's own.

        Raises:
            InvalidInputError: Nothing says how pixels become the input, or how large they are.
            UnsupportedModelError: The model takes no images, or has its channels first.
        """
        shape = _shape(subject, size)
        if subject.preprocessing is None:
            raise InvalidInputError(
                "The model has no card that says how pixels become its input. Pass "
                "Subject(model, Card(name=..., preprocessing='unit')), with the preprocessing "
                "that it was trained with."
            )
        example = np.zeros((1, *shape), np.uint8)
        layout, _ = read_inputs(subject.model, subject.prepare(example))
        structure = model_structure(subject.model, layout)
        structure.require_layers()
        if (structure.axes and is_moved(structure.axes[0])) or shape[-1] not in (1, 3):
            raise UnsupportedModelError(
                f"The model takes {shape} an example, and (H, W, 3) or (H, W, 1) was expected, "
                "channels last. Pictures are made for such models only."
            )
        return cls(layout, structure, subject.preprocessing, shape)

    @classmethod
    def for_images(cls, subject: Subject, images: Any) -> PictureModel:
        """As `of`, of the size of images (N, H, W, C) where the model takes any size."""
        shape = getattr(images, "shape", ())
        declared = getattr(subject.model, "inputs", None) or []
        is_free = len(declared) == 1 and None in declared[0].shape[1:3]
        return cls.of(subject, tuple(shape[1:3]) if is_free and len(shape) == 4 else None)

    def inputs(self, pictures: tf.Tensor) -> tf.Tensor:
        """What the model takes for pictures (K, H, W, C) in [0, 1], while a graph is traced."""
        if self.preprocessing.name == "caffe":
            pictures = tf.reverse(pictures, [-1])
        scale = np.asarray(255 * self.preprocessing.scale, np.float32)
        return pictures * scale + np.asarray(self.preprocessing.offset, np.float32)

    def passed(self, model: keras.Model, x: tf.Tensor) -> ForwardPass:
        """One pass of the model at x (K, H, W, C), while a graph is traced."""
        dtype = tf.as_dtype(self.layout.dtypes[0])
        if not dtype.is_floating:
            raise UnsupportedModelError(
                f"The model takes {dtype.name}, through which no gradient leads. Pass one that "
                "takes floating-point numbers."
            )

        def given(x: tf.Tensor, held: tuple[tf.Tensor, ...]) -> Any:
            return self.layout.structure([tf.cast(x, dtype), *held])

        network = Network.of(model, self.structure, given, may_cut=False)
        nobody = tf.zeros(tf.shape(x)[:1], tf.int32)
        return ForwardPass(network, x, (), Question("nothing", _nothing), self.structure, nobody)


def as_pixels(pictures: Array) -> Array:
    """Pictures in [0, 1] as uint8."""
    return np.asarray(np.round(np.clip(pictures, 0, 1) * 255), np.uint8)


def alive(reference: weakref.ref[keras.Model]) -> keras.Model:
    """The model of a call: the caller holds it."""
    return cast(keras.Model, reference())


def _nothing(outputs: Any) -> tf.Tensor:
    return tf.zeros(tf.shape(tf.nest.flatten(outputs)[0])[:1])


def _shape(subject: Subject, size: tuple[int, int] | None) -> tuple[int, int, int]:
    """(H, W, C) of the pictures that a model takes."""
    declared: Sequence[Any] = getattr(subject.model, "inputs", None) or []
    found = tuple(declared[0].shape[1:]) if len(declared) == 1 else None
    if not declared and subject.card is not None:
        found = subject.card.input_shape
    if found is None or len(found) != 3 or found[-1] is None:
        what = "several inputs or none" if found is None else str(found)
        raise UnsupportedModelError(
            f"The model takes {what} an example, and one image (H, W, C) was expected. For a "
            "model that declares no input, say it in the card: Card(input_shape=(H, W, C))."
        )
    height, width = (n or own for n, own in zip(found[:2], size or (None, None), strict=True))
    if height is None or width is None:
        raise InvalidInputError("The model takes images of any size. Pass size=(H, W).")
    if size is not None and (height, width) != tuple(size):
        raise InvalidInputError(
            f"size={tuple(size)} came, and the model takes {(height, width)}. Leave size out."
        )
    return int(height), int(width), int(found[-1])
