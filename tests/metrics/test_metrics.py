"""Metrics by hand on linear models, what they do not depend on, and what they refuse."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import itertools
import json

import keras
import numpy as np
import pytest

import tfxai
from tests import builders
from tfxai import metrics
from tfxai.attribution import Attribution
from tfxai.core.inputs.superpixels import Slic
from tfxai.core.options import declared, described
from tfxai.errors import InvalidInputError
from tfxai.metrics import (
    SRG,
    AverageDrop,
    Completeness,
    Deletion,
    Entropy,
    GridPointing,
    Insertion,
    MuFidelity,
    PointingGame,
    RelevanceMass,
    RelevanceRank,
    SensitivityMax,
    Sparseness,
)
from tfxai.metrics.relevance import features

RNG = np.random.default_rng(2)
SHAPE = (4, 3, 2)
W = RNG.normal(size=SHAPE)
X = RNG.normal(size=(3, *SHAPE))
EVERY = [
    cls
    for cls in vars(metrics).values()
    if isinstance(cls, type) and issubclass(cls, metrics.Metric) and cls is not metrics.Metric
]


def options_of(cls):
    return [field.name for field in dataclasses.fields(cls)]


def linear(w=W):
    inputs = keras.Input(w.shape, dtype="float64")
    out = keras.ops.sum(inputs * w, tuple(range(1, w.ndim + 1)))[:, None]
    return keras.Model(inputs, out)


def given(values, x=X, **fields):
    """An attribution with values of one's own."""
    zeros = np.zeros(len(x))
    about = {"name": "own", "options": {}}
    return Attribution(
        values=np.asarray(values),
        inputs=x,
        target=np.zeros(len(x), np.int32),
        score=zeros,
        method=about,
        score_name="output",
        axes={4: "HWC", 2: "F"}[x.ndim],
        **fields,
    )


def slow_curve(x, relevance, score, fill, steps, inserts=False):
    """Pixel by pixel, in the order of the relevance."""
    order = sorted(np.ndindex(relevance.shape), key=lambda place: -relevance[place])
    curve = []
    for k in range(steps + 1):
        turned = order[: round(k * len(order) / steps)]
        shown = fill.copy() if inserts else x.copy()
        for place in turned:
            shown[place] = (x if inserts else fill)[place]
        curve.append(score(shown))
    return np.array(curve)


@pytest.mark.parametrize("inserts", [False, True])
@pytest.mark.parametrize("steps", [1, 4, 5, 12])
def test_curves_are_those_of_the_definition(steps, inserts):
    values = RNG.normal(size=X.shape)
    metric = (Insertion if inserts else Deletion)(steps=steps, fill=0.5)
    found = metric(linear(), X, given(values), 0)
    for x, relevance, curve in zip(X, values.sum(axis=-1), found.details["curve"], strict=True):
        fill = np.full_like(x, 0.5)
        wanted = slow_curve(x, relevance, lambda one: (one * W).sum(), fill, steps, inserts)
        np.testing.assert_allclose(curve, wanted, rtol=1e-9, atol=1e-12)
    means = (found.details["curve"][:, 1:] + found.details["curve"][:, :-1]).mean(axis=1) / 2
    np.testing.assert_allclose(found.values, means)


def test_gradient_times_input_is_the_best_order_of_a_linear_model():
    model, x = linear(), X[:1]
    effects = (W * x[0]).sum(axis=-1)
    best = Deletion(steps=12)(model, x, given(effects[None], x, is_map=True), 0).values[0]
    for _ in range(20):
        other = given(RNG.normal(size=(1, 4, 3)), x, is_map=True)
        assert Deletion(steps=12)(model, x, other, 0).values[0] >= best


def test_normalised_curves_run_from_one_to_zero():
    found = Deletion(steps=3, normalise=True)(linear(), X, given(X), 0).details["curve"]
    np.testing.assert_allclose(found[:, 0], 1)
    np.testing.assert_allclose(found[:, -1], 0, atol=1e-12)
    constant = Deletion(steps=3, normalise=True)(linear(0 * W), X, given(X), 0)
    assert np.isnan(constant.values).all()
    assert constant.count == 0
    assert np.isnan(constant.mean)


def test_srg_is_the_area_between_both_orders_and_turns_with_the_map():
    model, values = linear(), RNG.normal(size=X.shape)
    a = SRG(steps=6)(model, X, given(values), 0)
    least = Deletion(steps=6, least_first=True)(model, X, given(values), 0)
    most = Deletion(steps=6)(model, X, given(values), 0)
    np.testing.assert_allclose(a.values, least.values - most.values, rtol=1e-9)
    np.testing.assert_allclose(SRG(steps=6)(model, X, given(-values), 0).values, -a.values)


