"""How the signal of a product or a quotient of two tensors is shared out between them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

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
