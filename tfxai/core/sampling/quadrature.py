"""Rules for integrals over [0, 1]: nodes, and weights that sum to one."""

from __future__ import annotations

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import InvalidInputError, UnknownNameError

RULES = (
    "gauss_legendre",
    "riemann_left",
    "riemann_middle",
    "riemann_right",
    "riemann_trapezoid",
)


def check_rule(rule: str, steps: int) -> None:
    """Raises `InvalidInputError` unless `quadrature(rule, steps)` exists."""
    if rule not in RULES:
        raise UnknownNameError.of("quadrature rule", str(rule), RULES)
    least = 2 if rule == "riemann_trapezoid" else 1
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < least:
        raise InvalidInputError(
            f"steps={steps!r} does not fit {rule}. Pass an integer of at least {least}."
        )


def quadrature(rule: str, steps: int) -> tuple[Array, Array]:
    """Nodes and weights, each (steps,) float64, of a rule on [0, 1].

    Args:
        rule: One of `RULES`.
        steps: Number of nodes, each one pass through the model.

    Returns:
        `(nodes, weights)`; the weights sum to 1. Gauss-Legendre is exact for polynomials up to
        degree 2 steps - 1, the middle and trapezoid rules up to degree 1, left and right for
        constants.

    Raises:
        InvalidInputError: An unknown rule, or fewer nodes than it needs.
    """
    check_rule(rule, steps)
    if rule == "gauss_legendre":
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        return (nodes + 1) / 2, weights / 2  # from [-1, 1] to [0, 1]
    if rule == "riemann_trapezoid":
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    shift = {"riemann_left": 0.0, "riemann_middle": 0.5, "riemann_right": 1.0}[rule]
    return (np.arange(steps) + shift) / steps, np.full(steps, 1 / steps)
