"""Grad-CAM, occlusion and activations as tf-explain has them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image

import tfxai
from tests import builders
from tests.compat import models
from tfxai.compat import departures
from tfxai.compat.tf_explain.core import ExtractActivations, GradCAM, OcclusionSensitivity
from tfxai.compat.tf_explain.utils.display import grid_display, heatmap_display
from tfxai.errors import InvalidInputError, LayerNotFoundError

X = models.images()


def slow_gradients(image, index, *, guided):
    """Feature maps and the probability's gradient by them, (4, 4, 2) both."""
    maps, p = models.slow_convolutional(image)
    by_mean = p[index] * (models.WEIGHTS[index] - p @ models.WEIGHTS)
    gradients = np.broadcast_to(by_mean / 16, maps.shape)
    return maps, np.where((maps > 0) & (gradients > 0), gradients, 0) if guided else gradients


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("separate", [True, False])
def test_gradients_are_the_probabilitys_and_guided_ones_are_cut(guided, separate):
    model = models.convolutional(separate=separate)
    outputs, gradients = GradCAM.get_gradients_and_filters(model, X, "conv", 1, guided)
    slow = [slow_gradients(one, 1, guided=guided) for one in X]
    np.testing.assert_allclose(outputs, [maps for maps, _ in slow], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(gradients, [g for _, g in slow], rtol=1e-4, atol=1e-7)


def test_map_is_the_sum_of_filters_by_their_mean_gradients_without_relu():
    rng = np.random.default_rng(0)
    outputs, gradients = rng.integers(-2, 3, (2, 3, 3, 2)), rng.normal(size=(2, 3, 3, 2))
    expected = np.einsum("bhwk,bk->bhw", outputs, gradients.mean(axis=(1, 2)))
    found = GradCAM.generate_ponderated_output(outputs, gradients)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.min(expected) < 0
    np.testing.assert_allclose(
        GradCAM.ponderate_output(outputs[0], gradients[0]), expected[0], rtol=1e-12
    )


@pytest.mark.parametrize("guided", [True, False])
def test_grid_lays_the_maps_over_the_images(guided):
    model = models.convolutional()
    slow = [slow_gradients(one, 2, guided=guided) for one in X]
    shown = [
        heatmap_display(np.einsum("hwk,k->hw", maps, g.mean(axis=(0, 1))), one, 2, 0.5)
        for one, (maps, g) in zip(X, slow, strict=True)
    ]
    grid = GradCAM().explain((X, None), model, 2, "conv", guided, 2, 0.5)
    assert (grid.shape, grid.dtype) == ((8, 8, 3), np.uint8)
    difference = np.abs(grid.astype(int) - grid_display(shown))
    assert np.mean(difference > 4) < 0.02  # a neighbouring colour where a number is rounded


def test_exact_grid_is_the_papers_map():
    model = models.convolutional()
    maps = tfxai.GradCAM(layer="conv")(model, X, 2).values
    shown = [heatmap_display(one, image) for one, image in zip(maps, X, strict=True)]
    for layer in ("conv", None):
        grid = GradCAM(exact=True).explain((X, None), model, 2, layer)
        np.testing.assert_array_equal(grid, grid_display(shown))


def test_class_that_is_not_named_is_the_predicted_one_of_each_image():
    model, x = models.convolutional(), np.stack([X[0], np.full(models.SHAPE, 3.0)])
    predicted = [models.slow_convolutional(one)[1].argmax() for one in x]
    assert predicted == [1, 0]
    _, found = GradCAM.get_gradients_and_filters(model, x, "conv", None, False)
    expected = [slow_gradients(*one, guided=False)[1] for one in zip(x, predicted, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)


def chain(*layers):
    return keras.Sequential([keras.Input((8, 8, 1)), *layers, keras.layers.Flatten()])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (lambda: chain(keras.layers.Conv2D(2, 3, name="a"),
                       keras.layers.MaxPooling2D(name="b")), "b"),
        (lambda: chain(keras.layers.MaxPooling2D(name="a"),
                       keras.layers.Conv2D(2, 3, name="b")), "b"),
        (lambda: chain(keras.layers.Conv2D(2, 3, name="a"),
                       keras.layers.ReLU(name="relu")), "relu"),
    ],
    ids=["pooling", "convolution", "activation"],
)  # fmt: skip
def test_layer_that_is_not_named_is_the_last_with_four_axes(model, expected):
    assert GradCAM.infer_grad_cam_target_layer(model()) == expected


