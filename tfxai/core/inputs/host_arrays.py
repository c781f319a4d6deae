"""Arrays that are made of the inputs on the host and reach a program as tensors."""

from __future__ import annotations

import abc
import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tfxai.errors import InvalidInputError

if TYPE_CHECKING:
    from tfxai.arrays import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """The batch as work on the host sees it.

    Args:
        inputs: The inputs that are explained, (B, ...) each, in the model's units, channels last.
        preprocessing: With `invert(inputs)`, which gives true colours, or None.
    """

    inputs: tuple[Array, ...]
    preprocessing: Any | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    @property
    def images(self) -> Array:
        """The first input, in the model's units."""
        return self.inputs[0]

    @property
    def colours(self) -> Array:
        """The first input in true colours where they are known, else as it is."""
        how = self.preprocessing
        return self.images if how is None else np.asarray(how.invert(self.images))


class HostArray(abc.ABC):
    """A record of how an array with one row for each example is made on the host.

    A frozen dataclass. A method that has one as an option, or names one in `_host_arrays`, finds
    its array in `f.given[record]`, repeated and gathered with the batch.
    """

    is_of_inputs: ClassVar[bool] = True
    """Whether the array depends on the inputs. One that does not can be exported."""
    deed: ClassVar[str] = "makes an array of each example"
    """What it does, to follow "It" in a sentence."""
    instead: ClassVar[str] = ""
    """What to pass where nothing can be made on the host, a sentence."""

    @abc.abstractmethod
    def make(self, examples: Examples) -> Array:
        """The array, (B, ...): a type and a shape of rows that depend on no values of inputs."""

    def made(self, examples: Examples) -> Array:
        """As `make`, checked.

        Raises:
            InvalidInputError: There is not one row for each example.
        """
        array = np.asarray(self.make(examples))
        if array.ndim == 0 or len(array) != len(examples):
            raise InvalidInputError(
                f"{self!r} made an array of shape {array.shape} for {len(examples)} examples. "
                "Its make() was expected to give one row for each."
            )
        return array
