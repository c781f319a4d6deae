"""From what a source gives to what the model takes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from PIL import UnidentifiedImageError

from tfxai.arrays import Array
from tfxai.batch.sources.rows import Row
from tfxai.data.images import decode_image, fit_image, grey_image
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError
from tfxai.subject import Subject

INPUTS = "inputs"
"""The column of a batch that is the model's one input."""


@dataclasses.dataclass(frozen=True)
class Taken:
    """What a model takes.

    Args:
        shapes: Shape of each input without the batch, None where any size is taken; one under
            `INPUTS` where the model has one input.
        takes_texts: Whether the input is a text.
        interpolation: How pictures of another size are brought to the model's.
        preprocessing: How pixels become its input, where the card says it.
        names: Names of the model's inputs.
    """

    shapes: dict[str, tuple[int | None, ...] | None]
    takes_texts: bool
    interpolation: str = "lanczos"
    preprocessing: Preprocessing | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def by(cls, subject: Subject, resize: int | None = None) -> Taken:
        """What the model of a subject takes.

        Args:
            subject: The model with its card.
            resize: Side of the squares that pictures are made into by a bilinear filter; None
                brings those of another size to the model's by a sharper one (Lanczos).

        Raises:
            InvalidInputError: It takes no picture of the size `resize`.
        """
        taken = cls._by(subject)
        if resize is None:
            return taken
        images = {name: one for name, one in taken.shapes.items() if one and _is_image(one)}
        if not images or any({*one[:2]} - {None, resize} for one in images.values()):
            given = ", ".join(map(str, taken.shapes.values()))
            raise InvalidInputError(
                f"The model takes {given}, and pictures were to be made {resize}x{resize}. Leave "
                "the resizing out, or choose the model's size."
            )
        squares = {name: (resize, resize, one[2]) for name, one in images.items()}
        shapes = {**taken.shapes, **squares}
        return dataclasses.replace(taken, shapes=shapes, interpolation="bilinear")

    @classmethod
    def _by(cls, subject: Subject) -> Taken:
        declared = list(getattr(subject.model, "inputs", None) or [])
        names = tuple(str(one.name) for one in declared)
        words: dict[str, Any] = {"preprocessing": subject.preprocessing, "names": names}
        if subject.encoder is not None:
            return cls({INPUTS: None}, True, **words)
        if len(declared) > 1:
            return cls({one.name: tuple(one.shape[1:]) for one in declared}, False, **words)
        shape = tuple(declared[0].shape[1:]) if declared else None
        if shape is None and subject.card is not None and subject.card.input_shape is not None:
            shape = tuple(subject.card.input_shape)
        return cls({INPUTS: shape}, False, **words)

    def columns(self, fields: Sequence[str]) -> tuple[str, ...] | str:
        """The columns of a batch that the model is given, of rows with these fields.

        Raises:
            InvalidInputError: The fields are not those of the model's inputs.
        """
        if len(self.shapes) > 1:
            if set(fields) != set(self.shapes):
                raise InvalidInputError(
                    f"The model has the inputs {', '.join(self.shapes)}, and the examples give "
                    f"{', '.join(fields)}. Fields called as the inputs are taken by themselves; "
                    "among others name them with --input-field."
                )
            return tuple(self.shapes)
        return INPUTS if len(fields) == 1 else tuple(fields)

    def read(self, row: Row) -> tuple[dict[str, Any], bool]:
        """What the model is given of a row, and whether a picture was cropped or resized.

        Raises:
            InvalidInputError: It does not fit the model.
        """
        if len(self.shapes) > 1:
            read = {
                name: self._one(name, row.inputs[name], shape)
                for name, shape in self.shapes.items()
            }
        elif len(row.inputs) > 1:
            return {name: _number(name, one) for name, one in row.inputs.items()}, False
        else:
            ((name, value),) = row.inputs.items()
            read = {INPUTS: self._one(name, value, self.shapes[INPUTS])}
        values = {name: one for name, (one, _) in read.items()}
        return values, any(was_fitted for _, was_fitted in read.values())

    def _one(
        self, name: str, value: Any, shape: tuple[int | None, ...] | None
    ) -> tuple[Any, bool]:
        if self.takes_texts:
            return _text(name, value), False
        is_image = shape is not None and _is_image(shape)
        if isinstance(value, bytes) and (is_image or shape is None):
            value = _decoded(name, value)
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            wanted = "an image" if is_image else "an array of numbers"
            raise InvalidInputError(
                f"Its field {name!r} is {_kind(value)}, and {wanted} was expected. Name another "
                "field, or correct the data."
            )
        if shape is None:
            return _typed(array), False
        if is_image:
            return self._image(name, array, shape)
        return _fitting(name, _typed(array), shape), False

    def _image(self, name: str, array: Array, shape: tuple[int | None, ...]) -> tuple[Array, bool]:
        if self.preprocessing is not None:
            array = as_pixels(array)
        if array.ndim == 1 or (array.ndim == 2 and shape[2] == 1):
            array = _fitting(name, array, shape)
        if array.dtype != np.uint8:
            if self.preprocessing is not None and len(self.shapes) == 1:
                self.preprocessing.check_range(
                    f"The numbers of its field {name!r} run", array, _AS
                )
            return _fitting(name, _typed(array), shape), False
        if self.preprocessing is None:
            raise InvalidInputError(
                "Its input is pixels (uint8), and the model has no card that says how pixels "
                "become its input. Pass --preprocessing."
            )
        if array.ndim != 3 or array.shape[2] not in (1, 3):
            return _fitting(name, array, shape), False
        fitted, (height, width, _) = array, shape
        if height and width and array.shape[:2] != (height, width):
            coloured = np.repeat(array, 3, 2) if array.shape[2] == 1 else array
            fitted = fit_image(coloured, height, width, self.interpolation)
        if fitted.shape[2] != shape[2]:
            fitted = grey_image(fitted) if shape[2] == 1 else np.repeat(fitted, 3, axis=2)
        return fitted, array.shape[:2] != fitted.shape[:2]


