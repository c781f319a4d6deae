import csv
import json

import keras
import numpy as np
import pytest
from keras import layers
from matplotlib.figure import Figure

import tfxai
from tests.concepts import planted
from tfxai.concepts import CAV, TCAV, Concept
from tfxai.concepts.directions import LINEAR_MODELS, direction, held_out_accuracy
from tfxai.concepts.ranks import rank_p_value
from tfxai.errors import (
    InsufficientMemoryError,
    InvalidInputError,
    LayerNotFoundError,
    UnknownNameError,
    UnsupportedModelError,
)
from tfxai.metrics.statistics import holm


def product():
    """Outputs h0 h1 and -h0 h1 of a layer h = x."""
    x = keras.Input((2,))
    h = layers.Dense(2, kernel_initializer="identity", name="h")(x)
    y = h[:, :1] * h[:, 1:]
    return keras.Model(x, layers.Concatenate()([y, -y]))


def cloud(count, centre, seed):
    points = np.random.default_rng(seed).normal(0, 0.1, (count, 2)) + centre
    return points.astype(np.float32)


def images_of(count=10, rising=7):
    """Points of which `rising` have h1 = 1, so that the score rises along h0, the others -1."""
    signs = np.where(np.arange(count) < rising, 1.0, -1.0)
    return np.stack([np.linspace(1, 2, count), signs], axis=1).astype(np.float32)


def answered(target=0, **options):
    asked = {
        "layers": "h",
        "concepts": {"right": cloud(20, (3, 0), 1)},
        "randoms": cloud(400, (0, 0), 2),
        "draws": 99,
        **options,
    }
    return TCAV(**asked)(product(), images_of(), target, progress=False)


def test_the_score_is_the_share_of_images_whose_score_rises():
    (found,) = answered()  # along h0 the derivative is h1
    assert found.score == pytest.approx(0.7)
    assert found.magnitude == pytest.approx(1.2, abs=0.15)  # (7 - 3) / 10, three units far
    assert found.accuracy == 1.0
    (other,) = answered(target=1)
    assert other.score == pytest.approx(0.3)
    assert other.magnitude == pytest.approx(-found.magnitude)


def test_relative_concepts_point_from_one_to_the_other():
    clouds = {"right": cloud(20, (3, 0), 1), "left": cloud(20, (-3, 0), 3)}
    right, left = answered(concepts=clouds, relative=True)
    assert (right.score, left.score) == (pytest.approx(0.7), pytest.approx(0.3))
    assert right.magnitude == pytest.approx(-left.magnitude, rel=1e-3)


@pytest.mark.parametrize("classifier", LINEAR_MODELS)
def test_vectors_point_from_random_images_to_the_concept(classifier):
    cav = CAV(
        layer="h",
        concept=cloud(40, (2, 2), 1),
        random=cloud(40, (0, 0), 2),
        classifier=classifier,
    )(product())
    assert np.linalg.norm(cav.vector) == pytest.approx(1)
    np.testing.assert_allclose(cav.vector, [0.5**0.5] * 2, atol=0.1)
    assert cav.accuracy == 1.0
    assert repr(cav) == "ConceptVector('concept' against 'random' at 'h': held-out accuracy 1.00)"


@pytest.mark.parametrize("classifier", LINEAR_MODELS)
def test_the_span_of_the_points_holds_the_same_optimum_as_all_coordinates(classifier):
    random = np.random.default_rng(0)
    few = random.normal(size=(30, 5)), random.normal(0.5, 1, size=(30, 5))
    turned = np.linalg.qr(random.normal(size=(200, 5)))[0].T
    wide = [points @ turned for points in few]
    expected = direction(*few, classifier, 0) @ turned
    np.testing.assert_allclose(direction(*wide, classifier, 0), expected, atol=2e-3)


def test_accuracy_on_points_that_mean_nothing_is_guessing():
    points = np.random.default_rng(0).normal(size=(2, 300, 50))
    assert held_out_accuracy(*points, "logistic", 0) == pytest.approx(0.5, abs=0.08)


