"""Max-sensitivity: how far an attribution moves with its input."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, final

import numpy as np

from tfxai.arrays import Array
from tfxai.core.options import SEEDS, option
from tfxai.errors import InvalidInputError
from tfxai.metrics.base import Asked, Metric


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class SensitivityMax(Metric):
    """The largest relative change of the values among inputs that lie close by. Low is good.

    Args:
        radius: How far each element is moved at most, as a share of the example's range; above 0.
        samples: Number of inputs close by, at least 1.
        seed: Seed of the draws.

    Returns:
        `Measurement` of norms of changes over the norm of the values; NaN where the values are 0.

    Raises:
        InvalidInputError: An attribution came in the place of its method, or inputs are no
            floating-point numbers.

    Reference:
        Yeh et al., "On the (In)fidelity and Sensitivity of Explanations", NeurIPS 2019,
        definition 3. arXiv:1901.09392. Departure: the radius is a share of the range, and the
        change is a share of the values.

    Example:
        >>> import keras, numpy as np, tfxai
        >>> inputs = keras.Input((2,))
        >>> model = keras.Model(inputs, inputs[:, :1])  # the gradient is the same everywhere
        >>> SensitivityMax()(model, np.array([[1.0, 2.0]]), tfxai.Saliency()).values
        array([0.])
    """

    name: ClassVar[str] = "sensitivity_max"
    higher_is_better: ClassVar[bool | None] = False
    needs_method: ClassVar[bool] = True
    radius: float = option(0.02, above=0)
    samples: int = option(10, at_least=1)
    seed: int = option(0, at_least=0, below=SEEDS)

    def _measure(self, asked: Asked) -> tuple[Array, dict[str, Array]]:
        x = np.asarray(asked.attribution.inputs)
        if asked.method is None or x.dtype.kind != "f":
            raise InvalidInputError(
                "sensitivity_max explains inputs that lie close by. Pass the method itself in the "
                "place of an attribution, and inputs of floating-point numbers."
            )
        axes = tuple(range(1, x.ndim))
        spread = x.max(axis=axes, keepdims=True) - x.min(axis=axes, keepdims=True)
        values = np.asarray(asked.attribution.values, np.float64).reshape(len(x), -1)
        rng, worst = np.random.default_rng(self.seed), np.zeros(len(x))
        for _ in range(self.samples):
            draws = rng.uniform(-self.radius, self.radius, x.shape[1:])
            near = asked.method(
                asked.model, (x + draws * spread).astype(x.dtype), asked.target, **asked.cost
            )
            moved = np.asarray(near.values, np.float64).reshape(len(x), -1) - values
            worst = np.maximum(worst, np.linalg.norm(moved, axis=1))
        size = np.linalg.norm(values, axis=1)
        return np.where(size > 0, worst / np.where(size > 0, size, 1), np.nan), {}
