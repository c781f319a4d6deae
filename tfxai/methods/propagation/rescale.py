"""The rescale rule: multipliers from differences of activations to those at a baseline.

Products and softmaxes have rules of the same kind, so that attention, gates, normalisations and
recurrent layers add up as well: the contributions of each step are the difference of its result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.propagation.steps import Step, number
from tfxai.core.score import Score
from tfxai.methods.propagation.products import product_multipliers
from tfxai.methods.propagation.windows import windows

# Their quotients of differences are exact however small the difference.
_PIECEWISE_LINEAR = frozenset({"Relu", "Relu6", "LeakyRelu", "Abs", "Maximum", "Minimum",
                               "Cast", "Ceil", "Floor", "Rint", "Round", "Sign"})  # fmt: skip


_POWERS: dict[str, Callable[..., tf.Tensor]] = {
    "Inv": lambda u, y, u0, y0: -y * y0,
    "Reciprocal": lambda u, y, u0, y0: -y * y0,
    "Rsqrt": lambda u, y, u0, y0: -y * y0 * (y * y0 / (y + y0)),
    "Sqrt": lambda u, y, u0, y0: tf.math.reciprocal_no_nan(y + y0),
    "Square": lambda u, y, u0, y0: u + u0,
}
"""(y - y') / (u - u') in a form in which nothing cancels."""


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
    forward = f.propagation(x, by_difference=True)
    # the same Python code traced both, so the steps are the same in the same order
    steps = f.propagation(baseline, by_difference=True).steps
    at_baseline = dict(zip(forward.steps, steps, strict=True))

    def multipliers(step: Step, signals: list[tf.Tensor]) -> Sequence[tf.Tensor | None]:
        rule = _RULES.get(step.kind)
        if rule is None:
            return step.gradient(signals)  # the linear rule
        return rule(step, at_baseline[step], signals[0])

    return (x - baseline) * forward.back(multipliers, tf.ones_like(f(x)))


def _through_activation(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor]:
    share = slope(step, there)
    return [tf.cast(signal, share.dtype) * share]


def slope(step: Step, there: Step) -> tf.Tensor:
    """(y - y') / (u - u') of an activation, its derivative where u - u' is too small.

    The quotient is off by about eps |y| / |u - u'|, the derivative by |u - u'| / 2 times the
    curvature, so they change places at the square root of eps. Powers, which bend the more the
    smaller u is, have quotients without a difference.
    """
    u, y, u0, y0 = (number(t) for s in (step, there) for t in (s.sources[0], s.results[0]))
    if len(step.ops) == 1 and step.ops[0].type in _POWERS:
        return _POWERS[step.ops[0].type](u, y, u0, y0)
    change = u - u0
    smallest = tf.zeros((), u.dtype)
    jumps = step.results[0].dtype == tf.bool
    if not jumps and not {op.type for op in step.ops} <= _PIECEWISE_LINEAR:
        eps = np.finfo(step.sources[0].dtype.as_numpy_dtype).eps
        smallest = eps**0.5 * tf.maximum(tf.maximum(tf.abs(u), tf.abs(u0)), 1)
    moves = tf.abs(change) > smallest
    (derivative,) = [None] if jumps else step.gradient([tf.ones_like(step.results[0])])
    derivative = tf.zeros_like(u) if derivative is None else derivative  # it moves in jumps only
    return tf.where(moves, tf.cast(y - y0, u.dtype) / tf.where(moves, change, 1), derivative)


def _through_softmax(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor]:
    """The multipliers of what a softmax is taken of.

    log y_i = u_i - log sum exp(u), and y_i - y'_i = k_i (log y_i - log y'_i) by the rescale rule
    of the exponential, k being the logarithmic mean of y and y'. As the y add up to 1, the
    normaliser moves by sum k_i (u_i - u'_i) / sum k_i: so the multipliers are the derivative of
    the softmax, diag(y) - y y^T, with k in the place of y.
    """
    y, y0 = (at_least_float32(one.results[0]) for one in (step, there))
    u, u0 = (at_least_float32(one.sources[0]) for one in (step, there))
    larger = tf.maximum(y, y0)
    apart = tf.abs(tf.nn.log_softmax(u) - tf.nn.log_softmax(u0))
    some = apart > 0
    mean = -larger * tf.where(some, tf.math.expm1(-apart) / tf.where(some, apart, 1), -1)
    mean = tf.where(larger > 0, mean, 0)
    weighed = tf.reduce_sum(mean * signal, axis=-1, keepdims=True)
    return [mean * (signal - weighed / tf.reduce_sum(mean, axis=-1, keepdims=True))]


def _through_choice(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor | None]:
    """The multipliers of c, a and b in y = c a + (1 - c) b, c being a truth: a product's."""
    copies = [tf.identity(number(source)) for source in step.sources]
    of = {source.ref(): copy for source, copy in zip(step.sources, copies, strict=True)}
    dtype = number(step.results[0]).dtype
    c, a, b = (tf.cast(tensor, dtype) for tensor in step.ops[0].inputs)
    c0, a0, b0 = (tf.cast(tensor, dtype) for tensor in there.ops[0].inputs)
    share, lead = (c + c0) / 2, (a - b + a0 - b0) / 2
    live = [tf.cast(of.get(t.ref(), 0), dtype) for t in step.ops[0].inputs]
    y = live[0] * lead + share * live[1] + (1 - share) * live[2]
    return list(tf.gradients(y, copies, tf.cast(signal, dtype)))


def _through_truth(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor | None]:
    """The multipliers of truths of which any or all are asked for: a jump of their sum."""
    if step.ops[0].type.startswith("Logical"):
        return _through_two_truths(step, there, signal)
    (op,), (op0,) = step.ops, there.ops
    truths, truths0 = tf.identity(number(op.inputs[0])), number(op0.inputs[0])
    count, count0 = (
        tf.reduce_sum(one, op.inputs[1], keepdims=op.get_attr("keep_dims"))
        for one in (truths, truths0)
    )
    change = number(step.results[0]) - number(there.results[0])
    jump = tf.math.divide_no_nan(change, tf.stop_gradient(count - count0))
    return list(tf.gradients(count, truths, signal * jump))


def _through_two_truths(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor | None]:
    """The multipliers of a and b in "a and b", a product, and in "a or b", a + b - a b."""
    copies = [tf.identity(number(source)) for source in step.sources]
    of = {source.ref(): copy for source, copy in zip(step.sources, copies, strict=True)}
    pairs = zip(step.ops[0].inputs, there.ops[0].inputs, strict=True)
    of_b, of_a = ((number(t) + number(t0)) / 2 for t, t0 in pairs)
    if step.ops[0].type == "LogicalOr":
        of_a, of_b = 1 - of_a, 1 - of_b
    a, b = (of.get(t.ref(), tf.zeros((), tf.float64)) for t in step.ops[0].inputs)
    return list(tf.gradients(a * of_a + b * of_b, copies, signal))


def _shared_out(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor]:
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
    return [at_least_float32(tf.ensure_shape(back, step.sources[0].shape))]


def _picked(values: tf.Tensor, one_hot: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.where(one_hot > 0, values, 0), axis=-1)


_RULES: dict[str, Callable[[Step, Step, tf.Tensor], Sequence[tf.Tensor | None]]] = {
    "activation": _through_activation,
    "choice": _through_choice,
    "pool": _shared_out,
    "product": product_multipliers,
    "softmax": _through_softmax,
    "truth": _through_truth,
}
"""From a step, the same at the baseline, and the multipliers at its result to those before it."""
