"""Certified: votes and bounds by hand, and what the certificate promises."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from scipy import stats

from tests import builders
from tests.contract.case import Case
from tests.methods.noise import normals
from tfxai.errors import InvalidInputError
from tfxai.methods import Certified, IntegratedGradients, Saliency, SmoothGrad


def top_of_weights(s):
    """The positions of the largest weights are certified in, all others out."""
    w = s.w if s.w.ndim == 1 else s.w.sum(axis=-1)
    ranks = np.argsort(np.argsort(-w.ravel(), kind="stable")).reshape(w.shape)
    inside = ranks < max(1, round(0.2 * w.size))
    return np.where(inside, 1.0, -1.0) * np.ones((len(s.x), *w.shape))


CASES = (
    Case(
        method=Certified,
        linear=top_of_weights,
        options={"samples": 60},
        photographs={"samples": 60},
        is_of_kinds=True,
        others={
            "of": IntegratedGradients(steps=4),
            "samples": 40,
            "noise": 0.6,
            "seed": 1,
            "top": 0.5,
            "agreement": 0.6,
            "level": 0.9,
        },
    ),
)


def cubic():
    """f(x) = sum of x^3 / 3: the gradient of each position is its square."""
    return builders.formula(lambda x: keras.ops.sum(x**3, axis=1, keepdims=True) / 3, size=5)


X = np.array([[1.0, -1.1, 0.5, 2.0, 0.0]])


@pytest.mark.parametrize("chunk_size", ["auto", 7])
def test_votes_and_bounds_by_hand(chunk_size):
    method = Certified(samples=80, noise=0.1, seed=3, top=0.4, agreement=0.7, level=0.1)
    a = method(cubic(), X, chunk_size=chunk_size)
    noisy = X[0] + 0.1 * 3.1 * normals(3, 80, (5,))
    order = np.argsort(-(noisy**2), axis=1)
    votes = np.array([(order[:, :2] == i).any(axis=1).sum() for i in range(5)])
    np.testing.assert_allclose(a.details["votes"][0], votes / 80, rtol=1e-12)
    # P(Bin(80, 0.7) >= votes) for both sides, ten tests in all
    inside = stats.binom.sf(votes - 1, 80, 0.7) <= 0.1 / 10
    outside = stats.binom.sf(80 - votes - 1, 80, 0.7) <= 0.1 / 10
    np.testing.assert_array_equal(a.values[0], inside.astype(int) - outside.astype(int))
    assert set(a.values[0]) == {-1, 0, 1}
    expected = 0.1 * 3.1 * stats.norm.ppf(0.7)
    np.testing.assert_allclose(a.details["radius"], [expected], rtol=1e-6)


def test_fewest_votes_are_those_of_the_binomial_test():
    for samples, agreement in ((100, 0.75), (60, 0.5), (200, 0.9)):
        needed = Certified(samples=samples, agreement=agreement)._needed(50)
        level = 0.05 / 100
        assert stats.binom.sf(needed - 1, samples, agreement) <= level
        assert stats.binom.sf(needed - 2, samples, agreement) > level


def test_what_is_certified_holds_for_inputs_within_the_radius():
    method = Certified(samples=300, noise=0.2, top=0.4, agreement=0.75)
    a = method(cubic(), X)
    radius, sigma = float(a.details["radius"][0]), 0.2 * 3.1
    rng = np.random.default_rng(0)
    known = a.values[0] != 0
    assert known.sum() >= 2
    for _ in range(20):
        step = rng.normal(size=5)
        near = X[0] + radius * step / np.linalg.norm(step)
        noisy = near + sigma * rng.normal(size=(4000, 5))
        order = np.argsort(-(noisy**2), axis=1)[:, :2]
        share = np.array([(order == i).any(axis=1).mean() for i in range(5)])
        # a majority of the copies of the input close by votes as was certified
        np.testing.assert_array_equal((share > 0.5)[known], (a.values[0] > 0)[known])


def test_channels_are_reduced_as_the_method_does():
    w = np.array([[[3.0, -4.0]], [[1.0, 1.0]], [[0.5, 0.0]]])
    inputs = keras.Input((3, 1, 2), dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs * w, (1, 2, 3))[:, None])
    x = np.random.default_rng(0).normal(size=(1, 3, 1, 2))
    signed = Certified(top=0.34)(model, x)
    np.testing.assert_array_equal(signed.values[0, :, 0], [-1, 1, -1])  # sums -1, 2, 0.5
    magnitudes = Certified(top=0.34, of=Saliency())(model, x)
    np.testing.assert_array_equal(magnitudes.values[0, :, 0], [1, -1, -1])  # 4, 1, 0.5


def test_too_few_samples_and_positions_are_refused():
    level = 0.05 / 10
    enough = math.ceil(math.log(level) / math.log(0.75))
    with pytest.raises(InvalidInputError, match=rf"Pass samples={enough} or more"):
        Certified(samples=enough - 1)(cubic(), X)
    Certified(samples=enough)(cubic(), X)
    one = builders.formula(lambda x: x**2, size=1)
    with pytest.raises(InvalidInputError, match="the input has 1"):
        Certified()(one, np.ones((1, 1)))
    with pytest.raises(InvalidInputError, match=r"agreement=0\.4"):
        Certified(agreement=0.4)
    with pytest.raises(InvalidInputError, match="gives the values of a layer"):
        Certified(of="grad_cam")
    assert "tolerance" not in Certified().to_config()["options"]
    assert SmoothGrad(tolerance=0.1).to_config()["options"]["tolerance"] == 0.1
