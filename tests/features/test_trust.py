"""How far pictures may be trusted: a planted detector of fine detail, a planted circuit."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from tests.features.filters import filters
from tfxai.card import Card
from tfxai.data import fit_image, sample_image
from tfxai.errors import InvalidInputError, TfxaiWarning
from tfxai.features import (
    ActivationMaximisation,
    ClassLogit,
    Pixels,
    path_similarity,
)
from tfxai.features.trust import blurred, halved, measure_trust
from tfxai.subject import Subject

CHECKS = np.indices((4, 4)).sum(axis=0) % 2 * 2.0 - 1


def of_checks():
    """Class 0 is a board of single pixels; class 1 is light, class 2 dark."""
    fine = np.repeat(CHECKS[:, :, None], 3, axis=2)
    weights = np.stack([2 * fine, np.full_like(fine, 0.5), np.full_like(fine, -0.5)], axis=-1)
    return filters(weights, (16, 16, 3), activation="relu")


def test_fine_detail_is_flagged_and_broad_light_is_not():
    plain = {"parameterisation": Pixels(), "transformations": None, "learning_rate": 0.3}
    asked = ActivationMaximisation([ClassLogit("a"), ClassLogit("b")], steps=40, **plain)
    with pytest.warns(TfxaiWarning, match=r"of class a does not hold: p 1\.00, blurred 0\.\d\d"):
        found = asked(of_checks())
    assert found.trust.holds.tolist() == [False, True]
    assert found.trust.probability.min() > 0.99
    assert found.trust.after_blur[0] < 0.5
    assert found.trust.after_half_size[0] < 0.5
    record = found.to_dict()["pictures"][0]
    assert record["holds"] is False
    assert record["probability_after_blur"] == pytest.approx(found.trust.after_blur[0])


def test_probabilities_are_those_of_the_smoother_pictures():
    subject = of_checks()
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    trust = measure_trust(subject, pixels, [0, None, 2])
    for got, images in (
        (trust.after_blur, blurred(pixels)),
        (trust.after_half_size, halved(pixels)),
    ):
        expected = subject.predict(images)
        np.testing.assert_allclose(got[[0, 2]], [expected[0, 0], expected[2, 2]], rtol=1e-5)
        assert np.isnan(got[1])
    assert measure_trust(subject, pixels, [None] * 3) is None


def test_half_size_and_back_averages_blocks_of_four():
    checks = np.tile(np.array([[0, 255], [255, 0]], np.uint8), (4, 4))[None, :, :, None]
    assert set(np.unique(halved(checks))) <= {127, 128}
    flat = np.full((1, 8, 8, 3), 77, np.uint8)
    np.testing.assert_array_equal(halved(flat), flat)
    np.testing.assert_array_equal(blurred(flat), flat)


def fooled():
    """Class 1 is light in photographs, and answers to fine detail by a circuit of its own."""
    image = keras.Input((24, 24, 3))
    first = layers.Conv2D(8, 4, activation="relu", name="first")
    second = layers.Conv2D(8, 1, activation="relu", name="second")
    x = layers.GlobalAveragePooling2D()(second(first(image)))
    model = keras.Model(image, layers.Dense(2, activation="softmax", name="head")(x))
    draws = np.random.default_rng(2)
    weights = np.zeros((4, 4, 3, 8))
    weights[..., :4] = draws.random((4, 4, 3, 4)) / 24  # light
    weights[..., 4:] = CHECKS[:, :, None, None] / 4
    weights[..., 4:] *= np.where(np.arange(4) % 2, 1, -1)
    first.set_weights([weights, np.concatenate([np.zeros(4), np.full(4, -0.5)])])
    through = np.zeros((8, 8))
    through[:4, :4] = np.eye(4)
    through[4:, :4] = -3  # fine detail silences what photographs excite
    through[4:, 4:] = np.eye(4) * 5
    second.set_weights([through[None, None], np.zeros(8)])
    head = np.zeros((8, 2))
    head[:, 1] = 2
    model.get_layer("head").set_weights([head, np.array([1.0, 0.0])])
    return Subject(model, Card(name="fooled", classes=("dark", "light"), preprocessing="unit"))


def photographs(count=24):
    names = ("astronaut", "coffee", "rocket", "chelsea")
    images = [fit_image(sample_image(name), 72, 72) for name in names]
    draws = np.random.default_rng(1)
    places = draws.integers(0, 48, (count, 2))
    return np.stack(
        [images[i % 4][top : top + 24, left : left + 24] for i, (top, left) in enumerate(places)]
    )


def test_a_planted_fooling_circuit_is_flagged_and_photographs_are_not():
    subject, natural = fooled(), photographs()
    asked = ActivationMaximisation(
        ClassLogit("light"),
        steps=40,
        parameterisation=Pixels(spread=3.0),
        transformations=None,
        learning_rate=0.3,
    )
    with pytest.warns(TfxaiWarning, match="takes another path through the network") as caught:
        found = asked(subject, natural[:16])
    assert "class light" in str(caught[0].message)
    assert found.paths.is_other.tolist() == [True]
    assert found.to_dict()["pictures"][0]["takes_another_path"] is True
    held_out = path_similarity(subject, natural[16:], natural[:16])
    assert held_out.is_other.mean() <= 0.25
    assert held_out.mean.min() > found.paths.mean[0] + 0.2


def test_natural_images_are_one_on_average_and_others_zero():
    subject, natural = fooled(), photographs()
    others = np.random.default_rng(4).integers(0, 256, natural.shape).astype(np.uint8)
    found = path_similarity(subject, others, natural, others, layers=["first", "second"])
    np.testing.assert_allclose(found.natural.mean(axis=0), 1, rtol=1e-6)
    np.testing.assert_allclose(found.similarity.mean(axis=0), 0, atol=1e-6)


def test_images_that_do_not_fit_are_refused():
    subject, natural = fooled(), photographs(4)
    with pytest.raises(InvalidInputError, match=r"natural holds 1 images\. Pass at least 2"):
        path_similarity(subject, natural, natural[:1])
    asked = ActivationMaximisation(ClassLogit(0), steps=10**9)  # refused before the first step
    with pytest.raises(InvalidInputError, match="others came without natural"):
        asked(subject, others=natural)
    with pytest.raises(InvalidInputError, match="no more alike than the others"):
        asked(subject, natural, natural)
    with pytest.raises(InvalidInputError, match=r"natural of shape .* and type float64"):
        path_similarity(subject, natural, natural / 255)
    with pytest.raises(InvalidInputError, match="all of one size"):
        path_similarity(subject, natural, [natural[0], natural[1][:9]])


def test_layers_in_which_natural_images_are_not_alike_say_nothing():
    subject, natural = fooled(), photographs(6)
    with pytest.raises(InvalidInputError, match="no more alike than the others"):
        path_similarity(subject, natural, natural, natural, layers=["first"])
