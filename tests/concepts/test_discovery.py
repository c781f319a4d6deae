import csv
import functools
import json

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure

import tfxai
from tests.concepts import planted
from tfxai.concepts import CAV, ConceptDiscovery, DiscoveredConcepts
from tfxai.concepts.crops import Crops
from tfxai.concepts.searching import in_use
from tfxai.errors import (
    InsufficientMemoryError,
    InvalidInputError,
    LayerNotFoundError,
    UnknownNameError,
)

COLOURS = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1]], np.float32).T  # red, blue, green


def painted(*, first=False):
    """Channels for red, blue and green, then one for red or blue and one for green."""
    where = "channels_first" if first else "channels_last"
    x = keras.Input((3, 12, 12) if first else (12, 12, 3))
    y = layers.Conv2D(3, 1, activation="relu", data_format=where, name="early")(x)
    y = layers.Conv2D(2, 1, activation="relu", data_format=where, name="late")(y)
    y = layers.GlobalAveragePooling2D(data_format=where)(y)
    model = keras.Model(x, layers.Dense(2, activation="softmax", name="head")(y))
    merged = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    of_class = np.array([[0, 4], [0, -1]], np.float32)
    zeros = [np.zeros(n, np.float32) for n in (3, 2, 2)]
    kernels = [COLOURS[None, None], merged[None, None], of_class]
    model.set_weights([array for pair in zip(kernels, zeros, strict=True) for array in pair])
    return model


def patches(count=40, seed=0):
    """Grey images with a red, a blue or a green patch, (N, 12, 12, 3), and which."""
    random = np.random.default_rng(seed)
    images = random.uniform(0.3, 0.5, (count, 12, 12, 3))
    which = np.arange(count) % 3
    for image, kind in zip(images, which, strict=True):
        top, left = random.integers(0, 7, 2)
        image[top : top + 5, left : left + 5] = [[1, 0, 0], [0, 0, 1], [0, 1, 0]][kind]
    return images.astype(np.float32), which


def discovered_late(samples=16, **asked):
    options = {"layer": "late", "concepts": 2, "crop": 0.4, "samples": samples}
    images, _ = patches()
    return ConceptDiscovery(**options)(painted(), images, 1, progress=False, **asked)


@functools.cache
def found_late():
    return discovered_late()


def test_the_planted_patch_is_among_the_first_three_concepts():
    model, images = planted.trained(0), planted.surfaces(60, 1, 1.0)[0]
    found = ConceptDiscovery(layer="conv2", concepts=6, crop=0.4)(model, images, 1, progress=False)
    red = [row.crops.mean(axis=(1, 2)) for row in found]  # (n, 3) mean colour of each crop
    is_patch = [(one[:, 0] - one[:, 1:].max(axis=1)).min() > 0.25 for one in red]
    assert any(is_patch[:3])
    assert found[is_patch.index(True)].drop > 0
    assert found[is_patch.index(True)].comes_back
    assert [row.importance for row in found] == sorted(
        (row.importance for row in found), reverse=True
    )
    assert found.left_over < 0.05


def test_concepts_are_the_directions_that_crops_are_made_of():
    found = discovered_late(samples=1024)
    np.testing.assert_allclose(found[0].vector, [1, 0], atol=0.02)
    np.testing.assert_allclose(found[1].vector, [0, 1], atol=0.02)
    assert [row.comes_back for row in found] == [True, True]
    assert found[0].drop > 0 > found[1].drop  # red and blue raise the score, green lowers it
    assert repr(found) == "DiscoveredConcepts('1', 40 images at 'late': 2 of 2 concepts come back)"
    assert repr(found[0]).startswith("DiscoveredConcept('concept 1' of 'late': importance 0.")
    assert found.remark == ""
    # 27 of 40 images show red or blue, 13 green, and nothing else changes a score
    assert found[0].importance == pytest.approx(27 / 40, rel=0.03)
    assert found[1].importance == pytest.approx(13 / 40, rel=0.03)


