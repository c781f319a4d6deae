import numpy as np
import pytest

from tfxai.core.sampling.quadrature import RULES, check_rule, quadrature
from tfxai.errors import InvalidInputError, UnknownNameError

STEPS = (1, 2, 3, 10, 57)


def usable(rule):
    return [steps for steps in STEPS if steps > 1 or rule != "riemann_trapezoid"]


@pytest.mark.parametrize("rule", RULES)
def test_weights_sum_to_one_and_nodes_lie_in_the_interval(rule):
    for steps in usable(rule):
        nodes, weights = quadrature(rule, steps)
        assert nodes.shape == weights.shape == (steps,)
        assert nodes.dtype == weights.dtype == np.float64
        np.testing.assert_allclose(weights.sum(), 1, rtol=1e-14)
        assert (weights > 0).all()
        assert nodes.min() >= 0
        assert nodes.max() <= 1
        assert (np.diff(nodes) > 0).all()


@pytest.mark.parametrize("rule", RULES)
def test_no_steps_are_too_few_and_the_fewest_are_enough(rule):
    least = 2 if rule == "riemann_trapezoid" else 1
    check_rule(rule, least)
    with pytest.raises(InvalidInputError, match=f"at least {least}"):
        check_rule(rule, least - 1)


EXACT_DEGREE = {"riemann_left": 0, "riemann_right": 0, "riemann_middle": 1, "riemann_trapezoid": 1}


@pytest.mark.parametrize("rule", RULES)
def test_exact_to_the_documented_degree_and_no_further(rule):
    for steps in usable(rule):
        nodes, weights = quadrature(rule, steps)
        degree = EXACT_DEGREE.get(rule, 2 * steps - 1)
        for power in range(min(degree, 30) + 1):
            np.testing.assert_allclose(weights @ nodes**power, 1 / (power + 1), rtol=1e-13)
        if degree < 20:  # further, the error is below what float64 shows
            assert abs(weights @ nodes ** (degree + 1) - 1 / (degree + 2)) > 1e-14


def test_nodes_by_hand():
    third = 1 / np.sqrt(3)
    by_hand = {
        "riemann_left": ([0, 0.5], [0.5, 0.5]),
        "riemann_middle": ([0.25, 0.75], [0.5, 0.5]),
        "riemann_right": ([0.5, 1], [0.5, 0.5]),
        "riemann_trapezoid": ([0, 1], [0.5, 0.5]),
        "gauss_legendre": ([(1 - third) / 2, (1 + third) / 2], [0.5, 0.5]),
    }
    assert set(by_hand) == set(RULES)
    for rule, (nodes, weights) in by_hand.items():
        np.testing.assert_allclose(quadrature(rule, 2), [nodes, weights], rtol=1e-15)
    nodes, weights = quadrature("riemann_trapezoid", 5)
    np.testing.assert_allclose(nodes, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(weights, [1 / 8, 1 / 4, 1 / 4, 1 / 4, 1 / 8])


def test_unknown_rule_and_too_few_steps_are_refused():
    with pytest.raises(UnknownNameError, match=r"rule 'riemann_centre'. Did you mean 'riemann"):
        check_rule("riemann_centre", 3)
    with pytest.raises(UnknownNameError, match="rule '3'"):
        check_rule(3, 3)
    with pytest.raises(
        InvalidInputError, match=r"steps=1 does not fit riemann_trapezoid.*least 2"
    ):
        quadrature("riemann_trapezoid", 1)