def test_p_values_are_twice_the_share_of_random_concepts_at_least_as_far_out():
    scores, zeros = np.linspace(0, 1, 99), np.zeros(99)
    assert rank_p_value(1.1, 0, scores, zeros) == pytest.approx(2 / 100)
    assert rank_p_value(-1.0, 0, scores, zeros) == pytest.approx(2 / 100)
    assert rank_p_value(scores[96] + 1e-6, 0, scores, zeros) == pytest.approx(2 * 3 / 100)
    assert rank_p_value(0.5, 0, scores, zeros) == 1
    ones = np.ones(99)  # where all scores are 1, magnitudes tell them apart
    assert rank_p_value(1, 5, ones, np.linspace(0, 4, 99)) == pytest.approx(2 / 100)
    assert rank_p_value(1, 2, ones, np.full(99, 2)) == 1


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1.0, 1.0]


def test_random_concepts_are_called_significant_as_often_as_alpha_says():
    # 10 runs of 20: the standard deviation of the share is below 0.02
    everything = planted.surfaces(5000, 0)[0]
    everything = everything[np.random.default_rng(1).permutation(5000)]
    pool, rest = everything[:1000], everything[1000:].reshape(200, 20, *everything.shape[1:])
    model, images = planted.network(3), planted.surfaces(60, 5, patch=1.0)[0]
    p_values = []
    for run in range(10):
        names = [Concept(f"{i}", rest[i]) for i in range(20 * run, 20 * run + 20)]
        test = TCAV(
            layers="conv1", concepts=names, randoms=pool, pooled=True, seed=run, classifier="ridge"
        )
        p_values += [row.p_value for row in test(model, images, 1, progress=False)]
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.09


def test_a_planted_concept_is_found_with_its_sign():
    model = planted.trained(0)
    test = TCAV(
        layers=("conv2", "pool"),
        concepts={"patch": planted.surfaces(30, 2, 1.0)[0]},
        randoms=planted.surfaces(600, 4, 0.0)[0],
        pooled=True,
    )
    images = planted.surfaces(40, 1, 1.0)[0]
    result = test(model, images, 1, progress=False)
    assert [row.layer for row in result] == ["conv2", "pool"]
    assert min(row.score for row in result) > 0.9
    assert min(row.magnitude for row in result) > 0
    assert max(row.adjusted for row in result) <= 0.05
    against = test(model, images, 0, progress=False)
    assert max(row.score for row in against) < 0.1
    assert max(row.magnitude for row in against) < 0


def test_a_linear_head_is_refused_with_the_reason():
    model, images = planted.network(0), planted.surfaces(40, 1)[0]
    options = {"concepts": {"a": images[:12]}, "randoms": planted.surfaces(200, 2)[0]}
    with pytest.raises(UnsupportedModelError, match=r"linear head.*'hidden'"):
        TCAV(layers="hidden", **options)(model, images, 0, progress=False)
    x = keras.Input((12, 12, 3))
    y = layers.Conv2D(4, 3, name="conv")(layers.Conv2D(4, 3, activation="relu", name="first")(x))
    y = layers.GlobalAveragePooling2D()(layers.Dropout(0.5)(layers.BatchNormalization()(y)))
    pooling = keras.Model(x, layers.Dense(2, activation="softmax")(layers.Flatten()(y)))
    for layer in ("conv", "first"):
        with pytest.raises(UnsupportedModelError, match="Only a linear head"):
            TCAV(layers=layer, **options)(pooling, images, 0, progress=False)
    probability = TCAV(layers="hidden", **options)  # not linear: the softmax is in it
    assert len(probability(model, images, 0, score="probability", progress=False)) == 1


def test_a_layer_that_never_varies_is_refused():
    model = planted.network(0)
    layer = model.get_layer("conv1")
    layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    images = planted.surfaces(40, 1)[0]
    options = {"concepts": {"a": images[:12]}, "randoms": planted.surfaces(200, 2)[0]}
    with pytest.raises(InvalidInputError, match=r"'conv1' gives no direction"):
        TCAV(layers="conv1", **options)(model, images, 0, progress=False)
    with pytest.raises(InvalidInputError, match=r"'conv1' gives no direction"):
        CAV(layer="conv1", concept=images[:12], random=images[12:])(model)


