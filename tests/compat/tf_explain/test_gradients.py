"""Gradients, gradients times inputs, SmoothGrad and Integrated Gradients of tf-explain."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests.compat import models
from tfxai.compat import departures
from tfxai.compat.tf_explain.core import (
    GradientsInputs,
    IntegratedGradients,
    SmoothGrad,
    VanillaGradients,
)
from tfxai.compat.tf_explain.core.vanilla_gradients import UNSUPPORTED_ARCHITECTURE_WARNING
from tfxai.compat.tf_explain.utils.display import grid_display
from tfxai.compat.tf_explain.utils.image import transform_to_normalized_grayscale

EXPLAINERS = [VanillaGradients, GradientsInputs, SmoothGrad, IntegratedGradients]
X = models.images(2, (2, 2, 1)) / 4


def grid_of(gradients):
    return grid_display(transform_to_normalized_grayscale(np.abs(gradients)).numpy())


def test_gradients_are_those_of_the_output():
    logits = VanillaGradients.compute_gradients(X, models.linear(), 1)
    expected = [models.slow_linear(one)[1][1] for one in X]
    np.testing.assert_allclose(logits, expected, rtol=1e-6)
    found = VanillaGradients.compute_gradients(X, models.linear(softmax=True), 1)
    expected = [models.slow_probability_gradient(one, 1)[1] for one in X]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    times = GradientsInputs.compute_gradients(X, models.linear(softmax=True), 1)
    np.testing.assert_allclose(times, X * expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("explainer", [VanillaGradients, GradientsInputs])
def test_softmax_of_its_own_is_taken_off(explainer):
    model = models.convolutional(separate=True)
    x = models.images()
    score_model = explainer().get_score_model(model)
    assert score_model.layers[-1].name == "scores"
    np.testing.assert_allclose(
        np.exp(score_model(x)) / np.exp(score_model(x)).sum(axis=1, keepdims=True),
        model(x),
        rtol=1e-5,
    )
    gradients = explainer.compute_gradients(x, score_model, 2)
    np.testing.assert_array_equal(explainer().explain((x, None), model, 2), grid_of(gradients))


def test_softmax_inside_of_a_layer_stays_with_a_warning():
    model = models.convolutional()
    with pytest.warns(UserWarning, match=UNSUPPORTED_ARCHITECTURE_WARNING):
        assert VanillaGradients().get_score_model(model) is model


@pytest.mark.parametrize("name", ["Softmax", "ReLU", "LeakyReLU", "PReLU", "ELU"])
def test_layer_that_is_an_activation_is_known(name):
    assert VanillaGradients()._is_activation_layer(getattr(keras.layers, name)())
    assert not VanillaGradients()._is_activation_layer(keras.layers.Dense(2, activation="relu"))


def test_cross_entropy_is_minus_one_over_p_times_the_gradient_of_p():
    model = models.linear(softmax=True)
    noisy = models.images(4, (2, 2, 1)) / 4
    slow = [models.slow_probability_gradient(one, 0) for one in noisy]
    each = np.array([-gradient / p for p, gradient in slow])
    found = SmoothGrad.get_averaged_gradients(noisy, model, 0, 2)
    expected = [each[:2].mean(axis=0), each[2:].mean(axis=0)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_cross_entropy_of_outputs_that_are_no_probabilities_is_of_their_shares():
    x = np.full((1, 2, 2, 1), 0.5)
    model = models.linear()
    scores = keras.Model(model.inputs, keras.ops.square(model.output))  # 25, 100, 225
    logits, gradients = models.slow_linear(x[0])
    by_square = 2 * logits[:, None, None, None] * gradients
    share = by_square[1] / logits[1] ** 2 - by_square.sum(axis=0) / (logits**2).sum()
    found = SmoothGrad.get_averaged_gradients(x, scores, 1, 1)
    np.testing.assert_allclose(found[0], -share, rtol=1e-4, atol=1e-5)


def test_noisy_images_have_the_noise_of_numpys_seed():
    images = np.stack([np.zeros((2, 2, 1)), np.full((2, 2, 1), 10.0)]).astype("float32")
    np.random.seed(3)  # noqa: NPY002 - what the explainer draws from
    noisy = SmoothGrad.generate_noisy_images(images, 3, 0.5)
    np.random.seed(3)  # noqa: NPY002
    drawn = np.random.normal(0, 0.5, (6, 2, 2, 1))  # noqa: NPY002
    np.testing.assert_allclose(noisy, np.repeat(images, 3, axis=0) + drawn, rtol=1e-6)
    assert noisy.dtype == np.float32


def test_paths_run_from_zeros_to_each_image():
    path = IntegratedGradients.generate_interpolations(np.array([[[[1.0]]], [[[2.0]]]]), 3)
    np.testing.assert_array_equal(path.ravel(), [0, 0.5, 1, 0, 1, 2])
    ends = IntegratedGradients.generate_linear_path(np.array([4.0]), np.array([8.0]), 5)
    np.testing.assert_array_equal(np.ravel(ends), [4, 5, 6, 7, 8])
    with pytest.raises(tfxai.errors.InvalidInputError, match=r"n_steps=1 .* at least 2"):
        IntegratedGradients().explain((X, None), models.linear(), 0, n_steps=1)


def test_integrated_gradients_are_the_plain_mean_without_the_input():
    model, steps = models.linear(softmax=True), 4
    path = IntegratedGradients.generate_interpolations(X, steps)
    found = IntegratedGradients.get_integrated_gradients(path, model, 2, steps)
    expected = [
        np.mean(
            [models.slow_probability_gradient(a * one, 2)[1] for a in np.linspace(0, 1, steps)],
            axis=0,
        )
        for one in X.astype(float)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(tfxai.errors.InvalidInputError, match="multiple of 3"):
        IntegratedGradients.get_integrated_gradients(path, model, 2, 3)


def test_values_that_are_zero_are_told_of_the_images_and_not_of_their_copies():
    model = models.linear(softmax=True)
    model.get_layer("scores").set_weights([np.zeros((4, 3))])
    for explainer in (IntegratedGradients, SmoothGrad):
        with pytest.warns(tfxai.TfxaiWarning) as told:
            explainer().explain((X[:1], None), model, 1)
        (said,) = [str(w.message) for w in told if "zero everywhere" in str(w.message)]
        assert said.startswith(f"{explainer.__name__} is zero everywhere: ")
    (path,) = [IntegratedGradients.generate_interpolations(X, 3)]
    with pytest.warns(tfxai.TfxaiWarning, match=r"zero everywhere \(all 2 examples\)"):
        IntegratedGradients.get_integrated_gradients(path, model, 1, 3)


def test_grids_show_the_values(monkeypatch):
    model = models.linear(softmax=True)
    path = IntegratedGradients.generate_interpolations(X, 6)
    values = IntegratedGradients.get_integrated_gradients(path, model, 1, 6)
    grid = IntegratedGradients().explain((X, None), model, 1, n_steps=6)
    np.testing.assert_array_equal(grid, grid_of(values))
    assert (grid.shape, grid.dtype) == ((4, 4), np.uint8)
    noisy = np.repeat(X, 5, axis=0) + 0.1
    monkeypatch.setattr(SmoothGrad, "generate_noisy_images", lambda self, x, n, noise: noisy)
    values = SmoothGrad.get_averaged_gradients(noisy, model, 1, 5)
    grid = SmoothGrad().explain((X, None), model, 1)
    np.testing.assert_array_equal(grid, grid_of(values))


def test_exact_grids_are_those_of_tfxais_methods():
    model, index = models.linear(softmax=True), 1
    methods = {
        VanillaGradients: tfxai.Saliency(),
        GradientsInputs: tfxai.GradientInput(),
        IntegratedGradients: tfxai.IntegratedGradients(steps=10, baseline=0.0),
        SmoothGrad: tfxai.Saliency(),  # of a linear logit: noise changes nothing
    }
    for cls, method in methods.items():
        heat = np.abs(method(model, X, index).values).sum(axis=-1)
        heat = np.minimum(heat / np.percentile(heat, 99, axis=(1, 2), keepdims=True), 1)
        if cls is SmoothGrad:
            heat = heat / heat.max(axis=(1, 2), keepdims=True)
        found = cls(exact=True).explain((X, None), model, index)
        assert np.abs(found - grid_display(np.rint(255 * heat)).astype(int)).max() <= 4, cls


@pytest.mark.parametrize("cls", EXPLAINERS)
def test_departure_is_told_once_and_names_the_way_out(cls, monkeypatch, recwarn):
    monkeypatch.setattr(departures, "_told", set())
    recwarn.clear()
    model = models.convolutional(separate=True)
    x = models.images(1)
    cls(exact=True).explain((x, None), model, 0)
    assert [w for w in recwarn if "as tf-explain does" in str(w.message)] == []
    for _ in range(2):
        cls().explain((x, None), model, 0)
    (told,) = [w for w in recwarn if "as tf-explain does" in str(w.message)]
    assert f"{cls.__name__}(exact=True)" in str(told.message)
    assert issubclass(told.category, tfxai.TfxaiWarning)


@pytest.mark.parametrize("cls", EXPLAINERS)
def test_grid_is_saved_as_it_is(cls, tmp_path):
    grid = np.arange(16, dtype=np.uint8).reshape(4, 4)
    cls().save(grid, tmp_path / "a", "grid.png")
    with Image.open(tmp_path / "a/grid.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grid)


@pytest.mark.parametrize("cls", EXPLAINERS)
def test_images_without_a_pair_are_refused(cls):
    with pytest.raises(tfxai.errors.InvalidInputError, match=r"Pass \(images, None\)"):
        cls().explain(X, models.linear(), 0)  # two images, no pair


def test_sequential_and_subclassed_models_are_explained():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.of = models.linear()

        def call(self, inputs):
            return 2.0 * self.of(inputs)

    own = Own()
    own(X)
    values = VanillaGradients.compute_gradients(X, own, 0)
    expected = [2 * models.slow_linear(one)[1][0] for one in X]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    chain = keras.Sequential(
        [keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(2),
         keras.layers.Softmax()]
    )  # fmt: skip
    score_model = VanillaGradients().get_score_model(chain)
    values = VanillaGradients.compute_gradients(X, score_model, 1)
    kernel = chain.layers[1].get_weights()[0][:, 1].reshape(2, 2, 1)
    np.testing.assert_allclose(values, [kernel, kernel], rtol=1e-6)
