"""How the signal of a product or a quotient of two tensors is shared out between them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.propagation.steps import QUOTIENTS, Step


def balanced_shares(step: Step, shares: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    """Each factor has half of what the product has; a divisor has nothing.

    Args:
        step: A `"product"`.
        shares: What each source would have by its gradient.
    """
    (op,) = step.ops
    if op.type in QUOTIENTS:
        pairs = zip(step.sources, shares, strict=True)
        return [share if source is op.inputs[0] else None for source, share in pairs]
    return [None if share is None else share / 2 for share in shares]


def product_multipliers(step: Step, there: Step, signal: tf.Tensor) -> list[tf.Tensor | None]:
    """The multipliers of the factors of y = a b, whose contributions add up to y - y' exactly.

    y - y' = (a - a') (b + b') / 2 + (b - b') (a + a') / 2: the difference of each factor times the
    mean of the other, which is the derivative half way. A quotient is a product with 1 / b, and
    1 / b has the rescale rule.

    Args:
        step: A `"product"` at x.
        there: The same step at the baseline.
        signal: The multipliers at y.
    """
    middle = [(a + b) / 2 for a, b in zip(step.sources, there.sources, strict=True)]
    (op,) = step.ops
    if op.type not in QUOTIENTS:
        return step.gradient([signal], at=middle)
    (a, b), (_, b0) = ([at_least_float32(t) for t in one.ops[0].inputs] for one in (step, there))
    a0 = at_least_float32(there.ops[0].inputs[0])
    inverse, inverse0 = (_inverse(op.type, divisor) for divisor in (b, b0))
    slope = tf.where(b * b0 != 0, -inverse * inverse0, (inverse - inverse0) * (inverse + inverse0))
    share, lead = (inverse + inverse0) / 2, (a + a0) / 2 * slope
    a, b = tf.identity(a), tf.identity(b)
    y = a * share + lead * b
    shares = tf.gradients(y, [a, b], signal)
    return [tf.convert_to_tensor(shares[0 if t is op.inputs[0] else 1]) for t in step.sources]


def _inverse(kind: str, divisor: tf.Tensor) -> tf.Tensor:
    return tf.math.reciprocal_no_nan(divisor) if kind == "DivNoNan" else 1 / divisor