@pytest.mark.parametrize("by", [2, 3, Slic(4)])
def test_parts_go_as_a_whole_by_their_mean(by):
    x = RNG.uniform(size=(1, 6, 5, 2))
    w = RNG.normal(size=(6, 5, 2))
    relevance = RNG.normal(size=(1, 6, 5))
    found = Deletion(steps=40, by=by)(linear(w), x, given(relevance, x, is_map=True), 0)
    part = features(given(relevance, x, is_map=True), by)[0]
    means = [relevance[0][part == i].mean() for i in range(part.max() + 1)]
    order = np.argsort(np.negative(means))
    effects = (w * x[0]).sum(axis=-1)
    drops = np.array([effects[part == i].sum() for i in order])
    heights = effects.sum() - np.concatenate([[0], np.cumsum(drops)])
    shown = found.details["curve"][0]
    assert all(np.abs(heights - height).min() < 1e-9 for height in shown)
    np.testing.assert_allclose(shown[[0, -1]], heights[[0, -1]], atol=1e-9)


def test_average_drop_by_hand():
    model = builders.linear([[0.5], [0.25]])
    x = np.array([[1.0, 1.0], [1.0, -2.0]])
    values = np.array([[2.0, 1.0], [1.0, -1.0]])
    a = AverageDrop()(model, x, given(values, x), 0)
    # 0.75 falls to 0.5 + 0.125; 0 is not above 0
    np.testing.assert_allclose(a.values, [0.125 / 0.75, np.nan])
    np.testing.assert_allclose(a.details["increase"], [0, 1])
    np.testing.assert_allclose(a.details["gain"], [0, 0.5])
    nothing = AverageDrop()(model, x[:1], given(-values[:1], x[:1]), 0)
    np.testing.assert_allclose(nothing.values, [1.0])


def test_mu_fidelity_is_1_for_the_effects_and_minus_1_for_their_opposite():
    effects = W * X
    metric = MuFidelity(samples=60, share=0.4)
    np.testing.assert_allclose(metric(linear(), X, given(effects), 0).values, 1)
    np.testing.assert_allclose(metric(linear(), X, given(-effects), 0).values, -1)
    assert np.isnan(metric(linear(), X, given(0 * effects), 0).values).all()


def test_sensitivity_of_a_quadratic_by_hand():
    # the gradient of x^2 is 2 x, so that its change over its size is |delta| / |x|
    model = builders.formula(lambda x: keras.ops.sum(x * x, axis=1, keepdims=True))
    x = np.array([[1.0, 2.0]])
    found = SensitivityMax(radius=0.1, samples=50)(model, x, tfxai.Saliency(absolute=False))
    bound = 0.1 * np.sqrt(2) / np.sqrt(5)
    assert 0.7 * bound < found.values[0] <= bound
    with pytest.raises(InvalidInputError, match="Pass the method itself"):
        SensitivityMax()(model, x, tfxai.Saliency()(model, x))


def test_sparseness_and_entropy_of_uniform_and_one_hot_maps():
    one_hot, uniform = np.zeros((1, 4, 3)), np.ones((1, 4, 3))
    one_hot[0, 1, 2] = -5.0
    x = X[:1]
    for values, gini, entropy in (
        (one_hot, 11 / 12, 0.0),
        (uniform, 0.0, np.log(12)),
        (0 * uniform, 0.0, np.log(12)),
    ):
        one = given(values, x, is_map=True)
        np.testing.assert_allclose(Sparseness()(linear(), x, one).values, [gini], atol=1e-12)
        np.testing.assert_allclose(Entropy()(linear(), x, one).values, [entropy], atol=1e-12)


def test_gini_is_the_mean_difference_of_pairs():
    values = RNG.normal(size=(2, 4, 3))
    found = Sparseness()(linear(), X[:2], given(values, X[:2], is_map=True)).values
    for one, gini in zip(np.abs(values), found, strict=True):
        pairs = [abs(a - b) for a, b in itertools.product(one.ravel(), repeat=2)]
        np.testing.assert_allclose(gini, np.mean(pairs) / (2 * one.mean()))


