"""The rescale rule: multipliers from differences of activations to those at a baseline."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.propagation.steps import Step
from tfxai.core.score import Score
from tfxai.methods.propagation.windows import windows

# Their quotients of differences are exact however small the difference.
_PIECEWISE_LINEAR = frozenset({"Relu", "Relu6", "LeakyRelu", "Abs", "Maximum", "Minimum",
                               "Cast", "Ceil", "Floor", "Rint", "Round", "Sign"})  # fmt: skip


def mean_contributions(f: Score, x: tf.Tensor) -> tf.Tensor:
    """The contributions from the baseline of each row, or their mean over a set of them.

    Raises:
        UnsupportedModelError: An operation has no rule.
    """
    if f.baseline is not None:
        return contributions(f, x, f.baseline)
    shares = [1 / f.num_baselines] * f.num_baselines
    return f.sum_over_copies(lambda f, x, r: contributions(f, x, f.baseline_number(r)), shares, x)


def contributions(f: Score, x: tf.Tensor, baseline: tf.Tensor) -> tf.Tensor:
    """Multipliers times x - x', whose sum is f(x) - f(x')."""
    forward = f.propagation(x)
    # the same Python code traced both, so the steps are the same in the same order
    at_baseline = dict(zip(forward.steps, f.propagation(baseline).steps, strict=True))

    def multipliers(step: Step, signals: list[tf.Tensor]) -> list[tf.Tensor | None]:
        if step.kind == "activation":
            return [signals[0] * slope(step, at_baseline[step])]
        if step.kind == "pool":
            return [_shared_out(step, at_baseline[step], signals[0])]
        return step.gradient(signals)  # the linear rule

    return (x - baseline) * forward.back(multipliers, tf.ones_like(f(x)))


def slope(step: Step, there: Step) -> tf.Tensor:
    """(y - y') / (u - u') of an activation, its derivative where u - u' is too small.

    The quotient is off by about eps |y| / |u - u'|, the derivative by |u - u'| / 2 times the
    curvature, so they change places at the square root of eps.
    """
    u, y, u0, y0 = (
        at_least_float32(t) for s in (step, there) for t in (s.sources[0], s.results[0])
    )
    change = u - u0
    smallest = tf.zeros((), u.dtype)
    if not {op.type for op in step.ops} <= _PIECEWISE_LINEAR:
        eps = np.finfo(step.sources[0].dtype.as_numpy_dtype).eps
        smallest = eps**0.5 * tf.maximum(tf.maximum(tf.abs(u), tf.abs(u0)), 1)
    moves = tf.abs(change) > smallest
    (derivative,) = step.gradient([tf.ones_like(step.results[0])])
    derivative = tf.zeros_like(u) if derivative is None else derivative  # it moves in jumps only
    return tf.where(moves, (y - y0) / tf.where(moves, change, 1), derivative)


def _shared_out(step: Step, there: Step, signal: tf.Tensor) -> tf.Tensor:
    """The multipliers of what a max-pooling chooses from."""
    chosen = windows(step.ops[0])
    a, a0 = at_least_float32(chosen), at_least_float32(windows(there.ops[0]))
    i, j = (tf.one_hot(tf.argmax(one, axis=-1), tf.shape(one)[-1], dtype=one.dtype)
            for one in (a, a0))  # fmt: skip
    lead = _picked(a, i) - _picked(a, j)  # of i over j at x
    lead0 = _picked(a0, j) - _picked(a0, i)  # of j over i at x'
    share = tf.where(lead + lead0 > 0, lead / (lead + lead0), 1)[..., None]
    signal = tf.reshape(signal, tf.concat([tf.shape(a)[:-1], [1]], axis=0))
    weights = tf.cast(signal * (share * i + (1 - share) * j), chosen.dtype)
    back = tf.gradients(chosen, step.sources[0], weights)[0]
    return at_least_float32(tf.ensure_shape(back, step.sources[0].shape))


def _picked(values: tf.Tensor, one_hot: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.where(one_hot > 0, values, 0), axis=-1)