def test_crops_and_boxes_are_where_the_concept_is():
    images, which = patches()
    found = found_late()
    for row, kinds in zip(found, ({0, 1}, {2}), strict=True):
        assert set(which[row.images]) <= kinds
        assert len(set(row.images)) == len(row.images) == 8
        assert (np.diff(row.strengths) <= 0).all()
        for crop, image, box in zip(row.crops, row.images, row.boxes, strict=True):
            top, left, bottom, right = box
            np.testing.assert_allclose(crop, images[image, top:bottom, left:right], atol=1e-6)


def test_maps_lie_where_the_patch_is():
    images, which = patches()
    found = found_late()
    maps = found[1].maps(painted(), images[:9], progress=False)
    assert maps.values.shape == (9, 12, 12)
    for values, image, kind in zip(maps.values, images, which, strict=False):
        green = image[..., 1] > 0.9
        assert green.any() == (kind == 2)
        np.testing.assert_array_equal(values > 0, green)
    np.testing.assert_allclose(maps.values.sum(axis=(1, 2)), maps.score, rtol=1e-5)


def test_a_concept_that_mixes_is_taken_apart_at_an_earlier_layer():
    images, which = patches(90)
    model = painted()
    mixed = ConceptDiscovery(layer="late", concepts=2, crop=0.4)(model, images, 1)[0]
    assert set(which[mixed.images]) == {0, 1}
    parts = ConceptDiscovery(layer="early", concepts=2, crop=0.4)(
        model, images, 1, within=mixed, progress=False
    )
    vectors = sorted([part.vector.tolist() for part in parts], reverse=True)
    np.testing.assert_allclose(vectors, [[1, 0, 0], [0, 1, 0]], atol=0.05)
    for part in parts:
        (kind,) = set(which[part.images])
        assert kind == part.vector.argmax()
        assert part.drop > 0
    assert parts.target == "concept 1 of late"
    assert parts.crops == 108  # a tenth


def test_channels_first_and_last_find_the_same():
    images, _ = patches()
    options = {"layer": "late", "concepts": 2, "crop": 0.4, "samples": 16}
    moved = np.ascontiguousarray(np.moveaxis(images, -1, 1))
    other = ConceptDiscovery(**options)(painted(first=True), moved, 1, progress=False)
    one = found_late()
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(b.vector, a.vector, atol=1e-5)
        assert b.importance == pytest.approx(a.importance, rel=1e-4)
        np.testing.assert_array_equal(b.boxes, a.boxes)
        np.testing.assert_allclose(b.crops, a.crops, atol=1e-6)


def test_a_direction_among_channels_that_come_first_is_one_of_channels():
    images, which = patches()
    moved = np.moveaxis(images, -1, 1)
    vectors = [
        CAV(layer="early", concept=x[which == 0], random=x[which == 1], pooled=True)(model).vector
        for model, x in ((painted(), images), (painted(first=True), moved))
    ]
    assert vectors[0].shape == (3,)
    np.testing.assert_allclose(*vectors, atol=1e-4)


