"""The plain versions that the CAMs are timed beside do the same, on the whole model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from benchmarks.cams import cam_table, copy, plain_ablation_cam, plain_score_cam
from tests.builders import functional, images


@pytest.fixture(scope="module")
def model():
    return functional()


def logits(model, x):
    """What the dense layer before the softmax gives."""
    head = model.get_layer("head")
    before = keras.Model(model.input, model.get_layer("flat").output)
    return np.asarray(before(x)) @ np.asarray(head.kernel) + np.asarray(head.bias)


def test_a_copy_gives_logits_and_shares_nothing(model):
    x = images(2)
    whole = copy(model)
    np.testing.assert_allclose(np.asarray(whole(x)), logits(model, x), rtol=1e-5, atol=1e-6)
    whole.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert np.ptp(np.asarray(model(x))) > 0


@pytest.mark.parametrize("chunk", [1, 2, 3, 50])
def test_plain_ablation_cam_is_the_definition(model, chunk):
    x = images(1)
    body = keras.Model(model.input, model.get_layer("conv2").output)
    maps = np.asarray(body(x))[0]
    head = model.get_layer("head")

    def score(features):
        return (features.ravel() @ np.asarray(head.kernel) + np.asarray(head.bias))[1]

    total = np.zeros(maps.shape[:2])
    for k in range(maps.shape[-1]):
        without = maps.copy()
        without[..., k] = 0
        total += (score(maps) - score(without)) * maps[..., k]
    plain = plain_ablation_cam(model, "conv2", 1, chunk)(tf.constant(x))
    np.testing.assert_allclose(plain[0], np.maximum(total, 0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("chunk", [2, 50])
def test_plain_score_cam_is_the_definition(model, chunk):
    x = images(1)
    body = keras.Model(model.input, model.get_layer("conv1").output)
    maps = np.asarray(body(x))[0]
    low, high = maps.min(axis=(0, 1)), maps.max(axis=(0, 1))
    masks = np.moveaxis((maps - low) / (high - low), -1, 0)
    scores = logits(model, x * masks[..., None])[:, 2]  # conv1 is as large as the image
    weights = np.exp(scores) / np.exp(scores).sum()
    plain = plain_score_cam(model, "conv1", None, 2, chunk)(tf.constant(x))
    expected = np.maximum(maps @ weights, 0)
    np.testing.assert_allclose(plain[0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_the_table_has_both_methods_and_refuses_to_time_what_differs(model, monkeypatch):
    subject = tfxai.Subject(model)
    words = (subject, images(1), ("conv1", "conv2"), 3, 2, 2)
    columns = [list(column.cells) for column in cam_table(*words).columns[:3]]
    assert columns == [["score_cam", "ablation_cam"], ["conv1", "conv2"], ["3", "3"]]
    monkeypatch.setattr(
        "benchmarks.cams.plain_ablation_cam", lambda *_: lambda x: tf.ones((1, 5, 4))
    )
    with pytest.raises(ValueError, match=r"ablation_cam differs from its plain"):
        cam_table(*words)
