"""Feature ablation by hand, against a loop, and beside occlusion."""

import json

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests import builders
from tests.contract.case import Case
from tests.methods.slow_network import SlowNetwork
from tfxai.errors import InvalidInputError, TfxaiWarning, UnknownNameError
from tfxai.methods import LIME, FeatureAblation, KernelSHAP, Occlusion, ShapleySampling
from tfxai.methods.base import AttributionMethod

CASES = (
    Case(
        method=FeatureAblation,
        linear=lambda s: s.w * (s.x - s.b),
        others={"mask": np.arange(30).reshape(6, 5) // 4, "baseline": 0.5},
    ),
)


X = np.random.default_rng(12).normal(size=(3, 5, 6, 2))


@pytest.mark.parametrize("axes", [2, 3])
def test_equals_the_loop_over_features(axes):
    network, rng = SlowNetwork(11), np.random.default_rng(1)
    mask = rng.choice([-3, 0, 7, 8], size=(5, 6, 2)[:axes])
    baseline = rng.normal(size=(5, 6, 2))
    method = FeatureAblation(mask=mask, baseline=baseline)
    values = method(network.keras_model(), X, target=2).values
    for x, found in zip(X, values, strict=True):
        expected = np.zeros((5, 6, 2))
        for feature in (-3, 0, 7, 8):
            chosen = np.broadcast_to((mask == feature).reshape(5, 6, -1), (5, 6, 2))
            without = np.where(chosen, baseline, x)
            expected[chosen] = network.forward(x)[2][2] - network.forward(without)[2][2]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11)


def test_element_by_element_of_a_product():
    x = np.array([[3.0, 4.0], [-1.0, 2.0]])
    a = FeatureAblation()(builders.product(), x)
    np.testing.assert_allclose(a.values, [[12, 12], [-2, -2]])
    a = FeatureAblation(baseline=1.0)(builders.product(), x)
    np.testing.assert_allclose(a.values, [[8, 9], [-4, -1]])


def test_superpixels_in_a_grid_are_occlusion_without_overlap():
    model, x = builders.functional(), builders.images()
    rows, columns = np.indices((6, 5))
    mask = 5 * (rows // 2) + columns
    a = FeatureAblation(mask=mask)(model, x, target=1)
    b = Occlusion(window=(2, 1), stride=(2, 1))(model, x, target=1)
    for channel in range(2):
        np.testing.assert_allclose(a.values[..., channel], b.values, rtol=1e-5, atol=1e-7)


def test_several_inputs_are_ablated_element_by_element():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    dense = layers.Dense(1, use_bias=False)
    model = keras.Model({"a": a, "b": b}, dense(layers.Concatenate()([a, b])))
    weights = np.arange(1.0, 6.0)
    dense.set_weights([weights[:, None]])
    given = {"a": np.full((2, 3), 2.0, np.float32), "b": np.ones((2, 2), np.float32)}
    found = FeatureAblation()(model, given)
    np.testing.assert_allclose(found.values["a"], [2 * weights[:3]] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.values["b"], [weights[3:]] * 2, rtol=1e-6)
    with pytest.raises(InvalidInputError, match="One mask was given, and the model has 2 inputs"):
        FeatureAblation(mask=np.zeros(3, int))(model, given)
    # a0 and b1 leave together, a1 and a2 by themselves, b0 with nothing
    method = FeatureAblation(mask={"b": np.array([9, 4]), "a": np.array([4, 1, 2])})
    for one in (method, AttributionMethod.from_config(json.loads(json.dumps(method.to_config())))):
        with pytest.warns(TfxaiWarning, match="'b' and 'a' both hold the feature number 4, "):
            found = one(model, given)
        together = 2 * weights[0] + weights[4]
        np.testing.assert_allclose(found.values["a"], [[together, 4, 6]] * 2, rtol=1e-6)
        np.testing.assert_allclose(found.values["b"], [[4, together]] * 2, rtol=1e-6)
    # inputs that are left out: element by element
    found = FeatureAblation(mask={"b": np.array([0, 0])})(model, given)
    np.testing.assert_allclose(found.values["a"], [2 * weights[:3]] * 2, rtol=1e-6)
    np.testing.assert_allclose(found.values["b"], [[9, 9]] * 2, rtol=1e-6)


@pytest.mark.parametrize("make", [KernelSHAP, ShapleySampling, FeatureAblation, LIME])
def test_masks_of_several_inputs_are_refused_by_name(make):
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    given = [np.ones((1, 3), np.float32), np.ones((1, 2), np.float32)]
    with pytest.raises(UnknownNameError, match="'c'"):
        make(mask={"c": np.zeros(3, int)})(model, given)
    with pytest.raises(
        InvalidInputError, match=r"mask has shape \(4,\), and input 'a' has \(3,\)"
    ):
        make(mask={"a": np.zeros(4, int)})(model, given)
    with pytest.raises(InvalidInputError, match="a dict without arrays"):
        make(mask={})
    with pytest.raises(InvalidInputError, match="integers"):
        make(mask={"a": np.full(3, 0.5)})
    with pytest.raises(InvalidInputError, match="array: pass tfxai"):
        make(mask={"a": tfxai.Slic(), "b": np.zeros(2, int)})


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: tfxai.SmoothGrad(of=m, samples=2)])
def test_features_that_lie_in_two_inputs_are_remarked_on(wrap):
    a, b = keras.Input((3,), name="a"), keras.Input((6,), name="b")
    model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, b])))
    given = [np.ones((1, 3), np.float32), np.ones((1, 6), np.float32)]
    masks = {"a": np.arange(3), "b": np.arange(6)}
    with pytest.warns(TfxaiWarning, match="'a' and 'b' both hold the feature numbers 0, 1, 2, "):
        wrap(FeatureAblation(mask=masks))(model, given)
    apart = wrap(FeatureAblation(mask={"a": np.arange(3), "b": 3 + np.arange(6)}))
    assert apart(model, given).notes == ()