def test_model_without_feature_maps_is_refused():
    table = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="Pass layer_name, a path such as"):
        GradCAM.infer_grad_cam_target_layer(table)
    with pytest.raises(LayerNotFoundError, match="'con'"):
        GradCAM().explain((X, None), models.convolutional(), 0, "con")


def test_layer_inside_of_a_nested_model_is_explained_and_drawn():
    inner = models.convolutional()
    inputs = keras.Input(models.SHAPE)
    outer = keras.Model(inputs, inner(inputs))
    path = f"{inner.name}/conv"
    _, found = GradCAM.get_gradients_and_filters(outer, X, path, 1, False)
    expected = [slow_gradients(one, 1, guided=False)[1] for one in X]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-7)
    grid = ExtractActivations().explain((X, None), outer, path)
    np.testing.assert_array_equal(grid, ExtractActivations().explain((X, None), inner, "conv"))
    with pytest.raises(LayerNotFoundError, match="'nothing/conv'"):
        ExtractActivations().explain((X, None), outer, "nothing/conv")


class MeanOfColumns:
    """Predicts the mean of the first column, and of the last."""

    def predict(self, images, batch_size=None):
        self.batch_size = batch_size
        return np.stack([images[:, :, 0].mean(axis=(1, 2)), images[:, :, -1].mean(axis=(1, 2))], 1)


@pytest.mark.parametrize("shape", [(4, 4, 1), (4, 6, 1), (5, 3, 2)])
def test_sensitivity_is_what_is_left_of_one_behind_each_patch(shape):
    model, image = MeanOfColumns(), np.zeros(shape)
    found = OcclusionSensitivity(batch_size=3).get_sensitivity_map(model, image, 0, 2)
    assert model.batch_size == 3
    assert found.shape == shape[:2]
    last = shape[0] % 2 or 2  # rows of the last patch, which ends with the image
    np.testing.assert_allclose(found[0, 0], 1 - 127.5 * 2 / shape[0])
    np.testing.assert_allclose(found[-1, 0], 1 - 127.5 * last / shape[0])
    np.testing.assert_allclose(found[:, -1], 1)  # there the first column is not covered


