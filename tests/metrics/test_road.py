"""ROAD and the fill that it brings: what curves become where hidden parts are imputed."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tests.core.graph.test_imputation import slow
from tests.metrics.test_metrics import SHAPE, W, X, given, linear
from tfxai.errors import InvalidInputError
from tfxai.metrics import (
    ROAD,
    SRG,
    AverageDrop,
    Deletion,
    Infidelity,
    LinearImputation,
    MuFidelity,
)

RNG = np.random.default_rng(4)
QUIET = LinearImputation(noise=0.0)


@pytest.mark.parametrize("least_first", [False, True])
def test_road_is_the_mean_over_shares_that_are_removed(least_first):
    values = RNG.normal(size=X.shape)
    found = ROAD(steps=4, noise=0.0, least_first=least_first)(linear(), X, given(values), 0)
    for x, relevance, curve in zip(X, values.sum(axis=-1), found.details["curve"], strict=True):
        order = np.argsort(relevance if least_first else -relevance, axis=None)
        for k, height in enumerate(curve[:-1]):
            hidden = np.zeros(relevance.size, bool)
            hidden[order[: round(k * relevance.size / 4)]] = True
            wanted = (slow(x, hidden.reshape(relevance.shape)) * W).sum()
            np.testing.assert_allclose(height, wanted, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.values, found.details["curve"][:, 1:-1].mean(axis=1))
    assert found.higher_is_better == least_first


def test_an_image_without_detail_loses_nothing():
    x = np.full((1, *SHAPE), 0.75)
    found = SRG(fill=QUIET, steps=5)(linear(), x, given(RNG.normal(size=x.shape), x), 0)
    for curve in found.details.values():
        np.testing.assert_allclose(curve, 0.75 * W.sum())
    np.testing.assert_allclose(found.values, 0, atol=1e-12)


def test_noise_is_a_share_of_the_range_on_what_is_hidden_alone():
    # the score is the sum of squares of what is filled in: its mean is its number times variance
    inputs = keras.Input((40, 40, 1), dtype="float64")
    model = keras.Model(inputs, keras.ops.sum(inputs[:, :, 1:-1] ** 2, (1, 2)))
    x = np.zeros((1, 40, 40, 1))
    x[:, :, [0, -1]] = [[-1.0], [1.0]]  # a range of 2, where nothing is hidden
    hide = np.zeros((1, 40, 40))
    hide[:, :, 1:-1] = 1
    fill = [LinearImputation(noise=noise) for noise in (0.0, 0.1)]
    quiet, noisy = (
        Deletion(steps=20, fill=one)(model, x, given(hide, x, is_map=True), 0) for one in fill
    )
    last = 19  # 38 of 40 columns
    added = noisy.details["curve"][0, last] - quiet.details["curve"][0, last]
    expected = 40 * 38 * (0.1 * 2) ** 2
    assert 0.8 * expected < added < 1.2 * expected  # five standard errors are 18 %
    again = Deletion(steps=20, fill=fill[1])(model, x, given(hide, x, is_map=True), 0)
    np.testing.assert_array_equal(again.values, noisy.values)
    other = LinearImputation(noise=0.1, seed=1)
    assert Deletion(steps=20, fill=other)(model, x, given(hide, x, is_map=True), 0).values != (
        noisy.values
    )


def test_chunks_and_batch_mates_change_nothing():
    model, x = builders.functional(dtype="float64"), builders.images(3).astype(np.float64)
    one = tfxai.Saliency(absolute=False)(model, x, 1)
    whole = Deletion(steps=5, fill="road")(model, x, one)
    chunked = Deletion(steps=5, fill="road")(model, x, one, chunk_size=2)
    np.testing.assert_allclose(chunked.values, whole.values, rtol=1e-7)
    function = Deletion(steps=5, fill="road")(lambda rows: np.asarray(model(rows)), x, one)
    np.testing.assert_allclose(function.values, whole.values, rtol=1e-7)


def test_series_are_imputed_by_lines_between_what_shows():
    w = RNG.normal(size=(9, 2))
    x = RNG.normal(size=(1, 9, 2))
    order = np.arange(9.0)[::-1]  # the first step goes first
    one = given(np.ones((1, 9, 2)) * order[:, None], X[:1])
    one = tfxai.Attribution(
        values=one.values, inputs=x, target=one.target, score=one.score, method=one.method,
        score_name="output", axes="TC",
    )  # fmt: skip
    curve = Deletion(steps=9, fill=QUIET)(linear(w), x, one, 0).details["curve"][0]
    np.testing.assert_allclose(curve[4], (w[:4] * x[0, 4] + 0).sum() + (w[4:] * x[0, 4:]).sum())


def test_the_fill_is_stored_by_its_name():
    metric = Deletion(fill="road")
    assert metric.fill == LinearImputation()
    stored = metric.to_config()["options"]["fill"]
    assert stored == {"name": "road", "options": {"noise": 0.01, "seed": 0}}
    assert Deletion(fill=stored) == metric


@pytest.mark.parametrize("metric", [Deletion, SRG, MuFidelity, Infidelity])
def test_inputs_without_neighbours_are_refused(metric):
    tables = np.ones((2, 5), "float32")
    model = builders.linear([[1.0]] * 5)
    with pytest.raises(InvalidInputError, match="has none between"):
        metric(fill="road")(model, tables, tfxai.GradientInput())
    with pytest.raises(InvalidInputError, match="noise"):
        LinearImputation(noise=-1)
    with pytest.raises(InvalidInputError, match="no options"):
        Deletion(fill={"name": "road", "options": {"width": 3}})
    with pytest.raises(ValueError, match="road"):
        AverageDrop(fill="road")
