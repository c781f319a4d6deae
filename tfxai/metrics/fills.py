"""What shows where a metric hides something: a baseline, or what is made of the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, final

import tensorflow as tf

from tfxai.core.graph.imputation import imputed
from tfxai.core.inputs.baselines import check_baseline
from tfxai.core.options import Kind, Option, check_seed
from tfxai.core.score import Score
from tfxai.errors import InvalidInputError


@final
@dataclasses.dataclass(frozen=True)
class LinearImputation:
    """Noisy linear imputation as a `fill`: hidden pixels as the weighted mean of their neighbours.

    Unlike a colour it leaves no edge by which the model could tell what was hidden. Neighbours
    side by side count 1/6 and those at a corner 1/12, hidden ones too, so that a linear system is
    solved for each image.

    Args:
        noise: Standard deviation of the Gaussian noise upon what was filled in, as a share of the
            range of the example; at least 0.
        seed: Seed of the noise, which all examples share.

    Reference:
        Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML
        2022, section 4.2. arXiv:2202.00449. Departure: the noise is a share of the range; at the
        border the weights of those neighbours that are there are scaled to 1; where all is hidden
        it is the mean of the channel; along one axis it is linear interpolation, and along three
        the weights halve once more.
    """

    name: ClassVar[str] = "road"
    noise: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        Option(kind=float, at_least=0).read("noise", self.noise)
        check_seed(self.seed)

    def imputed(self, f: Score, x: tf.Tensor, hides: tf.Tensor, k: tf.Tensor) -> tf.Tensor:
        """X where what hides, (K B, *places) bool, was filled in, of copies k.

        Raises:
            InvalidInputError: The input has no neighbours, or no values between two.
        """
        if x.shape.rank < 3 or not f.blends or not x.dtype.is_floating:
            raise InvalidInputError(
                "fill='road' fills in what is hidden from its neighbours in space or time, and "
                "this input has none between which a value means anything. Pass another fill, "
                "such as None for zeros or an array."
            )
        filled = imputed(x, hides)
        if not self.noise:
            return filled
        hidden = tf.cast(tf.reshape(hides, tf.concat([tf.shape(hides), [1]], axis=0)), x.dtype)
        return filled + hidden * self.noise * f.spread(x) * f.noise(self.seed, k, x)


def read_fill(_: str, fill: Any) -> Any:
    """A `fill` in its stored form: as `check_baseline` has it, or a `LinearImputation`."""
    if isinstance(fill, LinearImputation):
        return fill
    if isinstance(fill, str) and fill == LinearImputation.name:
        return LinearImputation()
    if isinstance(fill, Mapping) and set(fill) == {"name", "options"} and fill["name"] == "road":
        try:
            return LinearImputation(**fill["options"])
        except TypeError as error:
            raise InvalidInputError(
                f"fill='road' has no options {fill['options']!r}. It has noise and seed."
            ) from error
    return check_baseline(fill)


FILL = Kind("a baseline, 'road' or LinearImputation", read_fill)


def hiding(fill: Any) -> dict[str, Any]:
    """A fill in the words of the programs in `perturbed.py`."""
    return {"imputation" if isinstance(fill, LinearImputation) else "baseline": fill}
