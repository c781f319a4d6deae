"""Sanity checks by hand, on models that are known, and on the network of CIFAR-10."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import json
import random
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from skimage.metrics import structural_similarity

import tfxai
from tests import builders
from tfxai import sanity
from tfxai.core.options import declared, described
from tfxai.data import load_cifar10
from tfxai.errors import InvalidInputError, NotFiniteError, TfxaiWarning, UnsupportedModelError
from tfxai.methods import AttributionMethod
from tfxai.sanity import DataRandomisation, ParameterRandomisation, RandomLogit, SanityResult
from tfxai.sanity.similarity import entropy, entropy_rise, spearman, ssim

CHECKS = (ParameterRandomisation, RandomLogit, DataRandomisation)
GRADIENT = tfxai.Saliency(absolute=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edges(AttributionMethod, is_named=False):
    """The edges of an image, whatever the model is."""

    name = "edges"

    def _attribute(self, f, x):
        dy, dx = tf.image.image_gradients(x)
        return tf.abs(dy) + tf.abs(dx)


@keras.saving.register_keras_serializable("tests")
class Ramp(keras.initializers.Initializer):
    """1, 2, 3, ... in the order of a kernel's elements."""

    def __call__(self, shape, dtype=None):
        return keras.ops.reshape(keras.ops.arange(1, np.prod(shape) + 1, dtype=dtype), shape)


def ramp(*shape):
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def rank(a, b):
    return stats.spearmanr(np.abs(a).ravel(), np.abs(b).ravel()).statistic


def two_linear_layers(seed=0):
    """x (12,) -> hidden (3,) -> 1, without biases; its gradient is W1 W2."""
    rng = np.random.default_rng(seed)
    options = {"use_bias": False, "kernel_initializer": Ramp(), "dtype": "float64"}
    parts = [keras.layers.Dense(n, name=name, **options) for n, name in ((3, "low"), (1, "high"))]
    model = keras.Sequential([keras.Input((12,), dtype="float64"), *parts])
    model.set_weights([rng.normal(size=(12, 3)), rng.normal(size=(3, 1))])
    return model


@pytest.mark.parametrize("order", ["cascading", "independent"])
def test_gradient_of_two_linear_layers_by_hand(order):
    model = two_linear_layers()
    low, high = model.get_weights()
    x = np.random.default_rng(1).normal(size=(2, 12))
    found = ParameterRandomisation(order=order)(model, x, GRADIENT)
    top = low @ ramp(3, 1)
    bottom = ramp(12, 3) @ (ramp(3, 1) if order == "cascading" else high)
    expected = [rank(low @ high, after) for after in (top, bottom)]
    np.testing.assert_allclose(found.spearman, [expected] * 2, rtol=1e-12)
    assert found.steps == ("high", "low")
    assert np.isnan(found.ssim).all()  # a table is no image
    assert found.has_verdict == (order == "cascading")
    assert (found.passes is None) == (order == "independent")


def test_the_model_is_left_as_it_is_and_the_seed_decides_everything():
    model, x = builders.functional(), builders.images(2)
    before = model.get_weights()
    state = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    first, again, other = (
        ParameterRandomisation(seed=seed)(model, x, tfxai.Saliency()) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.spearman, again.spearman)
    np.testing.assert_array_equal(first.ssim, again.ssim)
    assert np.abs(first.spearman - other.spearman).max() > 1e-3
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert nodes == [len(layer._inbound_nodes) for layer in model.layers]
    assert random.getstate() == state[0]
    np.testing.assert_array_equal(np.random.get_state()[1], state[1])  # noqa: NPY002


def test_initialisers_with_a_seed_of_their_own_draw_anew():
    """Else an untrained layer gets the weights back that it has."""
    initialiser = keras.initializers.GlorotUniform(seed=5)
    dense = keras.layers.Dense(2, kernel_initializer=initialiser)
    model = keras.Sequential([keras.Input((40,)), dense])
    found = ParameterRandomisation()(model, builders.images(2, (40,)), GRADIENT, 0)
    assert np.abs(found.spearman).max() < 0.6  # 40 positions: 0.16 is one standard error