def test_the_same_seed_gives_the_same_and_another_one_other_crops(tmp_path):
    first, again = found_late(), discovered_late(chunk_size=3, cache=tmp_path / "kept")
    kept = len(list((tmp_path / "kept").iterdir()))
    assert kept == 8  # activations of both runs, 10 images of 12 crops at a time
    cached = discovered_late(cache=tmp_path / "kept")
    for other in (again, cached):
        for a, b in zip(first, other, strict=True):
            np.testing.assert_allclose(b.vector, a.vector, atol=1e-6)
            assert b.importance == pytest.approx(a.importance, rel=1e-5)
    images, _ = patches()
    boxes = [Crops(images, "HWC", 0.4, 12, (seed, 0)).boxes(0) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(boxes[0], boxes[1])
    assert (boxes[0] != boxes[2]).any()


def test_progress_counts_to_the_end():
    seen = []
    images, _ = patches()
    discovery = ConceptDiscovery(layer="late", concepts=2, crop=0.4, samples=4)
    discovery(painted(), images, 1, progress=lambda *step: seen.append(step))
    assert [done for done, _ in seen] == list(range(1, 14))
    assert {total for _, total in seen} == {13}  # twice 4 slices and a fit, 3 slices of images


def test_a_concept_that_does_not_come_back_is_said_not_to():
    # noise: any split of its activations is as good as another
    model = planted.network(0)
    images = planted.surfaces(30, 1, 0.0)[0]
    found = ConceptDiscovery(layer="conv1", concepts=7, crop=0.4, crops=4, samples=2)(
        model, images, 1, progress=False
    )
    lost = [row for row in found if not row.comes_back]
    assert lost
    assert all(row.similarity < 0.8 for row in lost)
    assert f"{lost[0].name} ({lost[0].similarity:.2f})" in found.remark
    assert found.remark.startswith("Not found again in a second run")


def test_results_say_everything(tmp_path):
    found = found_late()
    assert list(found.to_pandas()["concept"]) == ["concept 1", "concept 2"]
    assert "comes_back" in found._repr_html_()
    found.save(tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text())
    assert [row["importance"] for row in stored["rows"]] == [row.importance for row in found]
    assert stored["rows"][0]["boxes"] == found[0].boxes.tolist()
    found.save(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["drop"]) for row in rows] == [row.drop for row in found]
    assert isinstance(found.plot(tmp_path / "a.png"), Figure)
    with pytest.raises(InvalidInputError, match=r"\.json or \.csv"):
        found.save(tmp_path / "a.txt")


def test_images_without_colours_have_no_figure_and_all_the_numbers():
    x = keras.Input((12, 12, 2))
    y = layers.Conv2D(3, 3, activation="relu", name="conv")(x)
    model = keras.Model(x, layers.Dense(2)(layers.GlobalMaxPooling2D()(y)))
    images = np.random.default_rng(0).uniform(size=(12, 12, 12, 2)).astype(np.float32)
    found = ConceptDiscovery(layer="conv", concepts=2, samples=2)(model, images, 0)
    assert [row.crops for row in found] == [None, None]
    with pytest.raises(InvalidInputError, match="no colours that can be drawn"):
        found.plot()


def asked(model=None, images=None, target=1, call=None, **options):
    images = patches()[0] if images is None else images
    options = {"layer": "late", "concepts": 2, "samples": 2, **options}
    return ConceptDiscovery(**options)(model or painted(), images, target, **call or {})


