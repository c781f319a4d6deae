"""Closed forms: products, polynomials, kinks, linear models; the paper's axioms."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.core.sampling.quadrature import RULES, quadrature
from tfxai.errors import InvalidInputError
from tfxai.methods import IntegratedGradients, Saliency

CASES = (
    Case(
        method=IntegratedGradients,
        linear=lambda s: s.w * (s.x - s.b),
        others={
            "steps": 3,
            "rule": "riemann_left",
            "baseline": 0.5,
            "tolerance": 0.0001,
            "max_steps": 9,
        },
        beside={"max_steps": {"tolerance": 1e-09, "baseline": 5.0}},
    ),
)


every_rule = pytest.mark.parametrize("rule", RULES)


def power(n):
    return builders.formula(lambda x: x**n, size=1)


@every_rule
def test_product_splits_evenly(rule):
    # df/dx0 = alpha x1, and the integral of alpha is 1/2: middle, trapezoid and Gauss are exact
    steps = 200
    a = IntegratedGradients(rule=rule, steps=steps)(builders.product(), [[3.0, 4.0], [-2.0, 5.0]])
    shift = {"riemann_left": -1, "riemann_right": 1}.get(
        rule, 0
    )  # their mean alpha is off by 1/2n
    factor = 1 + shift / steps
    np.testing.assert_allclose(a.values, np.array([[6.0] * 2, [-5.0] * 2]) * factor, rtol=1e-12)
    np.testing.assert_allclose(a.score, [12.0, -10.0])
    np.testing.assert_array_equal(a.baseline_score, [0.0, 0.0])
    np.testing.assert_allclose(
        a.completeness_gap, a.score * (factor - 1), rtol=1e-9, atol=12 * 1e-15
    )


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_gauss_legendre_is_exact_to_degree_2n_minus_1(steps):
    x = np.array([[1.7], [-0.6]])
    # the gradient of x^m has degree m - 1
    for m in (2 * steps - 1, 2 * steps):
        a = IntegratedGradients(steps=steps)(power(m), x)
        np.testing.assert_allclose(a.values, x**m, rtol=1e-13)
    m = 2 * steps + 1  # one degree further its error on t^(m-1) is known
    error = math.factorial(steps) ** 4 / (m * math.factorial(2 * steps) ** 2)
    a = IntegratedGradients(steps=steps)(power(m), x)
    np.testing.assert_allclose(a.values, x**m * (1 - m * error), rtol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, -m * error * x[:, 0] ** m, rtol=1e-8)


def test_riemann_sums_of_a_cube_are_those_computed_by_hand():
    # x * (1/n) sum 3 (alpha x)^2 with the alphas of each rule, x = 2, n = 4 (trapezoid: 5 nodes)
    alphas = {
        "riemann_left": [0, 1 / 4, 2 / 4, 3 / 4],
        "riemann_middle": [1 / 8, 3 / 8, 5 / 8, 7 / 8],
        "riemann_right": [1 / 4, 2 / 4, 3 / 4, 1],
    }
    for rule, nodes in alphas.items():
        expected = 2 * sum(3 * (alpha * 2) ** 2 for alpha in nodes) / 4
        a = IntegratedGradients(rule=rule, steps=4)(power(3), [[2.0]])
        np.testing.assert_allclose(a.values, [[expected]], rtol=1e-14)
        np.testing.assert_allclose(a.completeness_gap, [expected - 8], rtol=1e-13)
    ends = 2 * 3 * (0**2 / 2 + 0.5**2 + 1**2 + 1.5**2 + 2**2 / 2) / 4
    a = IntegratedGradients(rule="riemann_trapezoid", steps=5)(power(3), [[2.0]])
    np.testing.assert_allclose(a.values, [[ends]], rtol=1e-14)
    assert ends == 8.25  # 1 / (2 n^2) of 8 too much, with n = 4 intervals


def test_right_rule_is_the_left_rule_of_the_path_run_backwards():
    model, x0 = builders.functional(dtype="float64"), 0.3
    x = builders.images(1).astype(np.float64)
    right = IntegratedGradients(rule="riemann_right", steps=6, baseline=x0)(model, x, target=0)
    # the path from x to x' runs through the same points the other way
    left = IntegratedGradients(rule="riemann_left", steps=6, baseline=x)(
        model, np.full_like(x, x0), target=0
    )
    np.testing.assert_allclose(right.values, -left.values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("steps", [2, 51])
@every_rule
def test_relu_kink_is_off_by_less_than_one_step(rule, steps):
    model = builders.formula(lambda x: keras.ops.relu(x - 1.0), size=1)
    a = IntegratedGradients(rule=rule, steps=steps)(model, [[3.0]])
    nodes, weights = quadrature(rule, steps)
    expected = 3 * weights[3 * nodes > 1].sum()  # the gradient is 1 behind the kink, 0 before it
    np.testing.assert_allclose(a.values, [[expected]], rtol=1e-13)
    np.testing.assert_allclose(a.completeness_gap, [expected - 2], rtol=1e-12, atol=1e-14)
    if steps > 2:  # where a step is small beside the integral of 2
        assert abs(a.completeness_gap[0]) <= 3 / (steps - 1)


@every_rule
def test_linear_model_is_exact(rule):
    model = builders.linear([[3.0, 1.0], [-2.0, 4.0]], bias=[5.0, -1.0])
    a = IntegratedGradients(rule=rule, steps=3, baseline=0.5)(model, [[1.0, 2.0]], target=0)
    np.testing.assert_allclose(a.values, [[1.5, -3.0]], rtol=1e-13)
    np.testing.assert_allclose(a.completeness_gap, [0.0], atol=1e-14)
    np.testing.assert_allclose(a.baseline_score, [5.5], rtol=1e-14)


@every_rule
def test_equals_the_papers_sum_in_numpy(rule):
    network, steps = SlowNetwork(5), 4
    rng = np.random.default_rng(6)
    x, x0 = rng.normal(size=(2, 2, *network.shape))
    targets = [0, 2]
    a = IntegratedGradients(rule=rule, steps=steps, baseline=x0)(
        network.keras_model(), x, target=targets
    )
    nodes, weights = quadrature(rule, steps)
    for b, target in enumerate(targets):
        mean = np.zeros(network.shape)
        for node, weight in zip(nodes, weights, strict=True):
            mean += weight * network.gradients(x0[b] + node * (x[b] - x0[b]), target)[0]
        np.testing.assert_allclose(a.values[b], (x[b] - x0[b]) * mean, rtol=1e-11, atol=1e-12)
        ends = [network.outputs(ends[None])[0, target] for ends in (x[b], x0[b])]
        np.testing.assert_allclose(a.score[b] - a.baseline_score[b], ends[0] - ends[1], rtol=1e-11)
        gap = a.values[b].sum() - (ends[0] - ends[1])
        np.testing.assert_allclose(a.completeness_gap[b], gap, atol=1e-11)


def test_completes_on_a_smooth_network():
    x = keras.Input(builders.IMAGE, dtype="float64")
    parts = [layers.Conv2D(3, 3, activation="tanh", dtype="float64")]
    parts += [layers.Flatten(dtype="float64")]
    h = builders.chain(x, [*parts, layers.Dense(3, activation="softmax", dtype="float64")])
    model = keras.Model(x, h)
    a = IntegratedGradients(steps=50)(model, builders.images())
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-12)
    difference = a.score - a.baseline_score
    assert np.abs(difference).min() > 1e-3
    np.testing.assert_allclose(a.values.sum(axis=(1, 2, 3)), difference, atol=1e-12)


@pytest.mark.slow
def test_gap_shrinks_with_steps_on_a_relu_network():
    model, x = SlowNetwork(8).keras_model(), np.random.default_rng(9).normal(size=(3, 5, 6, 2))
    gaps = [
        np.abs(IntegratedGradients(steps=steps)(model, x, target=0).completeness_gap).max()
        for steps in (4, 400)
    ]
    assert gaps[1] < gaps[0] / 20


def test_sensitivity_where_the_gradient_saturates():
    # the paper's example, section 2.1: f = 1 - ReLU(1 - x) is flat at x = 2, and 1 above f(0)
    model = builders.formula(lambda x: 1.0 - keras.ops.relu(1.0 - x), size=1)
    assert Saliency()(model, [[2.0]]).values == 0
    a = IntegratedGradients(steps=100, rule="riemann_middle")(model, [[2.0]])
    np.testing.assert_allclose(a.values, [[1.0]], rtol=1e-13)  # 50 of the 100 nodes lie below 1


def test_input_that_is_not_used_or_does_not_move_gets_nothing():
    model = builders.formula(lambda x: keras.ops.exp(x[:, :1]) * x[:, 1:2], size=3)
    a = IntegratedGradients(baseline=[0.0, 2.0, 0.0])(model, [[1.0, 2.0, 5.0]])
    np.testing.assert_array_equal(a.values[:, 1:], [[0.0, 0.0]])
    np.testing.assert_allclose(a.values[:, 0], 2 * (math.e - 1), rtol=1e-13)


@every_rule
def test_class_predicted_at_the_input_is_held_along_the_path(rule):
    model = builders.linear([[1.0, -3.0]], bias=[0.0, 2.0])  # class 1 below x = 1/2
    a = IntegratedGradients(rule=rule, steps=4)(model, [[1.0]])
    np.testing.assert_array_equal(a.target, [0])
    np.testing.assert_allclose(a.values, [[1.0]], rtol=1e-14)
    np.testing.assert_array_equal(a.baseline_score, [0.0])


def test_two_implementations_of_one_function_get_the_same():
    other = builders.formula(
        lambda x: ((x[:, :1] + x[:, 1:]) ** 2 - (x[:, :1] - x[:, 1:]) ** 2) / 4.0
    )
    product, x = builders.product(), [[3.0, 4.0], [0.2, -7.0]]
    for steps in (1, 5):
        method = IntegratedGradients(steps=steps, rule="riemann_left", baseline=0.1)
        a, b = (method(model, x).values for model in (product, other))
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_symmetric_inputs_get_the_same():
    model = builders.formula(lambda x: keras.ops.tanh(x[:, :1] * x[:, 1:]) + x[:, :1] + x[:, 1:])
    a = IntegratedGradients(steps=3, baseline=-0.3)(model, [[1.3, 1.3]])
    np.testing.assert_allclose(a.values[0, 0], a.values[0, 1], rtol=1e-14)


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        ("riemann_trapezoid", 1),
        ("gauss_legendre", 0),
        ("riemann_left", -3),
        ("gauss_legendre", 2.5),
        ("riemann_middle", True),
        ("riemann_right", "50"),
    ],
)
def test_steps_that_a_rule_cannot_use_are_refused(rule, steps):
    sentence = r"steps=.* an integer of at least 1\."
    if rule == "riemann_trapezoid":
        sentence = r"steps=1 does not fit riemann_trapezoid\. .* at least 2|at least 1\."
    with pytest.raises(InvalidInputError, match=sentence):
        IntegratedGradients(rule=rule, steps=steps)


def test_trapezoid_of_two_steps_is_the_mean_of_the_ends():
    a = IntegratedGradients(rule="riemann_trapezoid", steps=2)(power(3), [[2.0]])
    np.testing.assert_allclose(a.values, [[2 * (0 + 12) / 2]])
