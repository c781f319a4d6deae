"""What a score is made of besides its network: targets, baselines and limits of each row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import tensorflow as tf

from tfxai.core.inputs.host_arrays import HostArray
from tfxai.core.inputs.parts import Part

Run: TypeAlias = Callable[[tf.Tensor, tuple[tf.Tensor, ...]], Any]
"""A pass: from x and the tensors held beside it to what the model returns."""


class RowTensors(NamedTuple):
    """What belongs to the rows of x beside x itself.

    Args:
        target: (B,) or (B, r) output explained, -1 for the predicted one.
        held: Other inputs of the model, which are not explained.
        baseline: x' for every row of x, or None.
        background: A set of baselines for all rows, (R, ...), or None.
        given: What was made of the examples on the host, (B, ...) each, by the record of how.
    """

    target: tf.Tensor
    held: tuple[tf.Tensor, ...] = ()
    baseline: tf.Tensor | None = None
    background: tf.Tensor | None = None
    given: Mapping[HostArray, tf.Tensor] = MappingProxyType({})


class TraceLimits(NamedTuple):
    """What a trace is bound to.

    Args:
        chunk: Most rows that run at once.
        parts: The inputs that lie side by side in x, or the one that x is.
        is_static: Whether every shape must be known once the batch is: for XLA.
        of_several: Whether x is one of several inputs, the others held.
    """

    chunk: int = 50
    parts: tuple[Part, ...] = ()
    is_static: bool = False
    of_several: bool = False
