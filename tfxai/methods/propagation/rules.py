"""Rules of layer-wise relevance propagation as records: from relevance at z to that at a.

For a layer z = W a + b, batch normalisation merged into W and b, with contributions
z_jk = a_j w_jk and the bias b_k as one more of them: (.)+ and (.)- are positive and negative
parts. Relevance that falls to the bias is absorbed. Bach et al., 2015 (epsilon, alpha-beta);
Montavon et al., 2019, Table 1 (all).
"""

from __future__ import annotations

import abc
import dataclasses
import math
from typing import Any, ClassVar, cast, final

import tensorflow as tf

from tfxai.core.model.head import at_least_float32
from tfxai.core.propagation.signed_weights import Affine
from tfxai.errors import InvalidInputError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule(abc.ABC):
    """Base of the rules of one layer; a rule of your own is a frozen dataclass derived from it.

    A rule with a `name` is known by it from then on, so that records can be read back.

    Example:
        >>> @dataclasses.dataclass(frozen=True, kw_only=True)
        ... class TakeAll(Rule):
        ...     name = "take_all"
        ...     def relevance(self, layer, r):  # as the gradient times the input
        ...         return layer.a * layer.transposed(r / layer.z)
    """

    name: ClassVar[str]
    known: ClassVar[dict[str, type[Rule]]] = {}
    """Every rule by its name."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls):
            Rule.known[cls.name] = cls

    @abc.abstractmethod
    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, shaped like it, from that at z."""


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Epsilon(Rule):
    """R_j = sum_k z_jk / (z_k + epsilon sign(z_k)) R_k.

    Args:
        epsilon: In units of z, at least 0; what weak or contradictory contributions lose.
    """

    name: ClassVar[str] = "epsilon"
    epsilon: float = 1e-6

    def __post_init__(self) -> None:
        _check(self, epsilon=self.epsilon >= 0 if _is_number(self.epsilon) else False)

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        return _weighed(layer.a, layer.transposed(quotient(r, layer.z, self.epsilon)))


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Gamma(Rule):
    """R_j = sum_k (z_jk + gamma z_jk+) / (z_k + gamma z_k+) R_k where z_k > 0.

    Where z_k < 0 the negative contributions are favoured in the same way, so that no
    denominator vanishes; before a ReLU there is no relevance there.

    Args:
        gamma: At least 0: by how much positive contributions are favoured.
    """

    name: ClassVar[str] = "gamma"
    gamma: float = 0.25

    def __post_init__(self) -> None:
        _check(self, gamma=self.gamma >= 0 if _is_number(self.gamma) else False)

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        z = at_least_float32(layer.z)
        parts, quotients = [], []
        for sign, contributions, bias in _by_sign(layer):
            favoured = z + self.gamma * (_total(contributions) + bias)
            quotients.append(quotient(tf.where(sign * z > 0, r, 0), favoured))
            parts.append(_shares(contributions, quotients[-1]))
        return _weighed(
            layer.a, layer.transposed(cast(tf.Tensor, sum(quotients)))
        ) + self.gamma * sum(parts)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class AlphaBeta(Rule):
    """R_j = sum_k (alpha z_jk+ / z_k+ - beta z_jk- / z_k-) R_k, with alpha - beta = 1.

    Where all contributions have one sign, they share R_k alone. With beta = 0 the negative ones
    never get any.

    Args:
        alpha: Weight of the positive contributions, at least 1.
        beta: Weight of the negative ones, alpha - 1.
    """

    name: ClassVar[str] = "alpha_beta"
    alpha: float = 2.0
    beta: float = 1.0

    def __post_init__(self) -> None:
        numbers = _is_number(self.alpha) and _is_number(self.beta)
        _check(self, alpha=numbers and self.alpha >= 1, beta=numbers and self.beta >= 0)
        if not math.isclose(self.alpha - self.beta, 1, abs_tol=1e-9):
            raise InvalidInputError(
                f"alpha={self.alpha} and beta={self.beta} differ by {self.alpha - self.beta}, "
                "and alpha - beta = 1 was expected: then relevance is conserved."
            )

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        (_, plus, up), (_, minus, down) = _by_sign(layer)
        z_plus, z_minus = _total(plus) + up, _total(minus) + down
        if not self.beta:
            return _shares(plus, quotient(r, z_plus))
        alpha = tf.where(z_minus < 0, r * self.alpha, r)
        beta = tf.where(z_plus > 0, r * self.beta, -r)
        return _shares(plus, quotient(alpha, z_plus)) - _shares(minus, quotient(beta, z_minus))


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ZPlus(Rule):
    """R_j = sum_k z_jk+ / z_k+ R_k: alpha-beta with alpha = 1."""

    name: ClassVar[str] = "z_plus"

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        return AlphaBeta(alpha=1.0, beta=0.0).relevance(layer, r)


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class Flat(Rule):
    """R_j = sum_k R_k / (number of inputs of k): shared out evenly, weights disregarded."""

    name: ClassVar[str] = "flat"

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        ones = tf.ones_like(layer.a)
        count = layer.flat(ones)
        return _shares([(ones, count)], quotient(r, count))


