"""Conductance: the score's difference to a baseline, as it flows through a layer's units."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.inputs.baselines import BASELINE
from tfxai.core.options import declaration, option
from tfxai.core.sampling.quadrature import RULES, check_rule
from tfxai.core.score import Score
from tfxai.methods.base import AttributionMethod
from tfxai.methods.options import PATH


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Conductance(AttributionMethod):
    """Integrated Gradients of the input, booked on the units of a layer that it flows through.

    Over a layer that everything passes, the values add up to f(x) - f(x') as far as those of
    Integrated Gradients with the same steps do, exactly: the parts are the same.

    Args:
        layer: Path of the layer whose units are explained.
        steps: Number of points on the path, at least 1 (2 for the trapezoid).
        rule: As for `IntegratedGradients`.
        baseline: x', as for `IntegratedGradients`.

    Returns:
        `Attribution` with values shaped like the layer's output, in units of the score, with
        `baseline_score` and `completeness_gap`; the gap is large where a part of the score does
        not pass through the layer.

    Raises:
        InvalidInputError: An unknown rule, too few steps, or a baseline that does not fit.
        LayerNotFoundError: `layer` is not in the model.
        UnsupportedModelError: The score does not depend on the layer, or the layer not on the
            input.

    Reference:
        Dhamdhere, Sundararajan, Yan, "How Important Is a Neuron?", ICLR 2019, Eq. 2.
        arXiv:1805.12233. Departure: the inner derivative is taken along the path (a product
        with the Jacobian), which is the sum over the inputs in Eq. 2.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> hidden = keras.layers.Dense(2, kernel_initializer="identity", name="hidden")(inputs)
        >>> model = keras.Model(inputs, hidden[:, :1] * hidden[:, 1:])
        >>> Conductance(layer="hidden", steps=2)(model, np.array([[3.0, 4.0]])).values.round(4)
        array([[6., 6.]], dtype=float32)
    """

    name: ClassVar[str] = "conductance"
    keeps_every_layer: ClassVar[bool] = True
    completes: ClassVar[bool] = True
    is_of_layer: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))
    steps: int = option(50, at_least=1)
    rule: str = option("gauss_legendre", choices=RULES, noun="quadrature rule")
    baseline: Any = option(None, kind=BASELINE)

    def _check_together(self) -> None:
        check_rule(self.rule, self.steps)

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        def share(f: Score, point: tf.Tensor, difference: tf.Tensor) -> tf.Tensor:
            _, gradient = f.layer_gradient(self.layer, point)
            return gradient * f.layer_derivative(self.layer, point, difference)  # Eq. 2

        like = f.layer_gradient(self.layer, x)[0]
        return f.integrate(share, self.rule, self.steps, x, like)