@pytest.mark.parametrize("kind", builders.KINDS)
def test_kind_of_model_changes_no_step(kind):
    x = builders.images(2)
    like = builders.functional()
    one, other = like, builders.same_weights(builders.KINDS[kind], like)
    options = {"target": [0, 1]}
    if kind == "operations":  # its own layers are made of another activation than it says
        with pytest.raises(UnsupportedModelError, match="answers otherwise"):
            ParameterRandomisation()(other, x, tfxai.Saliency(), **options)
        return
    expected = ParameterRandomisation()(one, x, tfxai.Saliency(), **options)
    found = ParameterRandomisation()(other, x, tfxai.Saliency(), **options)
    assert len(found.steps) == len(expected.steps) == 3
    assert [step.split("/")[-1] for step in found.steps[1:]] == ["conv2", "conv1"]
    assert np.isfinite(found.spearman).all()
    assert np.abs(found.spearman[:, -1]).max() < 0.9


def with_state():
    """A batch normalisation that has seen data, a dropout, and a recurrent layer."""
    x = inputs = keras.Input((6, 2))
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Bidirectional(keras.layers.LSTM(3), name="both")(x)
    x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.get_layer("norm").set_weights([np.full(2, n) for n in (2.0, 0.5, 1.0, 4.0)])
    return model


def test_state_of_a_batch_normalisation_starts_anew_with_it():
    model, x = with_state(), builders.images(2, (6, 2))
    found = ParameterRandomisation(order="independent")(model, x, tfxai.Saliency(), 0)
    assert found.steps[0] == "head"
    assert found.steps[-1] == "norm"
    assert all("both" in step for step in found.steps[1:-1])
    plain = with_state()
    plain.set_weights(model.get_weights())
    plain.get_layer("norm").set_weights([np.ones(2), np.zeros(2), np.zeros(2), np.ones(2)])
    maps = [tfxai.Saliency()(one, x, 0).values for one in (model, plain)]
    expected = [rank(a.max(-1), b.max(-1)) for a, b in zip(*maps, strict=True)]
    np.testing.assert_allclose(found.spearman[:, -1], expected, rtol=1e-6)
    assert found.spearman[:, -1].min() < 1


def test_a_shared_layer_is_one_step_and_stays_shared():
    model, x = builders.shared(), builders.images(2)
    found = ParameterRandomisation()(model, x, tfxai.Saliency(), 0)
    assert found.steps[-1] == "conv"
    assert len(found.steps) == 2


def test_layers_next_to_each_other_are_taken_together():
    model, x = builders.nested(), builders.images(2)
    whole = ParameterRandomisation()(model, x, tfxai.Saliency(), 0)
    two = ParameterRandomisation(most_steps=2)(model, x, tfxai.Saliency(), 0)
    assert len(two.steps) == 2
    assert two.steps[0] == whole.steps[0] or "..." in two.steps[0]
    np.testing.assert_array_equal(two.spearman[:, -1], whole.spearman[:, -1])


@pytest.mark.parametrize("style", ["list", "dict"])
def test_models_with_several_inputs_and_tables(style):
    a, b = keras.Input((4,), name="a"), keras.Input((3, 2), name="b")
    h = keras.layers.Concatenate()([a, keras.layers.Flatten()(b)])
    h = keras.layers.Dense(5, activation="tanh", name="hidden")(h)
    inputs = [a, b] if style == "list" else {"a": a, "b": b}
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(h))
    x = {"a": builders.images(3, (4,)), "b": builders.images(3, (3, 2))}
    given = list(x.values()) if style == "list" else x
    found = ParameterRandomisation()(model, given, tfxai.GradientInput(), 1)
    assert found.steps == ("head", "hidden")
    assert found.spearman.shape == (3, 2)
    assert found.spearman.max() < 0.95


class Unsaved(keras.layers.Layer):
    """A layer whose config lacks an argument."""

    def __init__(self, width, table, **options):
        super().__init__(**options)
        self.width, self.table = width, table

    def call(self, x):
        return x * self.width


class Given(keras.layers.Layer):
    """A layer that starts with numbers of its own, and has no initialiser for them."""

    def build(self, shape):
        self.scale = self.add_weight(
            shape=(shape[-1],),
            initializer=lambda s, dtype: keras.ops.arange(1, s[0] + 1, dtype=dtype),
        )

    def call(self, x):
        return x * self.scale


class Changed(keras.layers.Layer):
    """A layer that does something its config knows nothing of."""

    factor = 1.0

    def call(self, x):
        return x * self.factor


def test_layers_that_cannot_be_made_again_are_refused():
    x = inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2)(Unsaved(2.0, object(), name="mine")(x)))
    with pytest.raises(UnsupportedModelError, match=r"Unsaved 'mine' cannot .*from its config"):
        ParameterRandomisation()(model, builders.images(2, (4,)), GRADIENT, 0)

    layer = Changed()
    layer.factor = 3.0
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(x)))
    with pytest.raises(UnsupportedModelError, match="the same weights answers otherwise"):
        ParameterRandomisation()(model, builders.images(2, (4,)), GRADIENT, 0)


