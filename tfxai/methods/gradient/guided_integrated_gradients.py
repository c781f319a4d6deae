"""Guided Integrated Gradients: a path that first moves what the score hardly notices."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option
from tfxai.core.sampling import passes
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class GuidedIntegratedGradients(AttributionMethod):
    """Integrates the gradient on a path that the model itself chooses, away from noise.

    In each step the elements with the smallest partial derivatives move on towards the input, so
    that gradients which saturate or explode along the straight line are met late or not at all.
    The values add up to the score's difference to the baseline as far as the steps reach. Elements
    that wait move on in jumps as wide as `max_dist`, so the gap does not vanish with more steps,
    but with a smaller `max_dist`.

    Args:
        steps: Number of gradients per example and baseline, at least 1. The path moves an equal
            share of the L1 distance in each. The authors' code takes 200.
        fraction: Share of the elements that move first in a step, in (0, 1]: those whose partial
            derivative is smallest in size. With 1 all move alike.
        max_dist: How far an element may be from where the straight line is, as a share of that
            line, in [0, 1]. 0 is the straight line, 1 leaves the path free. At 0.005 the gap is a
            few per cent on the CIFAR-10 network; at the 0.02 of the authors' code, up to half.
        baseline: x', as for `IntegratedGradients`.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score` and `completeness_gap`.

    Raises:
        InvalidInputError: An option is out of range, or the baseline does not fit.

    Reference:
        Kapishnikov et al., "Guided Integrated Gradients: an Adaptive Path Method for Removing
        Noise", CVPR 2021, section 4 and Algorithm 1. arXiv:2106.09788. Departure: the path is
        kept near the straight line by a band around each of its points (`max_dist`, as in the
        authors' code), and not by K anchors on it.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1] + 3.0 * inputs[:, 1:])
        >>> GuidedIntegratedGradients()(model, np.array([[2.0, 1.0]])).values.round(4)
        array([[2., 3.]], dtype=float32)
    """

    name: ClassVar[str] = "guided_integrated_gradients"
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    steps: int = option(50, at_least=1)
    fraction: float = option(0.25, above=0)
    max_dist: float = option(0.005, at_least=0)
    baseline: Any = option(None, kind=BASELINE)

    def _check_together(self) -> None:
        for name in ("fraction", "max_dist"):
            if getattr(self, name) > 1:
                raise InvalidInputError(
                    f"{name}={getattr(self, name)!r} was expected to be at most 1."
                )

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        several = f.num_baselines
        return f.sum_over_copies(
            lambda f, x, r: self._along_path(f, x, f.baseline_number(r)),
            [1 / several] * several,
            x,
        )

    def _along_path(self, f: Score, end: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
        """The sum of gradient times step along one path for each row."""
        shape = tf.shape(end)
        whole = math.prod(end.shape[1:])
        x1, x0 = (tf.reshape(one, [-1, whole]) for one in (end, start))
        total = _size(x1 - x0)

        def step(t: tf.Tensor, x: tf.Tensor, values: tf.Tensor) -> tuple[tf.Tensor, ...]:
            gradient = tf.reshape(f.gradient(tf.reshape(x, shape)), [-1, whole])
            a = tf.cast(t + 1, x.dtype) / self.steps
            low = x0 + (x1 - x0) * tf.maximum(a - self.max_dist, 0)
            high = x0 + (x1 - x0) * tf.minimum(a + self.max_dist, 1)
            # What lies behind the band catches up with it first.
            is_behind = tf.abs(x - x0) < tf.abs(low - x0)
            moved = tf.where(is_behind, low, x)
            moved = self._moved(moved, gradient, high, x1, total * (1 - a))
            return t + 1, *said((moved, values + (moved - x) * gradient))

        with passes.loop(self.steps, is_finer=True) as said:
            _, _, values = tf.while_loop(
                lambda t, *_: t < self.steps,
                step,
                (tf.constant(0), x0, tf.zeros_like(x1)),
                parallel_iterations=1,
                maximum_iterations=self.steps,
            )
        return tf.reshape(values, shape)

    def _moved(
        self,
        x: tf.Tensor,
        gradient: tf.Tensor,
        high: tf.Tensor,
        x1: tf.Tensor,
        wanted: tf.Tensor,
    ) -> tf.Tensor:
        """The point after a step: elements of small gradients moved until the distance is left.

        Args:
            x: (R, D) the point.
            gradient: (R, D) at the point before the step.
            high: (R, D) how far each element may move.
            x1: (R, D) the end.
            wanted: (R,) L1 distance to the end that is to be left.
        """
        rank = max(math.ceil(self.fraction * x.shape[1]) - 1, 0)
        infinite = tf.constant(math.inf, x.dtype)

        def go_on(x: tf.Tensor, is_open: tf.Tensor) -> tf.Tensor:
            return tf.reduce_any(is_open)

        def move(x: tf.Tensor, is_open: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            size = tf.where(tf.equal(x, high), infinite, tf.abs(gradient))
            threshold = tf.sort(size, axis=1)[:, rank][:, None]
            is_chosen = (size <= threshold) & tf.math.is_finite(size) & is_open[:, None]
            left = tf.where(is_chosen, high - x, 0)
            needed, room = _size(x1 - x) - wanted, _size(left)
            share = tf.where(room > 0, needed / tf.where(room > 0, room, 1), infinite)
            is_all = share >= 1
            further = x + tf.clip_by_value(share, 0, 1)[:, None] * left
            further = tf.where(is_chosen & is_all[:, None], high, further)  # to the last bit
            has_room = tf.reduce_any(tf.not_equal(further, high), axis=1)
            return further, is_open & is_all & has_room

        most = math.ceil(1 / self.fraction) + 1
        is_open = _size(x1 - x) > wanted
        return tf.while_loop(
            go_on, move, (x, is_open), parallel_iterations=1, maximum_iterations=most
        )[0]


def _size(x: tf.Tensor) -> tf.Tensor:
    """L1 norm of each row, (R,)."""
    return tf.reduce_sum(tf.abs(x), axis=1)
