"""The baseline x' of a path or an occlusion: the input that stands for nothing to see."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfxai.core.inputs import Array, Layout, fitted
from tfxai.errors import InvalidInputError, UnknownNameError

NAMED = {"black": 0.0, "white": 255.0}


@dataclasses.dataclass(frozen=True, eq=False)
class Content:
    """An array as an option of a method: compared and hashed by what it holds.

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
        return isinstance(other, Content) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Content(shape={self.array.shape}, sha256={self.digest[:8]})"


def check_baseline(baseline: Any) -> Any:
    """A `baseline` option in its stored form: None, a float, a name or a `Content`.

    Raises:
        InvalidInputError: It is none of these, or not finite.
    """
    if baseline is None or isinstance(baseline, Content):
        return baseline
    if isinstance(baseline, str):
        if baseline not in NAMED:
            raise UnknownNameError.of("baseline", baseline, NAMED)
        return baseline
    try:
        array = np.asarray(baseline)
    except ValueError:  # lists of unequal lengths
        array = np.asarray(None)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise InvalidInputError(
            f"baseline={baseline!r} was expected to be finite numbers. Pass None, a number, "
            f"{' or '.join(map(repr, NAMED))}, or an array shaped like one input or the batch."
        )
    # float64, as what comes back from JSON: equal numbers are equal options
    return float(array) if array.ndim == 0 else Content(array.astype(np.float64))


def read_baseline(
    baseline: Any, layout: Layout, leaves: Sequence[Array], preprocessing: Any | None
) -> list[Array]:
    """The baseline of every input, (B, ...) each, in the model's units.

    Args:
        baseline: As `check_baseline` returns it. None is black before preprocessing where the
            preprocessing is known, and zeros where it is not; a number fills the input.
        layout: The inputs of the model.
        leaves: The inputs; integers that are held beside others are their own baseline, and
            where there is nothing else (tokens, explained at a layer) the baseline is of integers.
        preprocessing: With `apply(pixels)`, or None.

    Raises:
        InvalidInputError: A colour without preprocessing, an array of another shape, or
            numbers that are not finite or not whole in the input's type.
    """
    result = list(leaves)
    for i in layout.explained or layout.held:
        one = _one(baseline, leaves[i].shape, preprocessing)
        one = fitted(f"The baseline of input {layout.names[i]!r}", one, layout.dtypes[i])
        result[i] = np.broadcast_to(one, leaves[i].shape)
    return result


def _one(baseline: Any, shape: tuple[int, ...], preprocessing: Any | None) -> Array:
    if isinstance(baseline, Content):
        if baseline.array.shape not in (shape, shape[1:], (1, *shape[1:])):
            raise InvalidInputError(
                f"The baseline has shape {baseline.array.shape}, and the inputs have {shape}. "
                f"Pass one baseline of shape {shape[1:]}, or one per example."
            )
        return baseline.array
    if isinstance(baseline, str) and preprocessing is None:
        raise InvalidInputError(
            f"baseline={baseline!r} is a colour, and the model has no card that says how pixels "
            "are preprocessed. Pass a number or an array in the model's own units."
        )
    if isinstance(baseline, str) or (baseline is None and preprocessing is not None):
        pixels = np.full(shape[1:], NAMED[baseline or "black"], np.float32)
        return np.asarray(preprocessing.apply(pixels))  # type: ignore[union-attr]
    return np.asarray(0.0 if baseline is None else baseline)