@pytest.mark.parametrize("make", [KernelSHAP, ShapleySampling])
def test_shapley_values_of_features_across_inputs(make):
    a, b = keras.Input((2, 2, 3), name="a"), keras.Input((2,), name="b")
    total = layers.Lambda(lambda t: keras.ops.sum(t, (1, 2, 3))[:, None])(a)
    model = keras.Model([a, b], total * b[:, :1] + b[:, 1:])
    given = [np.arange(12, dtype=np.float32).reshape(1, 2, 2, 3), np.array([[3.0, 5.0]], "f")]
    # the game of a's two rows, for all channels alike, and b0: sums 15 and 51, times 3
    found = make(mask={"a": np.array([[0, 0], [1, 1]])})(model, given)
    np.testing.assert_allclose(found.values["a"][0, 0].sum(), 15 * 3 / 2, rtol=1e-4)
    np.testing.assert_allclose(found.values["a"][0, 1].sum(), 51 * 3 / 2, rtol=1e-4)
    np.testing.assert_allclose(found.values["b"][0], [66 * 3 / 2, 5], rtol=1e-4)


def test_several_baselines_are_averaged():
    several = np.array([[0.0, 1.0], [1.0, 3.0]])
    method = FeatureAblation(baseline=tfxai.baselines.Samples(several))
    a = method(builders.product(), np.array([[3.0, 4.0]]))
    # without x0: 0 and 4, so 10 less on average; without x1: 3 and 9, so 6 less
    np.testing.assert_allclose(a.values, [[10, 6]])


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((4, 4), int), r"mask has shape \(4, 4\), and an input has \(6, 5, 2\)"),
        (np.full((6, 5), 0.5), r"mask of shape \(6, 5\) was expected to hold integers"),
        ("superpixels", "mask='superpixels' was expected to be finite numbers"),
    ],
)
def test_mask_that_does_not_fit_is_refused(mask, message):
    with pytest.raises(InvalidInputError, match=message):
        FeatureAblation(mask=mask)(builders.functional(), builders.images())