def test_a_score_that_no_image_changes_is_no_finding():
    model = planted.network(0)
    head = model.get_layer("head")
    head.set_weights([np.zeros_like(weight) for weight in head.get_weights()])
    images = planted.surfaces(40, 1)[0]
    test = TCAV(
        layers="conv1", concepts={"a": images[:12]}, randoms=planted.surfaces(200, 2)[0], draws=39
    )
    (row,) = test(model, images, 0, progress=False)
    assert (row.score, row.magnitude, row.p_value) == (0.5, 0.0, 1.0)


def test_bad_questions_end_in_a_sentence(monkeypatch):
    with pytest.raises(LayerNotFoundError, match="nothing"):
        answered(layers="nothing")
    with pytest.raises(InvalidInputError, match="target=None was expected to be one class"):
        answered(target=None)
    with pytest.raises(InvalidInputError, match="target=7"):
        answered(target=7)
    with pytest.raises(InvalidInputError, match="Frog"):
        answered(target="Frog")
    with pytest.raises(InvalidInputError, match="9 images of class 0 came"):
        TCAV(layers="h", concepts={"a": cloud(20, 1, 1)}, randoms=cloud(400, 0, 2))(
            product(), images_of(9), 0
        )
    with pytest.raises(InvalidInputError, match=r"Concept 'a': .*shape \(1, 1\)"):
        CAV(
            layer="h", concept=Concept("a", cloud(20, 0, 1)[:, :1]), random=cloud(30, 0, 2)[:, :1]
        )(product())
    with pytest.raises(InvalidInputError, match=r"'images of 0' have shape \(1,\), those of"):
        TCAV(layers="h", concepts={"a": cloud(20, 1, 1)}, randoms=cloud(400, 0, 2))(
            product(), images_of()[:, :1], 0
        )
    with pytest.raises(UnknownNameError, match="score of a class"):
        TCAV(layers="h", concepts={"a": cloud(20, 1, 1)}, randoms=cloud(400, 0, 2))(
            product(), images_of(), 0, score=tfxai.Contrast(0, 1)
        )
    with pytest.raises(UnknownNameError, match="linear model"):
        answered(classifier="forest")
    monkeypatch.setattr(tfxai.config, "memory_budget", 1000)
    with pytest.raises(InsufficientMemoryError, match="Pass pooled=True"):
        answered()


def test_results_keep_what_fails_and_say_everything(tmp_path):
    clouds = {"right": cloud(20, (3, 0), 1), "nothing": cloud(20, (0, 0), 7)}
    result = answered(concepts=clouds, draws=199)
    assert [row.concept for row in result] == ["right", "nothing"]
    assert repr(result).startswith("TCAVResult('0', 10 images: ")
    assert "nothing" in result._repr_html_()
    frame = result.to_pandas()
    assert list(frame["concept"]) == ["right", "nothing"]
    result.save(tmp_path / "a.json")
    stored = json.loads((tmp_path / "a.json").read_text())
    assert stored["rows"] == result.table()
    result.save(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["p_value"]) for row in rows] == [row.p_value for row in result]
    assert isinstance(result.plot(tmp_path / "a.png"), Figure)
    with pytest.raises(InvalidInputError, match=r"\.json or \.csv"):
        result.save(tmp_path / "a.txt")


def test_a_run_that_can_find_nothing_says_how_many_draws_it_needs():
    result = answered(draws=39, concepts={"a": cloud(20, 1, 1), "b": cloud(20, 1, 5)})
    assert "draws=79 or more" in result.remark
    assert answered(draws=79).remark == ""


def test_the_same_seed_gives_the_same_numbers_and_progress_counts_to_the_end():
    seen = []
    test = TCAV(layers="h", concepts={"a": cloud(20, 1, 1)}, randoms=cloud(400, 0, 2), seed=4)
    first = test(product(), images_of(), 0, progress=lambda *step: seen.append(step))
    again = test(product(), images_of(), 0, progress=False)
    assert first.table() == again.table()
    assert seen == sorted(seen)
    assert seen[-1] == (3, 3)
