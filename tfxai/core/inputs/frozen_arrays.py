"""Arrays as options of a method: compared and hashed by what they hold."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxai.columns import is_frame
from tfxai.core.inputs.frames import column_array, frame_array
from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array


@dataclasses.dataclass(frozen=True, eq=False)
class FrozenArray:
    """An array that is compared and hashed by what it holds.

    Args:
        array: The values; copied and made read-only.
    """

    array: Array

    def __post_init__(self) -> None:
        array = np.array(self.array)
        array.flags.writeable = False
        object.__setattr__(self, "array", array)

    @property
    def digest(self) -> str:
        """SHA-256 over type, shape and values."""
        head = f"{self.array.dtype.str}{self.array.shape}".encode()
        return hashlib.sha256(head + self.array.tobytes()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenArray) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.array, dtype) if copy else np.asarray(self.array, dtype)

    def __repr__(self) -> str:
        return f"FrozenArray(shape={self.array.shape}, sha256={self.digest[:8]})"

    @classmethod
    def of(cls, name: str, numbers: Any, expected: str) -> FrozenArray:
        """`numbers` as float64, as which they come back from JSON: equal ones are equal options.

        Args:
            name: Name of the option.
            numbers: A number, an array or nested lists.
            expected: What may be passed, a sentence for the error.

        Raises:
            InvalidInputError: They are no finite numbers.
        """
        if isinstance(numbers, FrozenArray):
            return numbers
        if is_frame(numbers):
            numbers = _of_truths(frame_array(numbers))
        elif hasattr(numbers, "to_numpy"):
            column = str(getattr(numbers, "name", None) or name)
            numbers = _of_truths(column_array(column, numbers))
        try:
            array = np.asarray(numbers)
        except ValueError:  # lists of unequal lengths
            array = np.asarray(None)
        if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
            raise InvalidInputError(
                f"{name}={_described(numbers)} was expected to be finite numbers. {expected}"
            )
        return cls(array.astype(np.float64))


@dataclasses.dataclass(frozen=True)
class FrozenArrays:
    """One array for each named input.

    Args:
        parts: Names and arrays; a str for an input of texts.
    """

    parts: tuple[tuple[str, FrozenArray | str], ...]

    def __getitem__(self, name: str) -> FrozenArray | str:
        return dict(self.parts)[name]


def _of_truths(array: Array) -> Array:
    """Truths as 0 and 1, as a table has them; other arrays as they are."""
    return array.astype(np.float64) if array.dtype.kind == "b" else array


def _described(numbers: Any) -> str:
    """What was passed, in a few words."""
    shape = getattr(numbers, "shape", None)
    if shape is not None:
        problem = " with NaN or infinity" if numbers.dtype.kind == "f" else ""
        return f"(an array of {numbers.dtype}, shape {tuple(shape)}{problem})"
    text = repr(numbers)
    return text if len(text) <= 60 else f"{text[:57]}..."


def listed(value: Any) -> Any:
    """Nested dicts and lists with each array as nested lists, for JSON."""
    return replaced(value, lambda content: content.array.tolist())


def replaced(value: Any, by: Callable[[FrozenArray], Any]) -> Any:
    """Nested dicts and lists with something else in the place of each array."""
    if isinstance(value, FrozenArray):
        return by(value)
    if isinstance(value, FrozenArrays):
        return {name: replaced(one, by) for name, one in value.parts}
    if isinstance(value, dict):
        return {name: replaced(one, by) for name, one in value.items()}
    return [replaced(one, by) for one in value] if isinstance(value, list) else value
