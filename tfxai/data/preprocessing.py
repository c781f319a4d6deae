"""Turns pixels into what a model takes, and back into something a person can look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, final

import numpy as np

from tfxai.errors import InvalidInputError, UnknownNameError

CIFAR10_MEAN = (0.4914, 0.4822, 0.4465)
"""Mean of each channel (red, green, blue) of CIFAR-10's training images in [0, 1]."""
CIFAR10_STD = (0.2470, 0.2435, 0.2616)
"""Standard deviation of each channel of CIFAR-10's training images in [0, 1]."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
IMAGENET_BGR_MEAN = (103.939, 116.779, 123.68)  # of pixels 0..255

NAMES = ("none", "unit", "standardise", "tf", "torch", "caffe")


@final
@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How pixels 0..255 become the numbers that a model takes.

    Every mode is one multiplication and one addition per channel, `pixels * scale +
    offset`, after a change of channel order for `"caffe"`.

    Args:
        name: `"none"` (the pixels as they are), `"unit"` (x / 255), `"standardise"`
            (x / 255, then minus `mean`, divided by `std`, per channel), or one of Keras
            applications' modes: `"tf"` (x / 127.5 - 1), `"torch"` (x / 255, then
            ImageNet's mean and standard deviation), `"caffe"` (RGB to BGR, then minus
            ImageNet's mean pixel).
        mean: Mean of each channel of images in [0, 1], shape (C,), for `"standardise"`.
        std: Standard deviation of each channel, shape (C,), above 0, for `"standardise"`.

    Raises:
        UnknownNameError: There is no preprocessing of that name.
        InvalidInputError: `mean` or `std` is missing, superfluous or of the wrong length.

    Example:
        >>> import numpy as np
        >>> Preprocessing("tf").apply(np.array([[[0, 255, 51]]])).tolist()
        [[[-1.0, 1.0, -0.6000000238418579]]]
    """

    name: str = "unit"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.name not in NAMES:
            raise UnknownNameError.of("preprocessing", self.name, NAMES)
        given = self.mean is not None or self.std is not None
        if self.name != "standardise":
            if given:
                raise InvalidInputError(
                    f"mean and std came with the preprocessing {self.name!r}, which has its "
                    "own. Leave them out, or use 'standardise'."
                )
            return
        for field in ("mean", "std"):
            object.__setattr__(self, field, _numbers(field, getattr(self, field)))
        if len(self.mean or ()) != len(self.std or ()):
            raise InvalidInputError(
                f"mean has {len(self.mean or ())} numbers and std {len(self.std or ())}. "
                "Give both one number per channel."
            )
        if not all(value > 0 for value in self.std or ()):
            raise InvalidInputError(
                f"std={self.std} has a value that is not above 0. Give positive numbers."
            )

    def check_range(self, what: str, numbers: np.ndarray, advice: str) -> None:
        """Refuses pixels that were not preprocessed.

        Args:
            what: Subject and verb of the sentence, such as `"The inputs run"`.
            numbers: Numbers that should be in the model's units.
            advice: A sentence that says what to do.

        Raises:
            InvalidInputError: The numbers lie so far from what the preprocessing gives that they
                must be pixels.
        """
        if numbers.dtype.kind not in "fiu" or not numbers.size:
            return
        low, high = (np.asarray(end) for end in self.input_range)
        least, most = float(numbers.min()), float(numbers.max())
        room = float((high - low).max())
        if least < low.min() - room or most > high.max() + room:
            raise InvalidInputError(
                f"{what} from {least:g} to {most:g}, and preprocessed pixels from "
                f"{low.min():g} to {high.max():g}. {advice}"
            )

    @property
    def scale(self) -> np.ndarray:
        """What each channel of the pixels is multiplied by, () or (C,) float64."""
        if self.name in ("none", "caffe"):
            return np.asarray(1.0)
        if self.name == "unit":
            return np.asarray(1 / 255)
        if self.name == "tf":
            return np.asarray(1 / 127.5)
        return 1 / (255 * np.asarray(self._spread))

    @property
    def offset(self) -> np.ndarray:
        """What is then added to each channel, () or (C,) float64, in the model's order."""
        if self.name in ("none", "unit"):
            return np.asarray(0.0)
        if self.name == "tf":
            return np.asarray(-1.0)
        if self.name == "caffe":
            return -np.asarray(IMAGENET_BGR_MEAN)
        return -np.asarray(self._centre) / np.asarray(self._spread)

    @property
    def _centre(self) -> tuple[float, ...]:
        return IMAGENET_MEAN if self.name == "torch" else self.mean or ()

    @property
    def _spread(self) -> tuple[float, ...]:
        return IMAGENET_STD if self.name == "torch" else self.std or ()

    @property
    def input_range(self) -> tuple[Any, Any]:
        """What black and white become: (low, high), floats or tuples of C floats.

        A black baseline is `low`, in the model's own channel order.
        """
        low, high = self.offset, 255 * self.scale + self.offset
        if np.ndim(low) == 0 and np.ndim(high) == 0:
            return float(low), float(high)
        return tuple(map(float, low)), tuple(map(float, high))

    def apply(self, pixels: Any) -> np.ndarray:
        """What the model takes for these pixels.

        Args:
            pixels: (..., C), RGB where C is 3, in 0..255.

        Returns:
            (..., C) float32.

        Raises:
            InvalidInputError: The channels do not fit the preprocessing.
        """
        pixels = np.asarray(pixels)
        self._check_channels(pixels)
        if self.name == "caffe":
            pixels = pixels[..., ::-1]
        return np.asarray(pixels * self.scale + self.offset, np.float32)

    def invert(self, inputs: Any) -> np.ndarray:
        """The picture that a model's input was made from, for display.

        Args:
            inputs: (..., C) as from `apply`.

        Returns:
            (..., C) float32 in [0, 1], RGB where C is 3; what lies outside is clipped.

        Raises:
            InvalidInputError: The channels do not fit the preprocessing.
        """
        inputs = np.asarray(inputs)
        self._check_channels(inputs)
        pixels = (inputs.astype(np.float64) - self.offset) / self.scale
        if self.name == "caffe":
            pixels = pixels[..., ::-1]
        return np.asarray(np.clip(pixels / 255, 0, 1), np.float32)

    def _check_channels(self, array: np.ndarray) -> None:
        expected = 3 if self.name == "caffe" else max(self.scale.size, self.offset.size)
        channels = array.shape[-1] if array.ndim else 0
        if expected > 1 and channels != expected:
            raise InvalidInputError(
                f"The images have shape {array.shape}; the preprocessing {self.name!r} is for "
                f"{expected} channels in the last axis. Convert them first."
            )

    def to_dict(self) -> dict[str, Any]:
        """This record as plain JSON types."""
        record: dict[str, Any] = {"name": self.name}
        if self.mean is not None and self.std is not None:
            record |= {"mean": list(self.mean), "std": list(self.std)}
        return record

    @classmethod
    def from_dict(cls, record: Mapping[str, Any] | str) -> Preprocessing:
        """The preprocessing that `to_dict` wrote, or the one of a name.

        Raises:
            InvalidInputError: A key is unknown, or a value cannot be used.
        """
        if isinstance(record, str):
            return cls(record)
        if not isinstance(record, Mapping) or set(record) - {"name", "mean", "std"}:
            raise InvalidInputError(
                f"The preprocessing {record!r} is unknown to tfxai. Give a 'name', and "
                "'mean' and 'std' for 'standardise'."
            )
        return cls(**record)


def _numbers(field: str, values: Any) -> tuple[float, ...]:
    """`values` as a tuple of floats, checked."""
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not np.all(np.isfinite(numbers)):
        raise InvalidInputError(
            f"{field}={values!r} came with the preprocessing 'standardise'. Give one finite "
            "number per channel."
        )
    return numbers