def test_layers_that_keep_their_weights_are_named():
    inputs = keras.Input((4,))
    own = keras.Model(inputs, keras.layers.Dense(2, name="head")(Given(name="mine")(inputs)))
    x = builders.images(2, (4,))
    with pytest.warns(TfxaiWarning, match="1 of 2 layers keep their weights.*: mine"):
        found = ParameterRandomisation()(own, x, GRADIENT, 0)
    assert found.steps == ("head",)
    only = keras.Model(inputs, Given()(inputs))
    with pytest.raises(InvalidInputError, match="nothing to randomise"):
        ParameterRandomisation()(only, x, GRADIENT, 0)


def test_a_copy_whose_maps_are_not_finite_is_named_by_its_step():
    class Zeros(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.zeros(shape, dtype)

    x = inputs = keras.Input((4,))
    x = keras.layers.Dense(4, keras.ops.sqrt, kernel_initializer=Zeros(), name="root")(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.get_layer("root").set_weights([np.eye(4), np.ones(4)])
    with pytest.raises(NotFiniteError, match="With root re-initialised in a copy"):
        ParameterRandomisation()(model, np.ones((2, 4), np.float32), GRADIENT, 0)


def test_own_layers_lambdas_and_compiled_models_are_copied():
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2.0 * x

    class Halves(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.full(shape, 0.5, dtype)

    def bent(x):
        return keras.ops.tanh(x) + 0.1 * x

    factor = 3.0
    x = inputs = keras.Input((8,))
    x = keras.layers.Dense(8, bent, kernel_initializer=Halves(), name="low")(x)
    x = keras.layers.Lambda(lambda t: factor * t, output_shape=(8,))(Twice()(x))
    model = keras.Model(inputs, keras.layers.Dense(2, name="head")(x))
    model.compile(loss=lambda a, b: 0.0 * b, optimizer="adam")
    model.get_layer("low").set_weights([np.eye(8), np.zeros(8)])
    found = ParameterRandomisation()(model, builders.images(2, (8,)), GRADIENT, 0)
    assert found.steps == ("head", "low")
    np.testing.assert_allclose(found.spearman[:, 1], 0)  # all inputs count alike then
    assert model.compiled


def test_random_logit_of_a_linear_classifier_by_hand():
    w = np.random.default_rng(0).normal(size=(30, 3))
    model, x = builders.linear(w), np.ones((6, 30))
    found = RandomLogit(seed=2)(model, x, GRADIENT, 1)
    expected = {rank(w[:, 1], w[:, other]) for other in (0, 2)}
    for value in found.spearman[:, 0]:
        assert min(abs(value - one) for one in expected) < 1e-12
    assert len({round(float(value), 9) for value in found.spearman[:, 0]}) == 2  # both were drawn
    assert found.passes
    with pytest.raises(InvalidInputError, match="two outputs or more"):
        RandomLogit()(builders.linear(w[:, :1]), x, GRADIENT)
    with pytest.raises(InvalidInputError, match="no score that chooses"):
        RandomLogit()(model, x, GRADIENT, score=tfxai.Contrast(0, 1))


def test_data_randomisation_by_hand():
    w = np.random.default_rng(0).normal(size=(2, 30, 2))
    ours, theirs = map(builders.linear, w)
    x = np.ones((2, 30))
    found = DataRandomisation()(ours, x, GRADIENT, [0, 1], shuffled=theirs)
    expected = [[rank(w[0, :, i], w[1, :, i])] for i in (0, 1)]
    np.testing.assert_allclose(found.spearman, expected, rtol=1e-12)
    for bad, sentence in (
        (None, "none came"),
        (ours, "the very answers"),
        (builders.linear(w[0, :, :1]), r"outputs of shape \(2, 1\)"),
    ):
        with pytest.raises(InvalidInputError, match=sentence):
            DataRandomisation()(ours, x, GRADIENT, [0, 1], shuffled=bad)


def test_similarities_by_hand():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 9, 8))
    np.testing.assert_allclose(spearman(a, b), [rank(*pair) for pair in zip(a, b, strict=True)])
    np.testing.assert_allclose(spearman(a, -7 * a), 1)  # signs and scale say nothing
    flat = np.ones_like(a)
    np.testing.assert_array_equal(spearman(a, flat), [0, 0, 0])
    np.testing.assert_array_equal(spearman(flat, 2 * flat), [1, 1, 1])
    scaled = [np.abs(one) / np.abs(one).max(axis=(1, 2), keepdims=True) for one in (a, b)]
    expected = [
        structural_similarity(*pair, win_size=7, data_range=1.0)
        for pair in zip(*scaled, strict=True)
    ]
    np.testing.assert_allclose(ssim(a, b), expected)
    np.testing.assert_allclose(ssim(a, 3 * a), 1)
    assert np.isnan(ssim(a[:, :2], b[:, :2])).all()
    even = np.arange(100.0)[None]  # one value in each of 100 bins
    two = np.repeat([0.0, 1.0], 50)[None]
    np.testing.assert_allclose(entropy(np.concatenate([even, two, 0 * two])), np.log([100, 2, 1]))
    np.testing.assert_allclose(entropy_rise(two, even), np.log(100) / np.log(2) - 1)
    assert np.isnan(entropy_rise(0 * two, even)).all()


@pytest.mark.slow
def test_on_the_network_of_cifar10_edges_and_guided_backprop_fail_and_the_gradient_passes():
    subject = tfxai.load("cifar10_cnn")
    images = load_cifar10("test")[0][:12]
    check = ParameterRandomisation(most_steps=3)
    edges = check(subject, images, Edges())
    np.testing.assert_allclose(edges.spearman, 1)
    np.testing.assert_allclose(edges.ssim, 1)
    np.testing.assert_allclose(edges.entropy_rise, 0, atol=1e-12)
    assert not edges.passes
    assert "edges fails parameter_randomisation" in edges.verdict
    assert not check(subject, images, tfxai.GuidedBackprop()).passes
    assert check(subject, images, GRADIENT).passes


def test_results_say_what_was_found():
    found = SanityResult(
        spearman=np.array([[0.9, 0.2], [0.8, 0.4]]),
        ssim=np.full((2, 2), np.nan),
        entropy_rise=np.array([[0.1, np.nan], [0.3, 0.5]]),
        steps=("high", "low"),
        check={"name": "parameter_randomisation", "options": {}},
        method={"name": "saliency", "options": {}},
        threshold=0.62,
    )
    assert found.passes
    assert found.verdict == (
        "saliency passes parameter_randomisation: mean rank correlation 0.58, 95 % from 0.55 to "
        "0.60 over 2 examples, at most 0.62"
    )
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["interval"] == [pytest.approx(0.55), pytest.approx(0.6)]
    assert record["steps"][1] == {
        "step": "low",
        "spearman": pytest.approx(0.3),
        "ssim": None,
        "entropy_rise": 0.5,
    }
    fails = dataclasses.replace(found, threshold=0.58)  # the mean is below, its interval is not
    assert not fails.passes
    assert "not surely below 0.58" in fails.verdict
    alone = dataclasses.replace(found, **{n: getattr(found, n)[:1] for n in ("spearman", "ssim")})
    assert alone.passes
    assert "95 %" not in alone.verdict
    each = dataclasses.replace(found, has_verdict=False)
    assert each.passes is None
    assert "notice high least (rank correlation 0.85)" in each.verdict


@pytest.mark.parametrize("cls", CHECKS, ids=lambda cls: cls.name)
def test_every_check_says_what_it_is(cls):
    text = inspect.getdoc(cls)
    for section in ("Returns:", "Raises:", "Reference:", "Example:"):
        assert f"\n{section}\n" in text
    assert "Departure" in text
    assert sorted(described(cls)) == sorted(declared(cls))
    runner = doctest.DocTestRunner(verbose=False)
    for case in doctest.DocTestFinder(recurse=False).find(
        cls, cls.__name__, inspect.getmodule(cls)
    ):
        runner.run(case)
    assert (runner.failures, runner.tries > 0) == (0, True)


def test_what_cannot_be_checked_is_refused():
    model, x = builders.functional(), builders.images(2)
    with pytest.raises(InvalidInputError, match="since a check explains anew"):
        RandomLogit()(model, x, tfxai.Saliency()(model, x))
    with pytest.raises(UnsupportedModelError, match="a function came"):
        RandomLogit()(lambda rows: rows, x, tfxai.Occlusion())
    with pytest.raises(InvalidInputError, match="threshold=1"):
        RandomLogit(threshold=1.0)
    assert issubclass(RandomLogit, sanity.SanityCheck)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = []
        ParameterRandomisation()(model, x, tfxai.Saliency(), progress=lambda *at: done.append(at))
    assert done == [(1, 3), (2, 3), (3, 3)]