@final
@dataclasses.dataclass(frozen=True, kw_only=True)
class ZBox(Rule):
    """R_j = sum_k (z_jk - l w_jk+ - h w_jk-) / sum_j (...) R_k, for inputs between l and h.

    Args:
        low: l, in input units; None for the smallest element of each example.
        high: h, in input units; None for the largest element of each example.
    """

    name: ClassVar[str] = "z_box"
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        for_all = {"low": self.low, "high": self.high}
        _check(self, **{k: v is None or _is_number(v) for k, v in for_all.items()})
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise InvalidInputError(f"low={self.low} was expected to lie below high={self.high}.")

    def relevance(self, layer: Affine, r: tf.Tensor) -> tf.Tensor:
        """Relevance at a, from that at z."""
        axes = list(range(1, layer.a.shape.rank))
        low = tf.reduce_min(layer.a, axes, keepdims=True) if self.low is None else self.low
        high = tf.reduce_max(layer.a, axes, keepdims=True) if self.high is None else self.high
        above, below = layer.a - low, layer.a - high
        # the same sum: (a - l) w+ + (a - h) w-, of terms that are not negative
        terms = [(above, layer.signed(above)[0]), (below, layer.signed(below)[1])]
        return _shares(terms, quotient(r, _total(terms)))


def quotient(r: tf.Tensor, z: tf.Tensor, epsilon: float = 0.0) -> tf.Tensor:
    """R / (z + epsilon sign(z)), 0 where the denominator is 0: nothing contributed there."""
    z = at_least_float32(z)
    sign = 2 * tf.cast(z >= 0, z.dtype) - 1
    return tf.math.divide_no_nan(r, z + epsilon * sign)


Terms = list[tuple[tf.Tensor, tf.Tensor]]
"""Pairs of v and of a linear map of it, of which contributions are made."""


def _by_sign(layer: Affine) -> list[tuple[int, Terms, tf.Tensor]]:
    """(1, positive contributions, b+) and (-1, negative ones, b-)."""
    bias = at_least_float32(layer.bias())
    up = tf.nn.relu(layer.a)
    plus, minus = ([(up, z)] for z in layer.signed(up))
    if not layer.is_nonnegative:
        down = -tf.nn.relu(-layer.a)
        negative, positive = layer.signed(down)
        plus, minus = [*plus, (down, positive)], [*minus, (down, negative)]
    return [(1, plus, tf.nn.relu(bias)), (-1, minus, -tf.nn.relu(-bias))]


def _total(terms: Terms) -> tf.Tensor:
    return tf.add_n([at_least_float32(z) for _, z in terms])


def _shares(terms: Terms, s: tf.Tensor) -> tf.Tensor:
    """Sum of v (dz/dv)^T s: what each element of v contributes to the z, weighed by s."""
    backs = [(v, tf.gradients(z, v, tf.cast(s, z.dtype))[0]) for v, z in terms]
    return tf.add_n([_weighed(v, back) for v, back in backs if back is not None])


def _weighed(v: tf.Tensor, back: tf.Tensor) -> tf.Tensor:
    return at_least_float32(v) * at_least_float32(back)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check(rule: Rule, **fits: bool) -> None:
    for option, fit in fits.items():
        if not fit:
            raise InvalidInputError(
                f"{option}={getattr(rule, option)!r} does not fit {type(rule).__name__}. Pass a "
                "finite number in its range."
            )