BAD = {
    "no layer": ({"layer": "nothing"}, LayerNotFoundError, "nothing"),
    "no power of two": ({"samples": 12}, InvalidInputError, "samples=12 .* power of two"),
    "a crop that is all": ({"crop": 1.0}, InvalidInputError, r"crop=1\.0"),
    "more concepts than channels": ({"concepts": 3}, InvalidInputError, "'late' has 2 channels"),
    "no class": ({"target": None}, InvalidInputError, "target=None was expected to be one class"),
    "a class out of range": ({"target": 7}, InvalidInputError, "target=7"),
    "few images": ({"images": patches(9)[0]}, InvalidInputError, "9 images of class 1 came"),
    "few crops": (
        {
            "model": planted.network(0),
            "images": planted.surfaces(10, 0)[0],
            "layer": "conv1",
            "concepts": 6,
            "crops": 1,
        },
        InvalidInputError,
        "10 crops came for concepts=6, and each needs 2 at least",
    ),
    "another size": ({"images": patches()[0][:, :8]}, InvalidInputError, r"shape \(1, 8, 12, 3\)"),
    "a score": ({"call": {"score": "loss"}}, UnknownNameError, "score of a class"),
    "no concept": ({"call": {"within": "red"}}, InvalidInputError, "within='red' was expected"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_questions_end_in_a_sentence(case):
    options, error, sentence = BAD[case]
    with pytest.raises(error, match=sentence):
        asked(**options)


def test_parts_of_a_concept_need_an_earlier_layer_and_crops_that_show_it(monkeypatch):
    images, which = patches()
    model, concept = painted(), found_late()[0]
    with pytest.raises(InvalidInputError, match="was found at layer 'late' itself"):
        asked(model, call={"within": concept})
    with pytest.raises(InvalidInputError, match=r"score='logit' came with within="):
        asked(model, layer="early", call={"within": concept, "score": "logit"})
    with pytest.raises(InvalidInputError, match="1 crops came for concepts=3"):
        asked(model, images[:10], layer="early", concepts=3, crops=1, call={"within": concept})
    images_of_green = images[which == 2]
    with pytest.raises(InvalidInputError, match="No crop of these images shows concept 1 of late"):
        asked(model, images_of_green, layer="early", call={"within": concept})
    early = ConceptDiscovery(layer="early", concepts=3, crop=0.4, samples=2)(model, images, 1)
    with pytest.raises(InvalidInputError, match="does not change with layer 'late'"):
        asked(model, images, call={"within": early[0]})
    monkeypatch.setattr(tfxai.config, "memory_budget", 1000)
    sentence = r"activations of 480 images .* 0\. Choose a deeper layer or fewer images"
    with pytest.raises(InsufficientMemoryError, match=sentence):
        asked(model)


def test_negative_activations_and_vectors_are_refused():
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(4, 3, activation="tanh", name="tanh")(x)
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(y)))
    with pytest.raises(InvalidInputError, match=r"'tanh' returns numbers down to -.*ReLU"):
        asked(model, layer="tanh")
    x = keras.Input((5,))
    y = layers.Dense(4, activation="relu", name="dense")(x)
    table = keras.Model(x, layers.Dense(2)(y))
    rows = np.random.default_rng(0).uniform(size=(20, 5)).astype(np.float32)
    with pytest.raises(InvalidInputError, match="no image that crops can be cut out of"):
        asked(table, rows, layer="dense")


def test_the_default_layer_is_the_last_one_whose_maps_are_never_negative():
    images, _ = patches()
    found = ConceptDiscovery(concepts=2, crop=0.4, samples=2)(painted(), images, 1)
    assert found.layer == "late"
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(4, 3, activation="relu", name="relu")(layers.Rescaling(0.5)(x))
    y = layers.Conv2D(4, 3, activation="tanh", name="tanh")(y)
    model = keras.Model(x, layers.Dense(2)(layers.Flatten()(y)))
    found = ConceptDiscovery(concepts=2, crop=0.4, samples=2)(model, images, 1)
    assert found.layer == "relu"
    with pytest.raises(LayerNotFoundError, match="no layer with 5 feature maps or more"):
        ConceptDiscovery(concepts=5)(model, images, 1)


def test_concepts_that_no_crop_holds_are_left_out():
    bank = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    activations = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 3.0]])
    np.testing.assert_array_equal(in_use(bank, activations), bank[[0, 2]])


def test_xla_finds_the_same(monkeypatch):
    plain = found_late()
    monkeypatch.setattr(tfxai.config, "jit_compile", True)
    for one, other in zip(discovered_late(), plain, strict=True):
        np.testing.assert_allclose(one.vector, other.vector, atol=1e-6)
        assert one.importance == pytest.approx(other.importance, rel=1e-4)


def test_pixels_of_a_subject_with_a_card_are_cropped_as_pixels():
    subject = tfxai.load("cifar10_cnn")
    images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), np.uint8)
    found = ConceptDiscovery(layer="Conv2D_Block3_Layer2", concepts=2, crops=3, samples=2)(
        subject, images, "Frog", progress=False
    )
    assert isinstance(found, DiscoveredConcepts)
    assert found.target == "Frog"
    top, left, bottom, right = found[0].boxes[0]
    expected = images[found[0].images[0], top:bottom, left:right] / 255
    np.testing.assert_allclose(found[0].crops[0], expected, atol=1 / 255)
