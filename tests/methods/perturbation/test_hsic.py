"""HSIC: the definition with all its matrices, and identities."""

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.core.sampling.sensitivity import HSICMasks
from tfxai.errors import InvalidInputError
from tfxai.methods import HSIC, Sobol


def dependence(scores, z):
    """Equation by equation: a Gaussian kernel of the scores, the identity of what a cell shows."""
    n = len(scores)
    h = np.eye(n) - 1 / n
    of_scores = np.exp(-((scores[:, None] - scores) ** 2) / (2 * scores.var()))
    return np.trace((z[:, None] == z) @ h @ of_scores @ h) / (n - 1) ** 2


def on_linear(s):
    sides = s.effects.shape[1:]
    masks = HSICMasks.of(int(np.prod(sides)), 40, 0).masks
    scores = s.scores(masks.reshape(-1, *sides))
    return np.array([[dependence(one, z) for z in masks.T] for one in scores]).reshape(-1, *sides)


CASES = (
    Case(
        method=HSIC,
        linear=on_linear,
        others={"cells": 3, "samples": 30, "baseline": 0.5, "seed": 1},
        options={"samples": 40},
    ),
)


X = np.random.default_rng(12).normal(size=(3, 5, 6, 2))


def test_equals_the_definition_with_all_matrices():
    network, n = SlowNetwork(11), 30
    baseline = np.random.default_rng(1).normal(size=(5, 6, 2))
    method = HSIC(samples=n, cells=(2, 3), baseline=baseline, seed=3)
    a = method(network.keras_model(), X, target=2)
    masks = HSICMasks.of(6, n, 3).masks
    for x, found, variance in zip(X, a.values, a.details["variance"], strict=True):
        scores = []
        for mask in masks:
            shown = np.zeros((5, 6, 1))
            for i, j in np.ndindex(5, 6):
                shown[i, j] = mask[3 * (i * 2 // 5) + j * 3 // 6]
            scores.append(network.forward(np.where(shown, x, baseline))[2][2])
        scores = np.array(scores)
        np.testing.assert_allclose(variance, scores.var(), rtol=1e-9)
        for i, j in np.ndindex(5, 6):
            z = masks[:, 3 * (i * 2 // 5) + j * 3 // 6]
            np.testing.assert_allclose(found[i, j], dependence(scores, z), rtol=1e-9)


def test_a_feature_without_influence_is_near_zero_and_the_others_are_not():
    a = HSIC(samples=1000)(builders.linear([[1.0], [-2.0], [0.0]]), np.ones((1, 3)))
    weak, strong, none = a.values[0]
    # its mean is below 1.5 / n; an estimate ten times that has a chance below exp(-6)
    assert none < 0.01 < weak < strong


def test_scale_and_offset_of_the_score_change_nothing():
    x, w = np.array([[1.0, 2.0, -1.0]]), np.array([[1.0], [-2.0], [0.5]])
    a = HSIC(samples=50)(builders.linear(w), x)
    b = HSIC(samples=50)(builders.linear(-3 * w, bias=5.0), x)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10)


@pytest.mark.parametrize("weight", [0.0, 1e-16])
@pytest.mark.parametrize("method", [Sobol(samples=16), HSIC(samples=50)])
def test_a_score_that_changes_by_rounding_alone_has_zeros(method, weight):
    a = method(builders.linear([[weight], [0.0]], bias=0.9), np.ones((1, 2)))
    np.testing.assert_allclose(a.values, [[0.0, 0.0]], atol=1e-15)
    b = method(builders.linear([[1e-12], [0.0]], bias=0.9), np.ones((1, 2)))
    assert b.values[0, 0] > 0.1  # a small change that is none of rounding


def test_dependence_has_no_variance_to_share_out_in_a_constant_score():
    a = HSIC(samples=50)(builders.linear([[0.0], [0.0]], bias=0.3), np.ones((1, 2)))
    np.testing.assert_allclose(a.details["variance"], [0.0], atol=1e-30)


def test_scores_of_several_baselines_are_averaged():
    model, x = builders.linear([[1.0], [3.0]]), np.array([[1.0, 2.0]])
    several = np.array([[0.0, 4.0], [0.5, -1.0], [2.0, 0.0]])
    a = HSIC(samples=40, baseline=tfxai.baselines.Samples(several))(model, x)
    b = HSIC(samples=40, baseline=several.mean(axis=0))(model, x)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10)


@pytest.mark.parametrize("shape", [(12, 2), (4, 3, 5, 1)])
@pytest.mark.parametrize("method", [Sobol(samples=8, cells=2), HSIC(samples=30, cells=2)])
def test_series_and_volumes_are_parted_along_all_their_axes(method, shape):
    x = keras.Input(shape, dtype="float64")
    model = keras.Model(x, layers.Dense(1, dtype="float64")(layers.Flatten(dtype="float64")(x)))
    values = method(model, builders.images(2, shape).astype(np.float64)).values
    assert values.shape == (2, *shape[:-1])
    for axis in range(1, values.ndim):
        assert np.abs(np.diff(values, axis=axis)).max() > 1e-6


@pytest.mark.parametrize("method", [Sobol(samples=8), HSIC(samples=30)])
def test_each_of_several_inputs_is_masked_with_the_other_held(method):
    a, b = (keras.Input((2,), name=name, dtype="float64") for name in "ab")
    model = keras.Model({"a": a, "b": b}, a[:, :1] * b[:, :1] + a[:, 1:])
    given = {"a": np.array([[2.0, 3.0]]), "b": np.array([[5.0, 7.0]])}
    values = method(model, given).values
    alone = method(builders.linear([[5.0], [1.0]]), given["a"]).values
    np.testing.assert_allclose(values["a"], alone, rtol=1e-10)
    alone = method(builders.linear([[2.0], [0.0]], bias=3.0), given["b"]).values
    np.testing.assert_allclose(values["b"], alone, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 1}, "samples=1 was expected to be an integer of at least 2"),
        ({"samples": 0}, "samples=0 was expected"),
        ({"cells": True}, "cells=True was expected to be an integer of at least 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        HSIC(**options)
