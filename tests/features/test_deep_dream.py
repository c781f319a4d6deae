"""DeepDream raises its layers, in tiles that nobody sees."""

from __future__ import annotations

import numpy as np
import pytest

import tfxai
from tests.features.filters import filters, kernels
from tfxai.data import fit_image, sample_image
from tfxai.errors import InvalidInputError, LayerNotFoundError
from tfxai.features import DeepDream, deep_dream

WIDE = (80, 64)


def cat(height=WIDE[0], width=WIDE[1]):
    return fit_image(sample_image("chelsea"), height, width)


def dreamt(subject, image, **options):
    return DeepDream("conv", **{"octaves": 2, "steps": 6, **options})(subject, image)


def any_size():
    return filters(kernels(4), (None, None, 3), activation="relu")


@pytest.mark.parametrize(
    "model", ["hand-made", pytest.param("cifar10_cnn", marks=pytest.mark.slow)]
)
def test_norm_of_the_layer_rises_in_each_octave(model):
    if model == "hand-made":
        found = dreamt(filters(shape=(24, 24, 3)), cat(), octaves=3)
    else:
        asked = DeepDream(["Conv2D_Block2_Layer1", "Conv2D_Block2_Layer2"], octaves=2, steps=4)
        found = asked(tfxai.load("cifar10_cnn"), cat(48, 48))
    assert (found.norms[:, 1] > 1.1 * found.norms[:, 0]).all()
    assert found.image.shape[:2] == found.sizes[-1]
    assert found.image.dtype == np.uint8


def test_gradient_of_tiles_is_that_of_the_whole_image():
    whole, tiled = (_gradient(size) for size in (WIDE, (24, 24)))
    inner = (slice(3, -3), slice(3, -3))
    own, other = (one[inner].ravel() for one in (whole, tiled))
    assert np.corrcoef(own, other)[0, 1] > 0.98


def _gradient(size):
    subject = any_size()
    task = deep_dream.PictureModel.of(subject, size)
    tiles = deep_dream._Tiles(subject.model, task, ("conv",), 0.5)
    return tiles.gradient(np.asarray(cat() / 255, np.float32), (0.3, 0.6))


def test_tiles_leave_no_seam():
    whole, tiled = (
        dreamt(any_size(), cat(), octaves=1, size=size, steps=5, seed=2).image.astype(float)
        for size in (WIDE, (24, 24))
    )
    inner = (slice(20, -20), slice(20, -20))  # what lies outside the image reaches 4 pixels a step
    changed, other = np.abs(whole - cat())[inner], np.abs(tiled - whole)[inner]
    assert other.mean() < 0.05 * changed.mean()
    for axes in ((1, 2), (0, 2)):  # no row and no column stands out as the edge of a tile
        assert other.mean(axis=axes).max() < 0.2 * changed.mean()


def test_memory_decides_on_chunks_and_not_on_the_image(monkeypatch):
    subject = filters(shape=(24, 24, 3))
    whole = dreamt(subject, cat())
    monkeypatch.setattr(tfxai.config, "memory_budget", 1)
    rows = []
    make = deep_dream._gradients

    def spy(*given):
        run = make(*given)
        return lambda tiles: rows.append(len(tiles)) or run(tiles)

    monkeypatch.setattr(deep_dream, "_gradients", spy)
    alone = dreamt(filters(shape=(24, 24, 3)), cat())
    assert set(rows) == {1}
    assert np.abs(whole.image.astype(int) - alone.image).max() <= 1


def test_the_seed_moves_the_tiles():
    subject = filters(shape=(24, 24, 3))
    first, second, other = (dreamt(subject, cat(), seed=seed).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_an_image_smaller_than_the_model_lies_in_one_tile():
    found = dreamt(filters(shape=(40, 40, 3)), cat(20, 24))
    assert found.image.shape == (20, 24, 3)
    assert (found.norms[:, 1] > found.norms[:, 0]).all()


def test_what_cannot_be_dreamt_of_is_refused():
    subject = filters(shape=(24, 24, 3))
    with pytest.raises(InvalidInputError, match=r"smallest octave of an image of \(80, 64\)"):
        dreamt(subject, cat(), octaves=9)
    with pytest.raises(InvalidInputError, match="and type float64 came"):
        dreamt(subject, cat() / 255)
    with pytest.raises(LayerNotFoundError, match="'none'"):
        DeepDream("none")(subject, cat())
    with pytest.raises(InvalidInputError, match="layers=3"):
        DeepDream(3)
    with pytest.raises(InvalidInputError, match=r"octave_scale=1\.0"):
        DeepDream("conv", octave_scale=1.0)
