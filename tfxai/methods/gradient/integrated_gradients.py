"""Integrated Gradients: the score's difference to a baseline, shared out along a line."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, cast, final

import numpy as np
import tensorflow as tf

from tfxai.core.inputs.baseline_records import Samples
from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import option
from tfxai.core.refinement import FIRST, refined_mean
from tfxai.core.sampling.quadrature import RULES, check_rule
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError
from tfxai.methods.base import AttributionMethod


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class IntegratedGradients(AttributionMethod):
    """Integrates the gradient on the straight line from a baseline to the input.

    The values add up to f(x) - f(x'), the score's difference to the baseline, as far as the
    quadrature reaches: `completeness_gap` says how far it is off.

    Args:
        steps: Number of gradients per example and baseline, at least 1 (2 for the trapezoid). 50
            leaves a gap of a few per cent on a small ReLU network and more on a deep one, where
            every rule converges as 1 / steps. Not used with `tolerance`.
        rule: `"gauss_legendre"`, `"riemann_left"`, `"riemann_middle"`, `"riemann_right"` or
            `"riemann_trapezoid"`. Gauss-Legendre is exact for smooth paths. Not used with
            `tolerance`, which refines the trapezoid.
        baseline: x': None for black before preprocessing (zeros where the preprocessing is not
            known), a number in the model's input units, `"black"`, `"grey"`, `"white"`, `"blur"`,
            `"noise"`, `"mean"`, a record of `tfxai.baselines`, or an array shaped like one input
            or like the batch. `Samples` are several: the attributions to each are averaged. Of
            texts `"pad"` (which None is), `"mask"`, `"zero"` or a text of several words.
        tolerance: Largest completeness gap, as a fraction of |f(x) - f(x')|, above 0. The steps of
            each example are then doubled until its gap is small enough (or below the rounding of
            the scores), every gradient being used again: 9 steps first, 17, 33, ... None: `steps`
            steps for all.
        max_steps: Most steps with `tolerance`, at least 9.

    Returns:
        `Attribution` with values shaped like the inputs, in units of the score, with
        `baseline_score`, `completeness_gap` and `details["steps"]`, the gradients taken.

    Raises:
        InvalidInputError: An unknown rule, too few steps, or a baseline that does not fit.

    Reference:
        Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017, Eqs. 1
        and 3. arXiv:1703.01365. Departure: the rule is a choice; the paper's Eq. 3 is
        `riemann_right`.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> product = keras.Model(inputs, inputs[:, :1] * inputs[:, 1:])
        >>> IntegratedGradients(steps=2)(product, np.array([[3.0, 4.0]])).values.round(4)
        array([[6., 6.]], dtype=float32)
    """

    name: ClassVar[str] = "integrated_gradients"
    completes: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    steps: int = option(50, at_least=1)
    rule: str = option("gauss_legendre", choices=RULES, noun="quadrature rule")
    baseline: Any = option(None, kind=BASELINE)
    tolerance: float | None = option(None, kind=float, above=0)
    max_steps: int = option(1025, at_least=FIRST + 1)

    def _check_together(self) -> None:
        check_rule(self.rule, self.steps)
        if self.tolerance is not None and isinstance(self.baseline, Samples):
            raise InvalidInputError(
                "tolerance refines one path an example, and Samples makes several. Pass steps, or "
                "one baseline an example."
            )

    @property
    def idle_options(self) -> tuple[str, ...]:
        """`tolerance` refines a rule of its own; without it nothing has a most."""
        return ("max_steps",) if self.tolerance is None else ("steps", "rule")

    def _attribute(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        if self.tolerance is not None:
            return self._refined(f, x)

        def share(f: Score, point: tf.Tensor, difference: tf.Tensor) -> tf.Tensor:
            return difference * f.gradient(point)  # Eq. 1

        steps = tf.fill([tf.shape(x)[0]], self.steps * f.num_baselines)
        return f.integrate(share, self.rule, self.steps, x), {"steps": steps}

    def _refined(self, f: Score, x: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        start = cast(tf.Tensor, f.baseline)
        difference, change = x - start, f(x) - f(start)
        rounding = 100 * np.finfo(x.dtype.as_numpy_dtype).eps
        allowed = self.tolerance * tf.abs(change)
        allowed += rounding * (tf.abs(f(x)) + tf.abs(f(start)))

        def gradient(f: Score, x: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
            return f.gradient(f.baseline + alpha * (x - f.baseline))

        def is_open(mean: tf.Tensor) -> tf.Tensor:
            total = tf.reduce_sum(difference * mean, axis=list(range(1, x.shape.rank)))
            return tf.abs(total - change) > allowed

        ends = (f.gradient(start), f.gradient(x))
        mean, steps = refined_mean(f, x, gradient, ends, is_open, self.max_steps)
        return difference * mean, {"steps": steps}