def test_completeness_is_a_share():
    fields = {"completeness_gap": np.array([0.5, -1.0, 0.0]), "baseline_score": np.full(3, 2.0)}
    one = given(X, **fields)
    object.__setattr__(one, "score", np.array([4.0, 0.0, 2.0]))
    np.testing.assert_allclose(Completeness()(linear(), X, one).values, [0.25, 0.5, np.nan])
    with pytest.raises(InvalidInputError, match="saliency are not meant to add up"):
        Completeness()(linear(), X, tfxai.Saliency())


def test_localisation_by_hand():
    values = np.array([[[3.0, 1.0], [-5.0, 0.0]]])
    x = np.zeros((1, 2, 2, 1))
    one = given(values, x, is_map=True)
    regions = np.array([[[False, True], [True, False]]])
    for metric, expected in (
        (PointingGame(), 0.0),
        (RelevanceMass(), 0.25),
        (RelevanceRank(), 0.5),
    ):
        found = metric(linear(np.ones((2, 2, 1))), x, one, regions=regions)
        np.testing.assert_allclose(found.values, [expected])
        inside = metric(linear(np.ones((2, 2, 1))), x, one, regions=~regions)
        np.testing.assert_allclose(inside.values, [1 - expected if expected != 0.5 else 0.5])
        empty = metric(linear(np.ones((2, 2, 1))), x, one, regions=0 * regions > 1)
        assert np.isnan(empty.values).all()
        for bad in (None, regions[:, :1], regions.astype(int)):
            with pytest.raises(InvalidInputError, match="regions"):
                metric(linear(np.ones((2, 2, 1))), x, one, regions=bad)


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.name)
def test_a_positive_scale_of_the_map_changes_nothing(cls):
    if cls in (SensitivityMax, Completeness, GridPointing):
        pytest.skip("they compare values with other numbers, or explain other inputs")
    metric = cls(fill=0.5) if "fill" in options_of(cls) else cls()
    values = RNG.normal(size=X.shape)
    regions = RNG.random((3, 4, 3)) < 0.4
    a, b = (metric(linear(), X, given(s * values), 0, regions=regions) for s in (1, 64))
    np.testing.assert_allclose(a.values, b.values, rtol=1e-6)
    assert json.loads(json.dumps(a.metric)) == a.metric
    assert "95 %" in repr(a)


@pytest.mark.parametrize("metric", [Deletion(steps=4), MuFidelity(samples=20), AverageDrop()])
def test_chunks_batch_mates_and_a_function_change_nothing(metric):
    model = builders.functional(dtype="float64")
    x = builders.images(3).astype(np.float64)
    method = tfxai.IntegratedGradients(steps=4)
    a = metric(model, x, method, 1)
    np.testing.assert_allclose(metric(model, x, method, 1, chunk_size=2).values, a.values)
    alone = metric(model, x[1:2], method, 1).values
    np.testing.assert_allclose(alone, a.values[1:2], rtol=1e-9)
    by_function = metric(lambda rows: np.asarray(model(rows)), x, method(model, x, 1))
    np.testing.assert_allclose(by_function.values, a.values, rtol=1e-7)


def test_another_attribution_traces_nothing():
    count = 0

    class Counting(keras.layers.Layer):
        def call(self, x):
            nonlocal count
            count += 1
            return x

    inputs = keras.Input(SHAPE, dtype="float64")
    h = Counting(dtype="float64")(inputs)
    model = keras.Model(inputs, keras.ops.sum(h * W, (1, 2, 3))[:, None])
    Deletion(steps=3)(model, X, given(X), 0)
    traced = count
    Deletion(steps=3)(model, X, given(-X), 0)
    Deletion(steps=3, fill=0.25)(model, X[:2], given(X[:2], X[:2]), 0)
    assert count == traced


CONV = {"filters": 2, "kernel_size": 2, "name": "conv"}
LAID_OUT = {
    "channels first": (
        (2, 4, 3),
        lambda x: keras.layers.Conv2D(**CONV, data_format="channels_first")(x),
    ),
    "no channels": (
        (4, 3),
        lambda x: keras.layers.Conv2D(**CONV)(keras.layers.Reshape((4, 3, 1))(x)),
    ),
    "series": ((5, 2), lambda x: keras.layers.Conv1D(**CONV)(x)),
    "volumes": ((3, 4, 2, 1), lambda x: keras.layers.Conv3D(**CONV)(x)),
    "tables": ((6,), lambda x: keras.layers.Dense(3, activation="tanh")(x)),
}


