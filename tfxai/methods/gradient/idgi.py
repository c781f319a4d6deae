"""IDGI: each step of a path shared out by the squares of the gradient where the step begins."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, cast, final

import numpy as np
import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class IDGI(AttributionMethod):
    """Shares out what the score changes by in each step along its gradient there.

    Only the part of a step that lies along the gradient changes the score to first order; what
    Integrated Gradients gives elements for the rest of the step is noise. The values add up to
    f(x) - f(x') for any number of steps.

    Args:
        steps: Number of steps per example and baseline, at least 1.
        baseline: x': None for black before preprocessing (zeros where the preprocessing is not
            known), a number in the model's input units, `"black"`, `"grey"`, `"white"`, `"blur"`,
            `"noise"`, `"mean"`, a record of `tfxai.baselines`, or an array shaped like one input
            or like the batch. `Samples` are several: the attributions to each are averaged.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score` and `completeness_gap`, which rounding alone leaves.

    Raises:
        InvalidInputError: Too few steps, or a baseline that does not fit.

    Reference:
        Yang, Wang, Bilgic, "IDGI: A Framework to Eliminate Explanation Noise from Integrated
        Gradients", CVPR 2023, Algorithm 1, on the straight line. arXiv:2303.14242. Departure:
        where the gradient is zero, which leaves the paper's 0 / 0, a step is shared out by the
        squares of x - x', so that the values still add up.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] + 2.0 * inputs[:, 1:])
        >>> IDGI()(model, np.array([[3.0, 1.0]])).values.round(4)  # 5 by 1 to 4
        array([[1., 4.]], dtype=float32)
    """

    name: ClassVar[str] = "idgi"
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    steps: int = option(50, at_least=1)
    baseline: Any = option(None, kind=BASELINE)

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        trailing = [1] * (x.shape.rank - 1)

        def step(f: Score, x: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
            start = f.baseline_number(k // self.steps)
            j = tf.reshape(tf.cast(k % self.steps, x.dtype), [-1, *trailing])
            here, there = (
                _between(start, x, j / self.steps),
                _between(start, x, (j + 1) / self.steps),
            )
            change = tf.reshape(f(there) - f(here), [-1, *trailing])
            return change * _shares(f.gradient(here), x - start)

        copies = self.steps * f.num_baselines
        return cast(tf.Tensor, f.sum_over_copies(step, [1 / f.num_baselines] * copies, x))


def _between(start: tf.Tensor, end: tf.Tensor, a: tf.Tensor) -> tf.Tensor:
    """The point at a on the line, which meets both ends without rounding."""
    return (1 - a) * start + a * end


def _shares(gradient: tf.Tensor, way: tf.Tensor) -> tf.Tensor:
    """The gradient's squares over their sum in each row, those of `way` where it is zero."""
    axes = list(range(1, gradient.shape.rank))
    tiny = np.finfo(gradient.dtype.as_numpy_dtype).tiny
    is_flat = tf.reduce_max(tf.abs(gradient), axes, keepdims=True) < tiny
    direction = tf.where(is_flat, way, gradient)
    largest = tf.reduce_max(tf.abs(direction), axes, keepdims=True)
    squares = tf.square(tf.math.divide_no_nan(direction, largest))  # small ones do not underflow
    return tf.math.divide_no_nan(squares, tf.reduce_sum(squares, axes, keepdims=True))
