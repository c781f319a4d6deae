"""RISE: mask by mask in loops, and in expectation."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.core.sampling.random_numbers import uniform
from tfxai.errors import InvalidInputError
from tfxai.methods import RISE


def masks(samples, cells, probability, seed, sides):
    """Each position of each mask from the cells around it."""
    grid = [count + 2 for count in cells]
    draws = uniform(seed, tf.range(samples), samples, [len(grid) + math.prod(grid)], tf.float64)
    found = np.zeros((samples, *sides))
    for n, numbers in enumerate(draws.numpy()):
        shift, shown = numbers[: len(grid)], (numbers[len(grid) :] < probability).reshape(grid)
        for place in np.ndindex(*sides):
            at = np.array(place) * cells / np.array(sides) + shift
            first, part = at.astype(int), at % 1
            for corner in itertools.product((0, 1), repeat=len(grid)):
                weight = np.where(corner, part, 1 - part).prod()
                found[n, *place] += weight * shown[*(first + corner)]
    return found


def on_linear(s):
    """The scores of the masks, each added to the map where the mask shows."""
    sides = s.effects.shape[1:]
    drawn = masks(40, [7] * len(sides), 0.5, 0, sides)
    shown = drawn if s.blends else drawn >= 0.5
    return np.tensordot(s.scores(shown), shown, axes=1) / (40 * 0.5)


CASES = (
    Case(
        method=RISE,
        linear=on_linear,
        blends=True,
        others={"samples": 30, "cells": 3, "probability": 0.25, "baseline": 0.5, "seed": 1}
        | {"tolerance": 10.0},
        options={"samples": 40},
    ),
)


X = np.random.default_rng(12).normal(size=(3, 5, 6, 2))


@pytest.mark.parametrize(("samples", "cells", "probability"), [(9, (2, 3), 0.5), (4, (5, 6), 0.2)])
def test_equals_the_definition_mask_by_mask(samples, cells, probability):
    network = SlowNetwork(11)
    baseline = np.random.default_rng(1).normal(size=(5, 6, 2))
    method = RISE(samples=samples, cells=cells, probability=probability, baseline=baseline, seed=3)
    values = method(network.keras_model("softmax"), X, target=2).values
    for x, found in zip(X, values, strict=True):
        expected = np.zeros((5, 6))
        for mask in masks(samples, cells, probability, 3, (5, 6)):
            shown = mask[..., None] * x + (1 - mask[..., None]) * baseline
            logits = network.forward(shown)[2]
            expected += (np.exp(logits) / np.exp(logits).sum())[2] * mask
        expected /= samples * probability  # Eq. 6
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_masks_show_every_position_with_the_chance_asked_for():
    # a constant score: the map is the mean mask over its expectation
    x = keras.Input((8, 9, 1), dtype="float64")
    model = keras.Model(x, 0.0 * keras.ops.sum(x, axis=(1, 2)) + 1.0)
    samples = 4000
    values = RISE(samples=samples, cells=3, probability=0.3)(model, np.ones((1, 8, 9, 1))).values
    # a mask's value has at most the variance p (1 - p): 5 standard errors
    bound = 5 * np.sqrt(0.3 * 0.7 / samples) / 0.3
    np.testing.assert_allclose(values, np.ones((1, 8, 9)), atol=bound)
    assert values.std() > 0


def test_what_counts_stands_out_as_expected():
    # f = x3 of features that are 1: with cells as wide as a feature E[f M_i] / p is E[M_3 M_i] / p
    model = builders.formula(lambda x: x[:, 3:4], size=8)
    a = RISE(samples=8000, cells=8, baseline=0.0)(model, np.ones((1, 8)))
    # between two cells of weights 1 - s and s, s uniform: E[M^2] = p^2 + 2/3 p (1 - p), and the
    # neighbour shares one of them: p^2 + 1/6 p (1 - p)
    expected = np.full(8, 0.5)
    expected[3] = 0.5 + 2 / 3 * 0.5
    expected[[2, 4]] = 0.5 + 1 / 6 * 0.5
    np.testing.assert_allclose(a.values[0], expected, atol=5 * 2 * 0.5 / np.sqrt(8000))


def test_several_baselines_are_averaged():
    model = SlowNetwork(11).keras_model("softmax")
    several = np.random.default_rng(4).normal(size=(3, 5, 6, 2))
    options = {"samples": 5, "cells": 2}
    a = RISE(baseline=tfxai.baselines.Samples(several), **options)(model, X, target=1)
    each = [RISE(baseline=one, **options)(model, X, target=1).values for one in several]
    np.testing.assert_allclose(a.values, np.mean(each, axis=0), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("shape", [(12, 2), (4, 3, 5, 1)])
def test_series_and_volumes_are_masked_along_all_their_axes(shape):
    x = keras.Input(shape, dtype="float64")
    model = keras.Model(x, layers.Dense(1, dtype="float64")(layers.Flatten(dtype="float64")(x)))
    images = builders.images(2, shape).astype(np.float64)
    values = RISE(samples=20, cells=2)(model, images).values
    assert values.shape == (2, *shape[:-1])
    for axis in range(1, values.ndim):
        assert np.abs(np.diff(values, axis=axis)).max() > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "samples=0 was expected to be an integer of at least 1"),
        ({"cells": 0}, "cells=0 was expected to be an integer of at least 1"),
        ({"cells": []}, r"cells=\[\] was expected"),
        ({"probability": 1.0}, r"probability=1.0 was expected to be a number in \(0, 1\)"),
        ({"probability": True}, "probability=True was expected"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    with pytest.raises(InvalidInputError, match=message):
        RISE(**options)


def test_what_does_not_fit_the_model_is_refused():
    with pytest.raises(
        InvalidInputError, match=r"cells=\(2,\) has 1 numbers, and the input has 2"
    ):
        RISE(cells=(2,))(builders.functional(), builders.images())
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    model = keras.Model({"a": a, "b": b}, layers.Dense(2)(layers.Concatenate()([a, b])))
    given = {"a": np.ones((2, 3), np.float32), "b": np.ones((2, 2), np.float32)}
    maps = RISE(samples=20)(model, given).values  # of each input by itself
    assert {name: one.shape for name, one in maps.items()} == {"a": (2, 3), "b": (2, 2)}
