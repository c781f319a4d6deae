"""One of the inputs that are explained. Free of TensorFlow."""

from __future__ import annotations

import math
from typing import NamedTuple


class Part(NamedTuple):
    """One of the inputs that are explained.

    Args:
        shape: Without the batch, as the model takes it.
        axes: What its axes are, as `tfxai.arrangement` has them.
        blends: Whether values between two of its own mean anything: no text, no number of a word.
        name: Name of the input.
        position: Position of the input among all inputs of the model.
    """

    shape: tuple[int, ...]
    axes: str = ""
    blends: bool = True
    name: str = ""
    position: int = 0

    @property
    def size(self) -> int:
        """Numbers in one example."""
        return math.prod(self.shape)
