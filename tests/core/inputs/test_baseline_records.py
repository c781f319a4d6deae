"""Baselines that are made from the input, by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy import ndimage

import tfxai
from tests import builders
from tfxai.baselines import Blur, Constant, Mean, Noise, Samples
from tfxai.core.inputs.baselines import check_baseline
from tfxai.data.preprocessing import Preprocessing
from tfxai.errors import InvalidInputError, UnknownNameError
from tfxai.methods import IntegratedGradients
from tfxai.methods.base import AttributionMethod

IMAGES = np.random.default_rng(0).uniform(-1, 3, (2, 6, 5, 2))
UNIT = (np.zeros(()), np.ones(()))


def test_blur_smooths_space_and_leaves_channels_and_examples_apart():
    found = Blur(sigma=1.5).make(IMAGES, None)
    for i in range(2):
        for channel in range(2):
            alone = ndimage.gaussian_filter(IMAGES[i, ..., channel], 1.5, mode="nearest")
            np.testing.assert_allclose(found[i, ..., channel], alone, rtol=1e-12)
    np.testing.assert_allclose(Blur().make(IMAGES, None), Blur(0.6).make(IMAGES, None))
    series = np.random.default_rng(1).normal(size=(2, 20, 3))
    expected = ndimage.gaussian_filter1d(series, 2.0, axis=1, mode="nearest")
    np.testing.assert_allclose(Blur().make(series, None), expected, rtol=1e-12)
    flat = np.full((1, 6, 5, 2), 0.7)
    np.testing.assert_allclose(Blur().make(flat, None), flat)


def test_mean_is_each_examples_own_colour():
    found = Mean().make(IMAGES, None)
    for i in range(2):
        for channel in range(2):
            assert np.ptp(found[i, ..., channel]) == 0
            np.testing.assert_allclose(found[i, 0, 0, channel], IMAGES[i, ..., channel].mean())


def test_uniform_noise_fills_the_range_and_is_shared_by_the_batch():
    wide = np.zeros((2, 60, 60, 3))
    low, high = np.array([-1.0, 0.0, 2.0]), np.array([1.0, 4.0, 3.0])
    found = Noise().make(wide, (low, high))
    assert (found >= low).all()
    assert (found < high).all()
    # 3,600 uniform numbers: mean within 5 sigma, sigma = width / sqrt(12 * 3600)
    spread = 5 * (high - low) / np.sqrt(12 * 3600)
    assert (np.abs(found[0].mean((0, 1)) - (low + high) / 2) < spread).all()
    np.testing.assert_array_equal(*np.broadcast_to(found, wide.shape))
    assert not np.allclose(found, Noise(seed=1).make(wide, (low, high)))
    own = Noise().make(IMAGES, None)  # no preprocessing known: each example's own range
    for i in range(2):
        assert IMAGES[i].min() <= own[i].min() < own[i].max() <= IMAGES[i].max()


def test_gaussian_noise_lies_around_the_input_and_stays_in_the_range():
    inside = np.full((2, 60, 60, 1), 0.5)
    found = Noise(noise=0.1).make(inside, UNIT) - inside
    assert 0.09 < found[0].std() < 0.11  # 3,600 numbers: 5 sigma are 0.006
    assert abs(found[0].mean()) < 5 * 0.1 / 60
    edge = Noise(noise=0.5).make(inside * 2, UNIT)
    assert edge.max() == 1
    outside = Noise(noise=0.5).make(inside * 4, UNIT)  # the input itself is never clipped
    assert outside.max() == 2


def test_words_and_records_say_the_same():
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    for word, record in (("blur", Blur()), ("noise", Noise()), ("mean", Mean())):
        a, b = (IntegratedGradients(baseline=one, steps=3) for one in (word, record))
        assert a == b
        np.testing.assert_array_equal(a(model, x, 0).values, b(model, x, 0).values)
        expected = IntegratedGradients(baseline=np.broadcast_to(record.make(x, None), x.shape))
        np.testing.assert_array_equal(
            expected(model, x, 0).baseline_score, a(model, x, 0).baseline_score
        )
        assert AttributionMethod.from_config(a.to_config()) == a
    assert IntegratedGradients(baseline=Constant(0.5)) == IntegratedGradients(baseline=0.5)
    assert IntegratedGradients(baseline=Constant("grey")) == IntegratedGradients(baseline="grey")


def test_colours_are_those_of_pixels_before_preprocessing():
    model = builders.functional()
    card = tfxai.Card(name="m", preprocessing=Preprocessing("tf"))
    x = np.zeros((1, *builders.IMAGE), np.float32)
    for colour, value in (("black", -1.0), ("grey", 0.0), ("white", 1.0)):
        a = IntegratedGradients(baseline=colour, steps=3)(tfxai.Subject(model, card), x, 0)
        b = IntegratedGradients(baseline=value, steps=3)(model, x, 0)
        np.testing.assert_allclose(a.values, b.values, atol=1e-7)


def test_samples_average_the_attributions_and_the_scores():
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    background = builders.images(3, seed=5).astype(np.float64)
    each = [IntegratedGradients(baseline=one, steps=4)(model, x, 1) for one in background]
    a = IntegratedGradients(baseline=Samples(background), steps=4)(model, x, 1, chunk_size=5)
    np.testing.assert_allclose(a.values, np.mean([b.values for b in each], axis=0), rtol=1e-9)
    scores = np.mean([b.baseline_score for b in each], axis=0)
    np.testing.assert_allclose(a.baseline_score, scores, rtol=1e-12)
    gaps = np.mean([b.completeness_gap for b in each], axis=0)
    np.testing.assert_allclose(a.completeness_gap, gaps, rtol=1e-8, atol=1e-13)


def test_samples_at_a_layer_are_carried_there():
    model, x = builders.functional(dtype="float64"), builders.images().astype(np.float64)
    background = builders.images(2, seed=5).astype(np.float64)
    each = [IntegratedGradients(baseline=o, steps=4)(model, x, 1, at="conv1") for o in background]
    a = IntegratedGradients(baseline=Samples(background), steps=4)(model, x, 1, at="conv1")
    np.testing.assert_allclose(a.values, np.mean([b.values for b in each], axis=0), rtol=1e-9)


def test_what_cannot_be_a_baseline_is_refused():
    table = builders.product()
    for word in ("blur", "mean"):
        with pytest.raises(
            InvalidInputError, match=rf"baseline='{word}' looks along space.*\(1, 2"
        ):
            IntegratedGradients(baseline=word)(table, np.ones((1, 2)))
    with pytest.raises(UnknownNameError, match=r"no baseline 'blurr'. Did you mean 'blur'"):
        IntegratedGradients(baseline="blurr")
    with pytest.raises(UnknownNameError, match=r"no colour 'gray'. Did you mean 'grey'"):
        Constant("gray")
    for make, sentence in (
        (lambda: Blur(0), "sigma=0 was expected to be above 0"),
        (lambda: Noise(noise=-1), "noise=-1 was expected to be above 0"),
        (lambda: Noise(seed="a"), "seed='a' was expected to be an integer in"),
        (lambda: Samples([[1.0], [1.0, 2.0]]), "Samples=.* was expected to be finite numbers"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            make()
    with pytest.raises(InvalidInputError, match=r"baselines have shape \(2, 3\), and \(R, 2\)"):
        IntegratedGradients(baseline=Samples(np.ones((2, 3))))(table, np.ones((1, 2)))


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"name": "blurr", "options": {}}, "There is no baseline 'blurr'. Did you mean 'blur'"),
        ({"name": 3, "options": {}}, "There is no baseline '3'"),
        ({"name": "blur", "options": {"width": 3}}, "baseline='blur' has no options"),
        ({"name": "blur", "options": 3}, "baseline='blur' has no options 3"),
    ],
)
def test_a_record_of_a_baseline_that_is_none_is_refused(record, sentence):
    with pytest.raises(InvalidInputError, match=re.escape(sentence)):
        check_baseline(record)
