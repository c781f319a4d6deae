"""Images that are changed so that an objective rises, and held where a layer sees them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.features.filters import filters, kernels, slopes
from tfxai.errors import InvalidInputError, LayerNotFoundError
from tfxai.features import (
    Channel,
    ClassLogit,
    FeatureAccentuation,
    Fourier,
    PhaseOnly,
    Pixels,
    Transformations,
)

PLAIN = {"parameterisation": Pixels(), "transformations": None, "learning_rate": 0.3}


def images(count=2, shape=(8, 8, 3), seed=0):
    return np.random.default_rng(seed).integers(20, 236, (count, *shape), np.uint8)


def accentuated(objective=None, subject=None, given=None, **options):
    options = {**PLAIN, "steps": 40, **options}
    asked = FeatureAccentuation(objective or Channel("conv", 1), **options)
    return asked(subject or filters(), images() if given is None else given, progress=False)


@pytest.mark.parametrize("way", [Pixels(), Fourier(), Fourier(decay=0.5)], ids=["p", "f", "g"])
@pytest.mark.parametrize("shape", [(8, 8, 3), (7, 9, 1)], ids=["even", "odd"])
def test_a_picture_that_is_given_is_written_as_it_is(way, shape):
    given = images(2, shape)
    pictures = way.picture(way.numbers_of(given / 255), shape).numpy()
    np.testing.assert_allclose(pictures * 255, given, atol=0.01)


def test_black_and_white_come_as_near_as_a_number_can():
    given = np.stack([np.zeros((4, 4, 3)), np.ones((4, 4, 3))])
    pictures = Fourier().picture(Fourier().numbers_of(given), (4, 4, 3)).numpy()
    np.testing.assert_allclose(pictures[0], 0.01, atol=1e-4)
    np.testing.assert_allclose(pictures[1], 0.99, atol=1e-4)


def test_held_by_nothing_a_linear_filter_reaches_its_known_optimum():
    weights = kernels()
    found = accentuated(subject=filters(weights), weight=0.0, steps=80)
    best = np.where(slopes(weights[..., 1]) > 0, 255, 0)
    np.testing.assert_array_equal(found.pictures, [best, best])
    np.testing.assert_array_equal(found.images, images())


def test_numbers_beside_pictures_are_those_of_the_pictures():
    weights = kernels()
    found = accentuated(subject=filters(weights), steps=8)
    slope = slopes(weights[..., 1])
    for given, values in ((found.images, found.before), (found.pictures, found.values)):
        np.testing.assert_allclose(values, (given / 255 * slope).sum(axis=(1, 2, 3)), rtol=1e-4)
    patches = np.lib.stride_tricks.sliding_window_view(
        np.stack([found.images, found.pictures]) / 255, (3, 3), axis=(2, 3)
    )
    seen = np.einsum("pnhwcij,ijck->pnhwk", patches, weights)
    far, length = (
        np.linalg.norm(one.reshape(2, -1), axis=1) for one in (seen[1] - seen[0], seen[0])
    )
    np.testing.assert_allclose(found.distances, far / length, rtol=1e-4)
    assert found.layer == "conv"
    assert found.to_dict()["pictures"][1]["distance"] == pytest.approx(found.distances[1])


def test_the_more_weight_the_nearer_the_picture_and_the_lower_the_objective():
    found = [accentuated(weight=weight) for weight in (0.0, 1.0, 30.0)]
    for one, other in itertools.pairwise(found):
        assert (one.distances > other.distances).all()
        assert (one.values > other.values).all()
    assert (found[-1].values > found[-1].before).all()


def test_an_objective_and_an_image_give_the_same_alone_and_beside_others():
    both = [Channel("conv", 0), Channel("conv", 2)]
    options = {"parameterisation": Fourier(), "transformations": Transformations(), "steps": 6}
    whole = accentuated(both, **options)
    assert whole.labels == ("conv channel 0",) * 2 + ("conv channel 2",) * 2
    alone = accentuated(both[1], given=images()[1:], **options)
    np.testing.assert_allclose(whole.pictures[3].astype(int), alone.pictures[0], atol=1)
    again = accentuated(both, **options)
    np.testing.assert_array_equal(whole.pictures, again.pictures)


def test_a_class_is_held_in_the_last_layer_with_feature_maps():
    found = accentuated(ClassLogit("b"), steps=4)
    assert found.layer == "conv"
    assert found.labels == ("class b", "class b")
    assert (found.values > found.before).all()
    assert accentuated(ClassLogit("b"), steps=2, layer="mean").layer == "mean"


def test_the_sheet_shows_images_above_pictures(tmp_path):
    found = accentuated(steps=2)
    assert len(found.plot(tmp_path / "a.png").axes) == 4
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_progress_counts_the_steps():
    seen = []
    asked = FeatureAccentuation(Channel("conv", 1), **PLAIN, steps=3)
    asked(filters(), images(), progress=lambda *step: seen.append(step))
    assert seen == [(1, 3), (2, 3), (3, 3)]


BAD = {
    "no layer": ({"layer": "nothing"}, "nothing"),
    "no such channel": ({"objective": Channel("conv", 9)}, "channel=9"),
    "no objective": ({"objective": "frog"}, "objective='frog' was expected"),
    "negative weight": ({"weight": -1.0}, r"weight=-1\.0"),
    "phases": ({"parameterisation": PhaseOnly()}, r"PhaseOnly\(\) cannot write a picture"),
    "floats": ({"given": images() / 255}, "type float64 came, and uint8 images"),
    "another size": ({"given": images(2, (9, 8, 3))}, r"\(N, 8, 8, 3\) were expected"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_questions_end_in_a_sentence(case):
    options, sentence = BAD[case]
    with pytest.raises((InvalidInputError, LayerNotFoundError), match=sentence):
        accentuated(**{"objective": Channel("conv", 1), **options})
