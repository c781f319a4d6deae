"""Signs of relevance, activations that go below zero, and rules of one's own."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from keras import layers

from tests import builders
from tests.methods.propagation.test_lrp import alpha_beta, epsilon, gamma
from tfxai.errors import InvalidInputError
from tfxai.methods import LRP, AttributionMethod
from tfxai.rules import AlphaBeta, Composite, Epsilon, Gamma, Rule, ZPlus

EXACT = {"rtol": 1e-12, "atol": 1e-13}


@pytest.mark.parametrize("rule", [AlphaBeta(), AlphaBeta(alpha=3.0, beta=2.0)])
@pytest.mark.parametrize(
    ("w", "x", "relevance"),
    [
        ([[-1.0], [-2.0]], [1.0, 1.0], [-1.0, -2.0]),  # all negative: they share it alone
        ([[1.0], [2.0]], [1.0, 1.0], [1.0, 2.0]),
        ([[-1.0], [-2.0]], [-1.0, -1.0], [1.0, 2.0]),
        ([[1.0], [2.0]], [-1.0, -1.0], [-1.0, -2.0]),
    ],
)
def test_contributions_of_one_sign_share_the_relevance_with_its_own_sign(rule, w, x, relevance):
    np.testing.assert_allclose(
        LRP(rule=rule)(builders.linear(w), [x]).values, [relevance], **EXACT
    )


def test_relevance_of_a_negative_score_keeps_its_sign_where_contributions_have_both():
    model = builders.linear([[-4.0], [1.0]])  # z = -3: of it 2 (1/1) to the positive, -1 (-4/-4)
    values = LRP(rule=AlphaBeta())(model, [[1.0, 1.0]]).values
    np.testing.assert_allclose(values, [[3.0, -6.0]], **EXACT)


W1 = np.random.default_rng(1).normal(size=(4, 3))
W2 = np.random.default_rng(2).normal(size=(3, 2))
RULES = {
    "z_plus": (ZPlus(), alpha_beta(1, 0)),
    "alpha_beta": (AlphaBeta(), alpha_beta(2, 1)),
    "gamma": (Gamma(gamma=0.5), gamma(0.5)),
    "epsilon": (Epsilon(epsilon=1e-3), epsilon(1e-3)),
}
BELOW_ZERO = {
    "tanh": np.tanh,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.2 * z),
    "linear": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.maximum(z, 0),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", BELOW_ZERO)
def test_activations_below_zero_contribute_with_their_sign(activation, rule):
    x = keras.Input((4,), dtype="float64")
    first = layers.Dense(3, activation=activation, use_bias=False, dtype="float64")
    last = layers.Dense(2, use_bias=False, dtype="float64")
    model = keras.Model(x, last(first(x)))
    model.set_weights([W1, W2])
    given = np.random.default_rng(3).normal(size=(5, 4))
    record, by_hand = RULES[rule]
    expected = []
    for one in given:
        a = BELOW_ZERO[activation](one @ W1)
        r = np.where(np.arange(2) == 1, a @ W2, 0.0)
        expected.append(by_hand(one, W1, np.zeros(3), by_hand(a, W2, np.zeros(2), r)))
    values = LRP(rule=record)(model, given, 1).values
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-7)  # slopes are float32


@dataclasses.dataclass(frozen=True, kw_only=True)
class Absolute(Rule):
    """Shares in proportion to |z_jk|."""

    name = "absolute_of_the_tests"

    def relevance(self, layer, r):
        a = keras.ops.abs(layer.a)
        positive, negative = layer.signed(a)  # |z_jk| add up to the one less the other
        back = layer.transposed(r / (positive - negative))  # of W; of |W| but for its sign
        return a * keras.ops.abs(back) * keras.ops.reshape(keras.ops.sign(r), (-1, 1))


@pytest.mark.parametrize("as_part", [False, True])
def test_a_rule_of_ones_own_is_taken(as_part):
    model = builders.linear([[2.0], [-3.0]])
    rule = Composite(dense=Absolute()) if as_part else Absolute()
    values = LRP(rule=rule)(model, [[1.0, 2.0]]).values  # z = -4, |z_jk| = 2, 6
    np.testing.assert_allclose(values, [[-1.0, -3.0]], **EXACT)
    method = LRP(rule=rule)
    assert AttributionMethod.from_config(json.loads(json.dumps(method.to_config()))) == method


class NoRecord(Rule):
    name = "no_record_of_the_tests"

    def relevance(self, layer, r):
        return layer.a


@dataclasses.dataclass(frozen=True)
class NoName(Rule):
    def relevance(self, layer, r):
        return layer.a


@pytest.mark.parametrize("rule", [NoRecord, NoName])
def test_a_rule_that_is_no_named_record_is_refused(rule):
    with pytest.raises(InvalidInputError, match="expected to be a frozen dataclass with a name"):
        LRP(rule=rule())
