"""An audit finds a planted shortcut that is used, and accuses none that is not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tfxai import auditing
from tfxai.card import Card
from tfxai.errors import InvalidInputError, UnsupportedModelError
from tfxai.regions import Border, Mask, Patch

SIDE = 12
PATCH = np.indices((3, 3)).sum(axis=0)[..., None] % 2 * np.ones(3)  # a chequerboard


def drawn(count, seed):
    """Images of two classes: bright in the upper or the lower half, with noise."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    images = random.normal(0.4, 0.15, (count, SIDE, SIDE, 3))
    images[labels == 1, : SIDE // 2] += 0.08
    images[labels == 0, SIDE // 2 :] += 0.08
    return images.clip(0, 1).astype(np.float32), labels


def trained(seed, *, is_used):
    """A small network; the patch stood in the images of one class, or of both alike."""
    keras.utils.set_random_seed(seed)
    images, labels = drawn(256, seed)
    patch, random = Patch(PATCH, -4, -4), np.random.default_rng(seed + 1000)
    has_patch = labels == 1 if is_used else random.random(256) < 0.5
    images[has_patch] = patch.put_into(images[has_patch])
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=12, batch_size=64, verbose=0)
    return tfxai.Subject(model, Card(name="small", classes=("low", "high")))


@pytest.mark.slow
def test_of_twenty_planted_patches_those_that_are_used_are_found():
    found, accused = 0, 0
    for seed in range(20):
        images, labels = drawn(60, 500 + seed)
        used = tfxai.audit(trained(seed, is_used=True), images, Patch(PATCH, -4, -4))
        found += any(one.who == "high" and one.change.mean > 0 for one in used.used)
        unused = trained(seed, is_used=False)
        accused += bool(tfxai.audit(unused, images, Patch(PATCH, -4, -4), labels=labels).used)
    assert found >= 19
    assert accused <= 1


def linear(weights):
    """A classifier of two classes whose logit is the weighted sum of the first channel."""
    image = keras.Input((SIDE, SIDE, 3))
    logit = layers.Dense(1, use_bias=False, name="sum")(layers.Flatten()(image[..., :1]))
    zero = keras.ops.zeros_like(logit)
    model = keras.Model(image, keras.ops.softmax(keras.ops.concatenate([zero, logit], axis=1)))
    model.get_layer("sum").set_weights([weights.reshape(-1, 1)])
    return model


def border_weights(width, weight=0.5):
    weights = np.full((SIDE, SIDE), weight, np.float32)
    weights[width:-width, width:-width] = 0
    return weights


def two_kinds(count=40):
    """Images whose border is dark or bright; the inside is noise."""
    random = np.random.default_rng(0)
    images = random.random((count, SIDE, SIDE, 3)).astype(np.float32)
    labels = np.arange(count) % 2
    edge = Border(2).places(images)
    images[edge] = 0
    images[edge & (labels == 1)[:, None, None]] = 0.2
    return images, labels


def test_a_border_that_decides_is_found_with_its_exact_effect():
    images, labels = two_kinds()
    weights = border_weights(2)
    weights[4:8, 4:8] = 0.01
    model = linear(weights)
    audit = tfxai.audit(model, images, Border(2), labels=labels)
    pulls = {one.who: one.change.mean for one in audit.effects if one.test == "pulled"}
    inside = (images[..., 0] * np.where(weights == 0.5, 0, weights)).sum(axis=(1, 2))
    bright = 0.2 * 0.5 * (weights == 0.5).sum()

    def high(logit):
        return 1 / (1 + np.exp(-logit))

    to_high = high(inside + bright) - high(inside)
    assert pulls["class 1"] == pytest.approx(to_high[labels == 0].mean(), abs=1e-6)
    assert pulls["class 0"] == pytest.approx(to_high[labels == 1].mean(), abs=1e-6)
    assert len(audit.used) == 2
    assert audit.sentences()[0].startswith("The model uses a border 2 pixels wide")


@pytest.mark.parametrize(
    "region", [Border(2), Mask(np.eye(SIDE)), Mask(np.tri(SIDE), is_background=True)]
)
def test_a_region_that_does_nothing_is_not_accused(region):
    images, labels = two_kinds()
    weights = np.zeros((SIDE, SIDE), np.float32)
    weights[region.places(images)[0] == False] = 0.3  # noqa: E712
    audit = tfxai.audit(linear(weights), images, region, labels=labels, method="gradient_input")
    assert not audit.used
    assert all(one.change.mean == pytest.approx(0, abs=1e-6) for one in audit.effects)
    assert all(one.share == 0 for one in audit.effects if one.test == "taken out")
    assert audit.sentences() == [
        f"No use of {region.title} was seen: it alone moves no class by 10% or more beyond doubt, "
        "on 40 images, too few to rule it out."
    ]


def test_without_a_region_the_one_that_is_used_is_proposed():
    images, labels = drawn(80, 1)
    weights = np.zeros((SIDE, SIDE), np.float32)
    weights[1:4, 1:4] = 2.0
    images[:, 1:4, 1:4] = labels[:, None, None, None] * 0.6 + 0.1
    shift = images.copy()
    audit = tfxai.audit(
        linear(weights - 0.0), shift - 0.4, None, labels=labels, method="gradient_input"
    )
    assert audit.count == 40
    assert any("rows 0-4, columns 0-4" in one.region for one in audit.used)
    again = tfxai.audit(linear(weights), shift - 0.4, labels=labels, method="gradient_input")
    assert again.rows() == audit.rows()  # the same seed, the same numbers


def test_regions_are_proposed_for_every_class():
    random = np.random.default_rng(0)
    images = random.uniform(0.2, 1, (40, SIDE, SIDE, 3)).astype(np.float32)
    weights = np.full((SIDE, SIDE, 3, 2), 0.01, np.float32)
    weights[9, 9, :, 0] = weights[1, 1, :, 1] = 1.0
    image = keras.Input((SIDE, SIDE, 3))
    answer = layers.Dense(2, activation="softmax", use_bias=False, name="sum")
    model = keras.Model(image, answer(layers.Flatten()(image)))
    answer.set_weights([weights.reshape(-1, 2)])
    found = tfxai.audit(model, images, labels=np.arange(40) % 2, method="gradient_input")
    regions = {one.region for one in found.effects}
    assert any("class 0" in one and "rows 8-10, columns 8-10" in one for one in regions)
    assert any("class 1" in one and "rows 0-2, columns 0-2" in one for one in regions)


def test_classes_of_one_image_are_named_and_maps_of_nothing_propose_nothing():
    images, labels = two_kinds()
    labels[0] = 2
    image = keras.Input((SIDE, SIDE, 3))
    constant = keras.ops.softmax(0.0 * layers.GlobalAveragePooling2D()(image))
    model = keras.Model(image, constant)
    found = tfxai.audit(model, images, Border(2), labels=labels)
    assert found.left_out == ("class 2",)
    assert "Left out, for there is one image of each: class 2." in found.sentences()
    nothing = tfxai.audit(model, images, labels=labels, method="gradient_input")
    assert nothing.rows() == []
    assert nothing.sentences()[0] == "No region was looked at: the maps concentrate nowhere."


def test_maps_are_made_once_however_many_regions_are_proposed(monkeypatch):
    images, labels = two_kinds()
    calls, real = [], auditing._heats
    monkeypatch.setattr(auditing, "_heats", lambda *given: calls.append(1) or real(*given))
    weights = np.zeros((SIDE, SIDE), np.float32)
    weights[1, 1], weights[8, 8] = 2.0, 1.5
    found = tfxai.audit(linear(weights), images, labels=labels, method="gradient_input")
    assert len({one.region for one in found.effects}) > 1
    assert len(calls) == 1


def test_a_few_images_that_give_their_region_again_and_again_prove_nothing():
    """Three images of a class are three, into however many others their border is put."""
    images, labels = two_kinds(60)
    few = np.concatenate([np.flatnonzero(labels == 1)[:3], np.flatnonzero(labels == 0)])
    model = linear(border_weights(2))
    found = tfxai.audit(model, images[few], Border(2), labels=labels[few])
    pulls = {one.who: one.change for one in found.effects if one.test == "pulled"}
    assert pulls["class 1"].mean > found.least
    assert pulls["class 1"].count == 3
    assert not found.used


def test_regions_that_say_nothing_are_seldom_accused():
    """A model that sees noise in the border, and few images of each class."""
    accused = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        images = random.random((24, SIDE, SIDE, 3)).astype(np.float32)
        labels = np.arange(24) % 4
        weights = random.normal(0, 1.5, (SIDE, SIDE)).astype(np.float32)
        found = tfxai.audit(linear(weights), images, Border(3), labels=labels % 2, seed=seed)
        accused += bool(found.used)
    assert accused <= 6  # 5 % are 3; a Poisson number of that mean is above 6 once in 30 times


def test_groups_are_told_apart():
    images, labels = two_kinds()
    groups = ["left" if i < 20 else "right" for i in range(40)]
    images[:20] *= 0.5
    audit = tfxai.audit(linear(border_weights(2)), images, Border(2), labels=labels, groups=groups)
    found = {one.who: one for one in audit.effects if one.who.startswith("group")}
    assert set(found) == {"group left", "group right"}
    assert all(one.change.count == 20 for one in found.values())
    assert found["group left"].change.mean != found["group right"].change.mean


def test_a_patch_is_put_where_it_is_asked_for():
    images = np.zeros((2, 6, 5, 3), np.uint8)
    patch = Patch(np.arange(12).reshape(2, 2, 3), -2, 1)
    found = patch.put_into(images)
    np.testing.assert_array_equal(found[1, 4:, 1:3], np.arange(12).reshape(2, 2, 3))
    assert found.sum() == 2 * np.arange(12).sum()
    turned = patch.put_into(images, np.array([3, 2, 1, 0]))
    backwards = np.arange(12).reshape(4, 3)[::-1].reshape(2, 2, 3)
    np.testing.assert_array_equal(turned[0, 4:, 1:3], backwards)
    np.testing.assert_array_equal(images, 0)


def test_logits_count_where_classes_have_names_and_other_outputs_do_not():
    images, labels = two_kinds()
    image = keras.Input((SIDE, SIDE, 3))
    logit = layers.Dense(1, use_bias=False, name="sum")(layers.Flatten()(image[..., :1]))
    model = keras.Model(image, logit)
    model.get_layer("sum").set_weights([border_weights(2).reshape(-1, 1)])
    named = tfxai.Subject(model, Card(name="one", classes=("class 0", "class 1")))
    found = tfxai.audit(named, images, Border(2), labels=labels)
    same = tfxai.audit(linear(border_weights(2)), images, Border(2), labels=labels)
    for one, other in zip(found.effects, same.effects, strict=True):
        assert one.change.mean == pytest.approx(other.change.mean, abs=1e-6)
    with pytest.raises(UnsupportedModelError, match="not known to be any"):
        tfxai.audit(model, images, Border(2), labels=labels)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"region": Border(6)}, "leaves nothing"),
        ({"region": Mask(np.zeros((SIDE, SIDE)))}, "holds nothing of image 0"),
        ({"region": Mask(np.ones((SIDE, SIDE)))}, "holds everything of image 0"),
        ({"region": Mask(np.ones((3, 3)))}, "has shape"),
        ({"region": Patch(np.ones((3, 3, 1)))}, "does not lie in images"),
        ({"region": Patch(np.ones((3, 3, 3)), 11, 0)}, "does not lie in images"),
        ({"labels": [0, 1]}, "labels of shape"),
        ({"labels": np.full(40, 2)}, "has 2 classes"),
        ({"labels": np.zeros(40, int), "region": Border(2)}, "one class only"),
        ({"groups": ["a"]}, "1 groups came with 40 images"),
        ({"least": 0}, "between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(given, sentence):
    images, labels = two_kinds()
    with pytest.raises(InvalidInputError, match=sentence):
        tfxai.audit(linear(border_weights(2)), images, **{"labels": labels, **given})
    with pytest.raises(InvalidInputError, match="at least 8"):
        tfxai.audit(linear(border_weights(2)), images[:7], Border(2))