_AS = (
    "Write pixels as integers from 0 to 255 (12, not 12.0) or as an encoded image, or preprocess "
    "them first."
)


_BATCH_OF_IMAGES = 4  # axes


def as_pixels(array: Array) -> Array:
    """Integers from 0 to 255 as uint8, anything else as it is."""
    if array.dtype.kind not in "iu" or not array.size or array.min() < 0 or array.max() > 255:
        return array
    return array.astype(np.uint8, copy=False)


def batch_as_pixels(array: Array) -> Array:
    """A batch of images (B, H, W, C) of integers from 0 to 255 as uint8, others as they are."""
    return as_pixels(array) if array.ndim == _BATCH_OF_IMAGES else array


def stacked(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows of one shape as the columns of a batch."""
    return {
        name: [one[name] for one in values]
        if isinstance(values[0][name], str)
        else np.stack([one[name] for one in values])
        for name in values[0]
    }


def shape_of(value: Mapping[str, Any]) -> tuple[Any, ...]:
    """What rows have to have in common to stand in one batch."""
    return tuple(
        () if isinstance(one, str) else (np.shape(one), np.asarray(one).dtype.str)
        for one in value.values()
    )


def _is_image(shape: tuple[int | None, ...]) -> bool:
    return (
        len(shape) == 3
        and shape[2] in (1, 3)
        and keras.config.image_data_format() != "channels_first"
    )


def _typed(array: Array) -> Array:
    return array.astype(np.float32) if array.dtype.kind in "bf" else array


def _fitting(name: str, array: Array, shape: tuple[int | None, ...]) -> Array:
    """An array of the shape: a flat one is folded, and axes of one element come and go."""
    if len(array.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    ):
        return array
    known = [side for side in shape if side is not None]
    is_flat = array.ndim == 1 or [n for n in array.shape if n > 1] == [n for n in known if n > 1]
    if len(known) == len(shape) and is_flat and array.size == np.prod(known):
        return array.reshape(known)
    raise InvalidInputError(
        f"Its field {name!r} has shape {array.shape}, and {shape} was expected. Bring the "
        "data to the model's shape."
    )


def _number(name: str, value: Any) -> Any:
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "biuf":
        raise InvalidInputError(
            f"Its field {name!r} is {_kind(value)}, and a number was expected. Name fields of "
            "numbers, or one of an array."
        )
    return array.reshape(()).astype(np.float32)


def _decoded(name: str, value: bytes) -> Array:
    try:
        return decode_image(value, name=f"Its field {name!r}")
    except InvalidInputError as error:
        if not isinstance(error.__cause__, UnidentifiedImageError):
            raise
        raise InvalidInputError(
            f"Its field {name!r} holds {len(value):,} bytes that are no encoded image. Write a "
            "PNG or JPEG, or the pixels as a list of numbers: raw bytes (tobytes) and serialized "
            "tensors are not read."
        ) from error


def _text(name: str, value: Any) -> str:
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"Its field {name!r} is no UTF-8. Encode the text so."
            ) from error
    if not isinstance(value, str):
        raise InvalidInputError(
            f"Its field {name!r} is {_kind(value)}, and a text was expected. Name another field, "
            "or correct the data."
        )
    if not value.strip():
        raise InvalidInputError(
            f"Its field {name!r} is an empty text, in which there is nothing to explain. Leave it "
            "out."
        )
    return value


def _kind(value: Any) -> str:
    if value is None:
        return "missing (null)"
    named = {"str": "a text", "bytes": "bytes", "list": "a list of parts of several lengths"}
    name = type(value).__name__
    return named.get(name, f"of type {name}")