@pytest.mark.parametrize("kind", LAID_OUT)
def test_positions_are_those_of_the_input_however_it_is_laid_out(kind):
    shape, body = LAID_OUT[kind]
    inputs = keras.Input(shape)
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(body(inputs))))
    x = builders.images(2, shape)
    one = tfxai.Occlusion(window=1)(model, x, 1, score="output")
    effects = one.values.reshape(2, -1)
    first = Deletion(steps=effects.shape[1])(model, x, one, score="output").details["curve"]
    # the first to go is the position whose effect alone is the largest
    np.testing.assert_allclose(
        first[:, 0] - first[:, 1], effects.max(axis=1), rtol=1e-3, atol=1e-5
    )
    single = MuFidelity(share=1e-6, cells=9)(model, x, one, score="output").values
    np.testing.assert_allclose(single, 1, atol=1e-9)  # subsets of one position


def test_an_attribution_of_another_score_or_of_other_inputs_is_refused():
    model, x = builders.functional(), builders.images(2)
    other = tfxai.Saliency()(model, x, score=tfxai.Contrast(0, 1))
    with pytest.raises(InvalidInputError, match="Pass the same score="):
        Deletion()(model, x, other)
    Deletion(steps=2)(model, x, other, score=tfxai.Contrast(0, 1))
    with pytest.raises(InvalidInputError, match="of other inputs"):
        Deletion(steps=2)(model, x + 1, tfxai.Saliency()(model, x, 1))


def test_maps_of_a_layer_and_tokens():
    x = builders.images(2)
    model = builders.functional()
    found = Deletion(steps=3)(model, x, tfxai.GradCAM(layer="conv2"), 1)
    assert np.isfinite(found.values).all()
    ids = keras.Input((4,), dtype="int32")
    words = keras.layers.Embedding(9, 3, name="words")(ids)
    text = keras.Model(ids, keras.layers.Dense(2)(keras.layers.Flatten()(words)))
    tokens = np.array([[1, 2, 3, 4]])
    one = tfxai.IntegratedGradients(steps=2)(text, tokens, 1, at="words")
    curve = Deletion(steps=4)(text, tokens, one).details["curve"][0]
    order = np.argsort(-one.values[0].sum(axis=-1))
    shown = tokens.copy()
    for k, place in enumerate(order):
        np.testing.assert_allclose(curve[k], text(shown)[0, 1], rtol=1e-4, atol=1e-6)
        shown[0, place] = 0
    np.testing.assert_allclose(curve[-1], text(shown)[0, 1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", EVERY, ids=lambda cls: cls.name)
def test_every_metric_says_what_it_is(cls):
    text = inspect.getdoc(cls)
    for section in ("Returns:", "Reference:", "Example:"):
        assert f"\n{section}\n" in text
    assert "Departure" in text
    assert list(described(cls)) == list(declared(cls)) == options_of(cls)
    runner = doctest.DocTestRunner(verbose=False)
    for case in doctest.DocTestFinder(recurse=False).find(
        cls, cls.__name__, inspect.getmodule(cls)
    ):
        runner.run(case)
    assert (runner.failures, runner.tries > 0) == (0, True)


def test_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(200):
        values = rng.normal(1.0, 2.0, size=60)
        one = metrics.Measurement(values, {"name": "m"}, {"name": "n"}, True)
        low, high = one.interval(seed=seed)
        held += low <= 1.0 <= high
    assert 180 <= held <= 198  # 95 % of 200, three standard errors


def test_measurements_are_saved_and_read(tmp_path):
    found = Deletion(steps=2)(linear(), X, given(X), 0)
    again = metrics.Measurement.load(found.save(tmp_path / "one"))
    np.testing.assert_array_equal(again.values, found.values)
    np.testing.assert_array_equal(again.details["curve"], found.details["curve"])
    assert (again.metric, again.method) == (found.metric, found.method)
    (tmp_path / "other.npz").write_bytes(b"no archive")
    with pytest.raises(InvalidInputError, match="holds no measurement"):
        metrics.Measurement.load(tmp_path / "other.npz")


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InvalidInputError, match="Attribution, or a method"):
        Deletion()(linear(), X, X)
    with pytest.raises(InvalidInputError, match="of 3 examples, and 2 inputs"):
        Deletion()(linear(), X[:2], given(X), 0)
    with pytest.raises(InvalidInputError, match="by='squares'"):
        Deletion(by="squares")
    with pytest.raises(InvalidInputError, match="steps"):
        Deletion(steps=0)
    with pytest.raises(InvalidInputError, match="confidence"):
        Deletion(steps=1)(linear(), X, given(X), 0).interval(1.0)