def test_each_patch_is_where_its_number_is():
    image = np.arange(16.0).reshape(4, 4, 1)

    class Sum:
        def predict(self, images, batch_size=None):
            return images.sum(axis=(1, 2))

    def left(row, column):
        covered = image.copy()
        covered[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = 127.5
        return 1 - covered.sum()

    corners = [[left(0, 0), left(0, 1)], [left(1, 0), left(1, 1)]]
    found = OcclusionSensitivity().get_sensitivity_map(Sum(), image, 0, 2)
    np.testing.assert_allclose(found[[[0], [3]], [0, 3]], corners)
    (a, b), _ = corners  # the second pixel lies a quarter of the way to the next centre
    np.testing.assert_allclose(found[0, 1], a + (b - a) / 4)


def test_patches_and_classes_out_of_range_are_refused():
    explainer = OcclusionSensitivity()
    with pytest.raises(InvalidInputError, match="patch_size=0"):
        explainer.get_sensitivity_map(MeanOfColumns(), np.zeros((2, 2, 1)), 0, 0)
    for index in (2, -1):
        with pytest.raises(InvalidInputError, match=rf"class_index={index} .* 2 outputs"):
            explainer.get_sensitivity_map(MeanOfColumns(), np.zeros((2, 2, 1)), index, 1)


def test_grid_of_occlusion_lays_the_maps_over_the_images():
    model, explainer = models.convolutional(), OcclusionSensitivity()
    maps = [explainer.get_sensitivity_map(model, one, 1, 2) for one in X]
    grid = explainer.explain((X, None), model, 1, 2)
    shown = [heatmap_display(one, image) for one, image in zip(maps, X, strict=True)]
    np.testing.assert_array_equal(grid, grid_display(shown))


@pytest.mark.parametrize(
    ("low", "high", "grey"), [(0.0, 1.0, 0.5), (-1.0, 1.0, 0.0), (0.0, 255.0, 127.5)]
)
def test_exact_occlusion_shows_the_drop_under_the_middle_of_the_range(low, high, grey):
    model = models.convolutional()
    images = np.random.default_rng(0).uniform(low, high, (2, *models.SHAPE)).astype("float32")
    maps = tfxai.Occlusion(window=2, stride=2, baseline=grey)(model, images, 1).values
    grid = OcclusionSensitivity(exact=True).explain((images, None), model, 1, 2)
    shown = [heatmap_display(one, image) for one, image in zip(maps, images, strict=True)]
    np.testing.assert_array_equal(grid, grid_display(shown))


@pytest.mark.parametrize("name", ["conv", ["conv"]])
def test_activations_run_from_the_least_to_the_greatest(name):
    maps = np.array([models.slow_convolutional(one)[0] for one in X])
    each = np.moveaxis(maps, -1, 1).reshape(6, 4, 4)  # image by image, channel by channel
    scaled = (each - min(each.min(), 0)) / (each.max() - min(each.min(), 0))
    grid = ExtractActivations().explain((X, None), models.convolutional(), name)
    assert (grid.shape, grid.dtype) == ((12, 12), np.uint8)
    assert np.abs(grid - grid_display(scaled * 255)).max() < 1.01


def test_images_in_a_list_are_a_batch():
    model, images = models.convolutional(), models.images(3)
    expected = ExtractActivations().explain((images, None), model, "conv")
    np.testing.assert_array_equal(
        ExtractActivations().explain((list(images), None), model, "conv"), expected
    )
    one = ExtractActivations().explain(([images[0]], None), model, ["conv"])
    alone = ExtractActivations().explain((images[:1], None), model, ["conv"])
    np.testing.assert_array_equal(one, alone)
    with pytest.raises(InvalidInputError, match=r"shapes \(2, 4, 1\), \(4, 4, 1\), and one shape"):
        ExtractActivations().explain(([images[0], images[1][:2]], None), model, "conv")


def test_graph_of_activations_ends_in_the_layer():
    model = models.convolutional()
    graph = ExtractActivations.generate_activations_graph(model, ["conv"])
    assert graph.layers[-1].name == "conv"
    np.testing.assert_allclose(graph(X)[0], models.slow_convolutional(X[0])[0], atol=1e-6)
    for names in ([], ["conv", "scores"]):
        with pytest.raises(InvalidInputError, match="Call once for each layer"):
            ExtractActivations.generate_activations_graph(model, names)
    with pytest.raises(InvalidInputError, match="convolution or a pooling layer"):
        ExtractActivations().explain((X, None), model, "scores")


def test_activations_that_are_all_alike_are_black():
    model = models.convolutional()
    dark = np.full((1, *models.SHAPE), -1.0)
    maps = models.slow_convolutional(dark[0])[0]
    assert maps[..., 0].max() == 0
    grid = ExtractActivations().explain((dark, None), model, "conv")
    np.testing.assert_array_equal(grid[:, :4], 0)
    np.testing.assert_array_equal(grid[:4, 4:], 255)


def test_subclassed_models_are_explained_and_drawn():
    model = builders.subclassed()
    x = builders.images(2)
    path = next(layer.name for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    outputs, gradients = GradCAM.get_gradients_and_filters(model, x, path, 0, False)
    cam = np.einsum("bhwk,bk->bhw", outputs, np.mean(gradients, axis=(1, 2)))
    ours = tfxai.GradCAM(layer=path)(model, x, 0, score="output").values
    np.testing.assert_allclose(np.maximum(cam, 0), ours, rtol=1e-5, atol=1e-7)
    grid = ExtractActivations().explain((x, None), model, [path])
    assert grid.dtype == np.uint8
    assert grid.max() == 255


@pytest.mark.parametrize("cls", [GradCAM, OcclusionSensitivity])
def test_departure_is_told_once_and_names_the_way_out(cls, monkeypatch, recwarn):
    monkeypatch.setattr(departures, "_told", set())
    model, more = models.convolutional(), {"patch_size": 2} if cls is OcclusionSensitivity else {}
    recwarn.clear()
    for exact in (True, False, False):
        cls(exact=exact).explain((X[:1], None), model, 0, **more)
    (told,) = [w for w in recwarn if "as tf-explain does" in str(w.message)]
    assert f"{cls.__name__}(exact=True)" in str(told.message)


@pytest.mark.parametrize("cls", [GradCAM, OcclusionSensitivity, ExtractActivations])
def test_grid_is_saved_as_it_is(cls, tmp_path):
    grid = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    grid = grid[..., 0] if cls is ExtractActivations else grid
    cls().save(grid, tmp_path / "a", "grid.png")
    with Image.open(tmp_path / "a/grid.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), grid)
