"""The vision transformer that comes with tfxai."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data, transform

import tfxai
from tfxai.card import sha256_of
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


def test_it_is_right_as_often_as_its_card_says(seer, test_data):
    tfds = pytest.importorskip("tensorflow_datasets")
    del tfds
    images, labels = tfxai.data.load_cifar10("test")
    right = accuracy(seer.model, seer.card.preprocessing, images[:2000], labels[:2000])
    assert right == pytest.approx(seer.card.accuracy, abs=0.03)
