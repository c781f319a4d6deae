"""Internal influence: a layer's gradient, averaged along the path of the input."""

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
class InternalInfluence(AttributionMethod):
    """The mean gradient of the score with respect to a layer, on the way from a baseline to x.

    Says how strongly each unit moves the score for inputs like these, whatever its own size.

    Args:
        layer: Path of the layer whose units are explained.
        steps: Number of points on the path, at least 1 (2 for the trapezoid).
        rule: As for `IntegratedGradients`.
        baseline: x', as for `IntegratedGradients`.

    Returns:
        `Attribution` with values shaped like the layer's output, in score per unit of it, with
        `baseline_score`.

    Raises:
        InvalidInputError: An unknown rule, too few steps, or a baseline that does not fit.
        LayerNotFoundError: `layer` is not in the model.
        UnsupportedModelError: The score does not depend on the layer.

    Reference:
        Leino et al., "Influence-Directed Explanations for Deep Convolutional Networks", ITC 2018,
        Eq. 1. arXiv:1802.03788. Departure: the distribution of interest is uniform on the line
        from the baseline to the input, as in the paper's section on linear paths.

    Example:
        >>> import keras, numpy as np
        >>> inputs = keras.Input((2,))
        >>> hidden = keras.layers.Dense(2, kernel_initializer="identity", name="hidden")(inputs)
        >>> model = keras.Model(inputs, hidden[:, :1] * hidden[:, 1:])
        >>> InternalInfluence(layer="hidden")(model, np.array([[3.0, 4.0]])).values.round(4)
        array([[2. , 1.5]], dtype=float32)
    """

    name: ClassVar[str] = "internal_influence"
    is_of_layer: ClassVar[bool] = True
    program_inputs: ClassVar[tuple[str, ...]] = ("baseline",)
    layer: str = dataclasses.field(metadata=declaration(kind=PATH))
    steps: int = option(50, at_least=1)
    rule: str = option("gauss_legendre", choices=RULES, noun="quadrature rule")
    baseline: Any = option(None, kind=BASELINE)

    def _check_together(self) -> None:
        check_rule(self.rule, self.steps)

    def _attribute(self, f: Score, x: tf.Tensor) -> tf.Tensor:
        def gradient(f: Score, point: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
            return f.layer_gradient(self.layer, point)[1]  # Eq. 1

        like = f.layer_gradient(self.layer, x)[0]
        return f.integrate(gradient, self.rule, self.steps, x, like)
