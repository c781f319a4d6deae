"""Parameterisations and transformations, against their definitions in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from tfxai.data import sample_image
from tfxai.errors import InvalidInputError
from tfxai.features import Fourier, PhaseOnly, Transformations
from tfxai.features.photographs import colour_matrix, magnitudes, sample_photographs
from tfxai.features.transformations import DRAWS

SHAPE = (12, 9, 3)


def pictures(count=2, shape=SHAPE):
    return np.random.default_rng(3).random((count, *shape)).astype(np.float32)


def changed(transformations, images, draws):
    return transformations.changed(tf.constant(images), tf.constant(draws, tf.float32)).numpy()


def middle(count=2, **own):
    draws = np.full((count, DRAWS), 0.5)
    for place, value in own.items():
        draws[:, int(place[1:])] = value
    return draws


NONE = {"pad": 0.0, "jitter": 0.0, "scale": 0.0, "rotate": 0.0}


def test_draws_in_the_middle_change_nothing():
    images = pictures()
    still = Transformations(pad=0.0, jitter=0.3, scale=0.3, rotate=30.0)
    np.testing.assert_allclose(changed(still, images, middle()), images, atol=1e-5)


def test_jitter_moves_the_picture_and_grey_comes_in():
    images = pictures()
    moved = changed(Transformations(**{**NONE, "jitter": 0.25}), images, middle(_2=1.0))
    np.testing.assert_allclose(moved[:, :9], images[:, 3:], atol=1e-5)
    np.testing.assert_allclose(moved[:, 9:], 0.5, atol=1e-5)


def test_a_quarter_turn_is_a_rotation():
    images = pictures(shape=(9, 9, 3))
    turned = changed(Transformations(**{**NONE, "rotate": 90.0}), images, middle(_1=1.0))
    np.testing.assert_allclose(turned, np.rot90(images, axes=(1, 2), k=-1), atol=1e-4)


def test_scale_enlarges_and_pad_frames():
    images = np.zeros((1, 11, 11, 1), np.float32)
    images[:, 5, 5] = 1
    larger = changed(Transformations(**{**NONE, "scale": 0.999}), images, middle(1, _0=0.0))
    np.testing.assert_allclose(larger[0, 5, 3:8, 0], [0, 0.5, 1, 0.5, 0], atol=2e-3)
    framed = changed(Transformations(**{**NONE, "pad": 0.5}), images, middle(1))
    np.testing.assert_allclose(framed[0, :2], 0.5)
    np.testing.assert_allclose(framed[0, 3:8, 5, 0], [0, 0, 1, 0, 0], atol=1e-5)


def test_fourier_is_the_inverse_transform_in_the_colours_of_photographs():
    way = Fourier(decay=1.0, spread=1.0)
    numbers = way.start(SHAPE, (0, 1))
    found = way.picture(tf.constant(numbers[None]), SHAPE).numpy()[0]
    rows, columns = np.fft.fftfreq(12)[:, None], np.fft.rfftfreq(9)[None]
    scale = 1 / np.maximum(np.hypot(rows, columns), 1 / 12)
    scale *= np.sqrt(12 * 9) / np.sqrt(np.mean(scale**2))
    maps = np.fft.irfft2((numbers[0] + 1j * numbers[1]) * scale, s=(12, 9))
    maps = np.einsum("chw,dc->hwd", maps, colour_matrix())
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-maps)), atol=1e-4)
    assert 0.3 < maps.std() < 3


def test_colours_of_photographs_go_together():
    root = colour_matrix()
    covariance = root @ root.T
    size = np.sqrt(np.diag(covariance))
    expected = np.corrcoef(sample_photographs(128, 128).reshape(-1, 3).T)
    np.testing.assert_allclose(covariance / np.outer(size, size), expected, atol=1e-4)
    assert expected.min() > 0.5


@pytest.mark.parametrize("given", [False, True], ids=["of scikit-image", "given"])
def test_phases_keep_the_magnitudes_of_photographs(given):
    photographs = sample_image("chelsea")[None, :64, :64] if given else None
    way = PhaseOnly(photographs=photographs)
    numbers = way.start((32, 32, 3), (0, 0))
    found = way.picture(tf.constant(numbers[None]), (32, 32, 3)).numpy()[0].astype(np.float64)
    plain = (np.log(found / (1 - found)) / 4 + 0.5) @ np.linalg.inv(colour_matrix()).T
    seen = np.abs(np.fft.rfft2(plain, axes=(0, 1)))
    expected = np.moveaxis(magnitudes(photographs, 32, 32, 3), 0, -1)
    inner = (slice(None), slice(1, 16))  # the columns 0 and 16 hold pairs, of which a half is real
    np.testing.assert_allclose(seen[inner], expected[inner], rtol=2e-3, atol=2e-3)
    assert hash(way) == hash(PhaseOnly(photographs=photographs))


def test_photographs_that_are_none_are_refused():
    with pytest.raises(InvalidInputError, match=r"photographs of shape \(4, 4, 3\)"):
        magnitudes(np.zeros((4, 4, 3), np.uint8), 8, 8, 3)
    with pytest.raises(InvalidInputError, match="floats in"):
        magnitudes(np.full((1, 8, 8, 3), 7.0), 8, 8, 3)
    with pytest.raises(InvalidInputError, match="of several sizes"):
        PhaseOnly(photographs=[np.zeros((4, 4, 3)), np.zeros((5, 4, 3))])
