"""Superpixels as features: each image its own, in one program, with the values of plain masks."""

from unittest import mock

import keras
import numpy as np
import pytest
from keras import layers

import tfxai
from tests.methods.games import game, shapley
from tfxai import config, methods
from tfxai.core import program
from tfxai.data import fit_image, sample_image
from tfxai.errors import InvalidInputError
from tfxai.methods import LIME, FeatureAblation, KernelSHAP, ShapleySampling, SmoothGrad

SHAPE = (12, 10, 3)  # 360 elements: superpixels unless told otherwise
X = np.random.default_rng(3).random((4, *SHAPE))
X[1:, 3:9, 2:6] += [1.0, -0.5, 0.5]
X[2:, 8:] *= 2
METHODS = {
    "feature_ablation": FeatureAblation,
    "kernel_shap": lambda **options: KernelSHAP(samples=40, **options),
    "lime": lambda **options: LIME(samples=60, **options),
    "shapley_sampling": lambda **options: ShapleySampling(samples=6, **options),
}
each_method = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    x = keras.Input(SHAPE, dtype="float64")
    h = layers.Conv2D(3, 3, activation="tanh", dtype="float64", name="conv")(x)
    h = layers.Flatten(dtype="float64")(h)
    return keras.Model(x, layers.Dense(4, activation="softmax", dtype="float64")(h))


@pytest.mark.slow
@each_method
def test_values_of_each_image_are_those_of_its_own_mask(name, model):
    a = METHODS[name](mask=tfxai.Slic(7), baseline=0.1)(model, X, target=1)
    assert len({one.tobytes() for one in a.details["mask"]}) == 4  # no two alike
    for i in range(4):
        mask = tfxai.superpixels(X[i], 7)
        np.testing.assert_array_equal(a.details["mask"][i], mask)
        alone = METHODS[name](mask=mask, baseline=0.1)(model, X[i : i + 1], target=1)
        np.testing.assert_allclose(a.values[i], alone.values[0], rtol=1e-9, atol=1e-13)
        for detail in alone.details:
            np.testing.assert_allclose(
                a.details[detail][i], alone.details[detail][0], rtol=1e-8, atol=1e-13
            )


def test_values_are_the_exact_shapley_values_of_each_image(model):
    a = KernelSHAP(mask=tfxai.Slic(6))(model, X, target=1)
    for i in range(4):
        v = game(model, X[i], 0.0, tfxai.superpixels(X[i], 6)[..., None], target=1)
        np.testing.assert_allclose(a.details["features"][i], shapley(v), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(a.completeness_gap, 0, atol=1e-13)


@each_method
def test_new_images_and_batches_trace_nothing(name, model):
    method = METHODS[name](mask=tfxai.Slic(7))
    method(model, X)
    with mock.patch.object(program, "compiled", wraps=program.compiled) as compiled:
        method(model, X[::-1] + 0.3, target=2)
        method(model, X[:1])
    assert compiled.call_count == 0


@each_method
def test_chunks_and_batch_mates_change_nothing(name, model):
    method = METHODS[name](mask=tfxai.Slic(7))
    a = method(model, X, target=1)
    for chunk_size in (1, 3):
        b = method(model, X, target=1, chunk_size=chunk_size)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-10, atol=1e-14)
        np.testing.assert_array_equal(a.details["mask"], b.details["mask"])


@pytest.mark.slow
@each_method
def test_xla_agrees(name, model, monkeypatch):
    method = METHODS[name](mask=tfxai.Slic(7))
    a = method(model, X, target=1)
    monkeypatch.setattr(config, "jit_compile", True)
    b = method(model, X, target=1)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-10, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(METHODS) - {"feature_ablation"}))
def test_none_is_superpixels_for_images_of_many_elements(name, model):
    samples = {"kernel_shap": 600, "lime": 400, "shapley_sampling": 4}[name]
    a = methods.create(name, samples=samples)(model, X[:1])
    slic = {"name": "slic", "options": {"segments": 50, "compactness": 10.0}}
    assert a.method["options"]["mask"] == slic
    b = methods.create(name, mask="slic", samples=samples)(model, X[:1])
    np.testing.assert_array_equal(a.values, b.values)
    small = keras.Input((10, 10, 3), dtype="float64")  # 300 elements: each by itself
    sums = keras.Model(small, keras.ops.sum(small, axis=(1, 2)))
    c = methods.create(name, samples=samples)(sums, X[:1, :10], target=0)
    assert c.method["options"]["mask"] is None
    assert c.details["features"].shape == (1, 300)


@each_method
def test_record_of_superpixels_comes_back_from_json(name):
    method = METHODS[name](mask=tfxai.Slic(9, compactness=2))
    stored = method.to_config()
    assert stored["options"]["mask"]["options"] == {"segments": 9, "compactness": 2}
    assert methods.AttributionMethod.from_config(stored) == method


def test_noisy_copies_are_explained_with_the_superpixels_of_the_image(model):
    of = KernelSHAP(mask=tfxai.Slic(6), baseline=0.2)
    a = SmoothGrad(of=of, samples=3, noise=1e-9)(model, X, target=1, score="probability")
    b = of(model, X, target=1)
    np.testing.assert_allclose(a.values, b.values, rtol=1e-5, atol=1e-9)


@each_method
def test_superpixels_of_what_is_no_image_are_refused(name, model):
    method = METHODS[name](mask=tfxai.Slic(7))
    with pytest.raises(InvalidInputError, match=r"parts images .* layer 'conv' is explained"):
        method(model, X, at="conv")
    table = keras.Input((9,), dtype="float64")
    with pytest.raises(InvalidInputError, match=r"an input of shape \(9,\) is explained"):
        method(keras.Model(table, table[:, :1]), np.ones((2, 9)))
    with pytest.raises(InvalidInputError, match=r"segments=200 is more than the image's 120"):
        METHODS[name](mask=tfxai.Slic(200))(model, X)


@pytest.mark.slow
def test_superpixels_that_speak_for_a_cup_lie_on_it(test_data):
    subject = tfxai.load(test_data / "models" / "efficientnet_lite0.keras")
    pixels = fit_image(sample_image("coffee"), 224, 224)[None]
    a = LIME(samples=300)(subject, pixels)  # espresso
    mask, order = a.details["mask"][0], np.argsort(a.details["features"][0])
    rows, columns = np.nonzero(np.isin(mask, order[-6:]))
    # the bowl of the cup: 36 % of the picture
    assert ((rows < 125) & (columns > 30) & (columns < 175)).mean() > 0.9

    def probability_without(superpixels):
        hidden = np.where(np.isin(mask, superpixels)[None, ..., None], 0, pixels)
        return subject.model(subject.prepare(hidden)).numpy()[0, a.target[0]]

    # six of fifty make half of the probability; the six that speak against it none
    assert probability_without(order[-6:]) < 0.6 * a.score[0]
    assert probability_without(order[:6]) > a.score[0]
