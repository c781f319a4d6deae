"""Occlusion of whole networks, which runs on patches, against one prediction for each window."""

import keras
import numpy as np
import pytest
from keras import applications, layers

import tfxai
from tests.methods.perturbation.test_occlusion import starts
from tfxai.core.windows import patches
from tfxai.data import fit_image, sample_image
from tfxai.methods import Occlusion

pytestmark = pytest.mark.slow


@pytest.fixture
def plans(monkeypatch):
    """What was planned, in the order in which it was."""
    found = []

    def plan(*given):
        found.append(real(*given))
        return found[-1]

    real = patches.plan
    monkeypatch.setattr(patches, "plan", plan)
    return found


def loop(predict, x, window, stride, baseline):
    """What is predicted with each window covered, (rows, columns, N); x is (h, w, C)."""
    rows, columns = (starts(side, window, stride) for side in x.shape[:2])
    found = np.empty((len(rows), len(columns)), object)
    for i, top in enumerate(rows):
        covered = np.repeat(x[None], len(columns), axis=0)
        for one, left in zip(covered, columns, strict=True):
            one[top : top + window, left : left + window] = baseline
        found[i] = list(np.asarray(predict(covered)))
    return np.array(found.tolist())


def random(build, side):
    """Random weights, normalised on images as training would, so that outputs rest on inputs."""
    keras.utils.set_random_seed(0)
    model = build(weights=None, input_shape=(side, side, 3), classes=5, classifier_activation=None)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    rng = np.random.default_rng(0)
    model(rng.uniform(size=(8, side, side, 3)), training=True)
    return model, rng.uniform(size=(1, side, side, 3))


@pytest.mark.parametrize(
    "build",
    [applications.VGG16, applications.ResNet50, applications.MobileNet, applications.MobileNetV2],
)
def test_networks_of_known_shapes(build, float64, plans):
    model, x = random(build, 64)
    a = Occlusion(window=8, stride=8, baseline=0.3)(model, x, target=3)
    left = loop(model, x[0], 8, 8, 0.3)[..., 3]
    assert np.ptp(left) > 1e-6
    np.testing.assert_allclose(a.values[0, ::8, ::8], a.score[0] - left, rtol=1e-7, atol=1e-10)
    assert plans[0] is not None


def test_cifar_model(plans):
    subject = tfxai.load("cifar10_cnn")
    pixels = fit_image(sample_image("chelsea"), 32, 32)[None]
    a = Occlusion(window=4, stride=2, baseline=0.0)(subject, pixels)
    x = np.asarray(subject.prepare(pixels), np.float32)
    left = loop(subject.model, x[0], 4, 2, 0.0)[..., a.target[0]]
    drops = a.score[0] - left
    expected = np.zeros((32, 32, 2))  # sum and number
    for (i, j), drop in np.ndenumerate(drops):
        expected[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += (drop, 1)
    np.testing.assert_allclose(a.values[0], expected[..., 0] / expected[..., 1], atol=1e-5)
    assert np.abs(a.values).max() > 0.01
    assert plans[0] is not None


@pytest.mark.data
def test_network_for_photographs(test_data):
    subject = tfxai.load(test_data / "models" / "efficientnet_lite0.keras")
    pixels = fit_image(sample_image("chelsea"), 224, 224)[None]
    a = Occlusion(window=32, stride=32, baseline=0.0)(subject, pixels)
    x = np.asarray(subject.prepare(pixels), np.float32)
    left = loop(subject.model, x[0], 32, 32, 0.0)[..., a.target[0]]
    np.testing.assert_allclose(a.values[0, ::32, ::32], a.score[0] - left, atol=1e-5)
    assert np.abs(a.values).max() > 0.01
