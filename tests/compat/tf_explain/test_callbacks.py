"""Callbacks of tf-explain: what TensorBoard gets after each epoch, by the weights of then."""

from __future__ import annotations

import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.compat import models
from tfxai.compat.tf_explain import callbacks
from tfxai.compat.tf_explain.core import (
    ExtractActivations,
    GradCAM,
    GradientsInputs,
    IntegratedGradients,
    OcclusionSensitivity,
    SmoothGrad,
    VanillaGradients,
)
from tfxai.errors import InvalidInputError, MissingExtraError, TfxaiError

TRAINED, Y = models.images(4), np.arange(4) % 3
X = TRAINED[:1]

CASES = {
    "VanillaGradients": ("VanillaGradients", VanillaGradients, {"class_index": 1}),
    "GradientsInputs": ("GradientsInputs", GradientsInputs, {"class_index": 1}),
    "SmoothGrad": ("SmoothGrad", SmoothGrad, {"class_index": 1, "num_samples": 2, "noise": 1e-9}),
    "IntegratedGradients": ("IntegratedGradients", IntegratedGradients,
                            {"class_index": 1, "n_steps": 3}),
    "GradCAM": ("Grad CAM", GradCAM, {"class_index": 1, "layer_name": "conv",
                                      "use_guided_grads": False}),
    "OcclusionSensitivity": ("Occlusion Sensitivity", OcclusionSensitivity,
                             {"class_index": 1, "patch_size": 2}),
    "ActivationsVisualization": ("Activations Visualization", ExtractActivations,
                                 {"layers_name": ["conv"]}),
}  # fmt: skip


def pictures(folder, tag):
    """The pictures of the one event file below a folder, by epoch."""
    (file,) = folder.rglob("events.out.tfevents.*")
    events = EventAccumulator(str(file), size_guidance={"tensors": 0})
    events.Reload()
    return {
        event.step: tf.io.decode_png(event.tensor_proto.string_val[2]).numpy()
        for event in events.Tensors(tag)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_each_epoch_writes_what_the_explainer_shows_by_the_weights_of_then(name, tmp_path):
    tag, explainer, options = CASES[name]
    model, weights = models.convolutional(), []
    model.compile("sgd", "sparse_categorical_crossentropy")
    others = [0.7 - one for one in model.get_weights()]
    keep = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.set_weights(others) if epoch else None,
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()),
    )
    watch = getattr(callbacks, f"{name}Callback")((X, None), output_dir=tmp_path, **options)
    model.fit(TRAINED, Y, epochs=2, verbose=0, callbacks=[keep, watch])
    assert len(list(tmp_path.iterdir())) == 1  # a folder of its own for each run
    seen = pictures(tmp_path, tag)
    assert sorted(seen) == [0, 1]
    for epoch, state in enumerate(weights):
        model.set_weights(state)
        grid = explainer().explain((X, None), model, **options)
        expected = grid if grid.ndim == 3 else grid[..., None]
        assert np.mean(seen[epoch] != expected) < 0.1, epoch  # noise of 1e-9 may turn a pixel
    assert (seen[0] != seen[1]).any()


@pytest.mark.parametrize("name", [name for name in CASES if name != "ActivationsVisualization"])
def test_exact_pictures_are_those_of_exact_explainers(name, tmp_path):
    tag, explainer, options = CASES[name]
    model = models.convolutional()
    make = getattr(callbacks, f"{name}Callback")
    watch = make((X, None), output_dir=tmp_path, exact=True, **options)
    watch.set_model(model)
    watch.on_epoch_end(5)
    grid = explainer(exact=True).explain((X, None), model, **options)
    expected = grid if grid.ndim == 3 else grid[..., None]
    assert np.abs(pictures(tmp_path, tag)[5].astype(int) - expected).max() <= 1


def test_folders_are_tf_explains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, (_, _, options) in CASES.items():
        getattr(callbacks, f"{name}Callback")((X, None), **options)
    assert sorted(path.name for path in (tmp_path / "logs").iterdir()) == [
        "activations_visualizations",
        "grad_cam",
        "gradients_inputs",
        "integrated_gradients",
        "occlusion_sensitivity",
        "smoothgrad",
        "vanilla_gradients",
    ]


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_explained_is_refused_before_training(name, tmp_path):
    make, options = getattr(callbacks, f"{name}Callback"), CASES[name][2]
    with pytest.raises(InvalidInputError, match=r"pair \(images, labels\)"):
        make(X, output_dir=tmp_path, **options)
    wrong = {"layers_name": "none"} if "layers_name" in options else {"class_index": 7}
    watch = make((X, None), output_dir=tmp_path, **options | wrong)
    model = models.convolutional()
    model.compile("sgd", "sparse_categorical_crossentropy")
    state, weights = np.random.get_state(), model.get_weights()  # noqa: NPY002
    with pytest.raises(TfxaiError, match=r"none|7"):
        model.fit(TRAINED, Y, verbose=0, callbacks=[watch])
    for one, other in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(state[1], np.random.get_state()[1])  # noqa: NPY002


def test_missing_tensorboard_is_told_with_its_install_line(tmp_path, monkeypatch):
    watch = callbacks.ActivationsVisualizationCallback((X, None), ["conv"], tmp_path)
    watch.set_model(models.convolutional())
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name)
    )

    def image(*args, **options):
        raise ImportError("no module named tensorboard")

    monkeypatch.setattr(tf.summary, "image", image)
    with pytest.raises(MissingExtraError, match=r"tfxai\[tensorboard\]"):
        watch.on_epoch_end(0)
