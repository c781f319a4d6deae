"""The vision transformer that comes with tfxai."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data, transform

import tfxai
from tfxai.card import sha256_of
from tfxai.data import load_cifar10
from tfxai.errors import DataNotFoundError
from tfxai.models import accuracy
from tfxai.registry import find, history_path, read_history


@pytest.fixture(scope="module")
def seer():
    return tfxai.load("cifar10_transformer")


@pytest.fixture(scope="module")
def cat():
    """A photograph of a cat, (1, 32, 32, 3) float32 in [0, 1]."""
    image = transform.resize(data.chelsea()[:, 80:380], (32, 32), anti_aliasing=True)
    return image[None].astype(np.float32)


def test_it_is_small_and_what_its_card_says(seer):
    path = find("cifar10_transformer")
    assert path.stat().st_size <= 15e6
    assert {variable.dtype for variable in seer.model.trainable_variables} == {"float32"}
    assert seer.card.sha256[path.name] == sha256_of(path)
    assert len(read_history(history_path(path))["loss"]) == seer.card.epochs
    assert seer.card.accuracy >= 0.7


def test_it_is_right_as_often_as_its_card_says(seer):
    pytest.importorskip("tensorflow_datasets")
    try:
        images, labels = load_cifar10("test")
    except DataNotFoundError as error:
        pytest.skip(str(error))
    right = accuracy(seer.model, seer.preprocessing, images[:2000], labels[:2000])
    assert right == pytest.approx(seer.card.accuracy, abs=0.03)  # three standard errors


def test_every_token_attends_to_all_in_shares(seer, cat):
    weights = tfxai.attention(seer, cat)
    assert weights.layers == ("block0_look", "block1_look", "block2_look")
    for layer in weights.layers:
        assert weights[layer].shape == (1, 4, 64, 64)
        np.testing.assert_allclose(weights[layer].sum(axis=-1), 1, atol=1e-5)


def test_rollout_is_the_mean_row_of_the_product(seer, cat):
    """The tokens are pooled by their mean, so is what they attend to."""
    weights = tfxai.attention(seer, cat)
    product = np.eye(64)
    for layer in weights.layers:
        product = (weights[layer][0].mean(axis=0) + np.eye(64)) / 2 @ product
    rollout = tfxai.AttentionRollout()(seer, cat)
    assert rollout.values.shape == (1, 8, 8)
    np.testing.assert_allclose(rollout.values.ravel(), product.mean(axis=0), atol=1e-6)


def test_rules_add_up_to_the_score(seer, cat):
    for method in (tfxai.LRP(), tfxai.LibraGrad()):
        a = method(seer, cat)
        sums = a.values.sum(axis=(1, 2, 3)) + a.details["constants"]
        np.testing.assert_allclose(sums, a.score, rtol=1e-3, atol=1e-3)
