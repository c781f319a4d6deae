"""Arrays of a signature that are made on the host, once, for they depend on no input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError
from tfxai.export.baselines import example_of, kept
from tfxai.methods.prepared import Prepared


class GivenArrays:
    """What `HostArray` records that depend on no input give, as a function of the inputs.

    Attributes:
        arrays: One row of each.
        variables: Those that are too large for a graph.

    Args:
        ready: The method, the model and its inputs.

    Raises:
        InvalidInputError: The model leaves axes of its inputs free.
    """

    def __init__(self, ready: Prepared) -> None:
        self.arrays: list[Array] = []
        self.variables: list[tf.Variable] = []
        self._values: list[Callable[[], tf.Tensor]] = []
        if not ready.host_arrays:
            return
        layout = ready.layout
        if any(None in layout.shapes[i] for i in layout.explained):
            raise InvalidInputError(
                f"{ready.host_arrays[0]!r} is made for inputs of known shape, on the host. Pass "
                "an example= of the shape to be served."
            )
        examples = ready.examples(example_of(layout))
        self.arrays = [np.asarray(how.made(examples)) for how in ready.host_arrays]
        self._values = [kept(one, self.variables) for one in self.arrays]

    def __call__(self, leaves: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """The arrays, a row for each example."""
        batch = tf.shape(leaves[0])[0]
        return [
            tf.broadcast_to(value(), [batch, *array.shape[1:]])
            for value, array in zip(self._values, self.arrays, strict=True)
        ]
