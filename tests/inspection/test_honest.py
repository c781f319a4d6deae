"""No false alarm on models that Keras saved, and what is said of them is what Keras says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import tfxai
from tests.inspection import honest
from tests.inspection.attacks import members
from tests.inspection.honest import save
from tfxai.inspection import inspect, scan

SMALL = {
    "victim": honest.victim,
    "many_kinds": honest.of_many_kinds,
    "text": honest.of_text,
    "sequential": honest.sequential,
    "mixed_precision": honest.in_mixed_precision,
    "vocabulary": honest.with_vocabulary,
    "custom": honest.with_custom_layer,
}
LARGE = ["MobileNetV3Small", "EfficientNetB0", "ResNet50"]
CUSTOM = {"custom"}
ENDINGS = [".keras", ".h5"]
NOT_IN_H5 = {"vocabulary"}  # Keras cannot save a vocabulary there


def layers_of(model: keras.Model, above: str = "") -> Iterator[tuple[str, keras.Layer]]:
    """Every layer by its path."""
    for layer in getattr(model, "_operations", model.layers):
        path = f"{above}{layer.name}"
        yield path, layer
        if isinstance(layer, keras.Model):
            yield from layers_of(layer, f"{path}/")


def shape_of(layer: keras.Layer):
    """The output's shape where a layer is called once and has one output."""
    if len(layer._inbound_nodes) != 1 or len(layer._inbound_nodes[0].output_tensors) != 1:
        return None
    return tuple(layer._inbound_nodes[0].output_tensors[0].shape)


def assert_as_keras_says(model: keras.Model, path: Path) -> None:
    found = inspect(path)
    json.dumps(found.to_dict(), allow_nan=False)
    said = {layer.path: layer for layer in found.layers}
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert found.parameters.total == model.count_params()
    if found.parameters.trainable is not None:
        assert found.parameters.trainable == trainable
    checked = 0
    for name, layer in layers_of(model):
        if name not in said:
            assert isinstance(layer, keras.layers.InputLayer)  # of a Sequential in an .h5 file
            continue
        assert said[name].kind.rpartition(">")[2] == type(layer).__name__
        expected = shape_of(layer)
        if expected is not None and "/" not in name:
            assert said[name].shape == expected, name
            checked += 1
        if isinstance(layer, keras.Layer):
            assert said[name].parameters == layer.count_params(), name
    assert checked >= len(model.layers) - 1
    inputs = [tuple(one.shape) for one in model.inputs]
    assert [one.shape for one in found.inputs] == inputs
    assert [one.shape for one in found.outputs] == [tuple(one.shape) for one in model.outputs]


def assert_let_through(path: Path, custom: bool) -> None:
    report = scan(path)
    assert report.level == ("warn" if custom else "ok"), report.findings
    if custom:
        assert {one.what for one in report.at("warn")} == {"custom object"}
        assert scan(path, custom_objects={"Gate": None, "doubled": None}).level == "ok"


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", SMALL)
def test_a_model_is_let_through_and_described_as_keras_describes_it(tmp_path, name, ending):
    if ending == ".h5" and name in NOT_IN_H5:
        pytest.skip("Keras cannot save a vocabulary in an .h5 file")
    keras.utils.set_random_seed(2)
    model = SMALL[name]()
    path = save(model, tmp_path / f"{name}{ending}")
    assert_let_through(path, name in CUSTOM)
    assert_as_keras_says(model, path)
    own = {"mine>Gate": honest.Gate, "mine>doubled": honest.doubled} if name in CUSTOM else {}
    loaded = tfxai.load(path, custom_objects=own).model
    for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_an_application_is_let_through_and_described_as_keras_describes_it(tmp_path, name):
    model = honest.application(name)
    for ending in ENDINGS:
        path = save(model, tmp_path / f"{name}{ending}")
        assert_let_through(path, custom=False)
        assert_as_keras_says(model, path)


def test_a_shared_model_is_let_through(test_data):
    path = test_data / "models" / "efficientnet_lite0.keras"
    assert scan(path).level == "ok", scan(path).findings
    found = inspect(path)
    assert found.final_activation == ("softmax",)
    assert found.parameters.total == pytest.approx(4.7e6, rel=0.02)


def test_a_preset_of_keras_hub_needs_its_package_and_nothing_else(test_data):
    report = scan(test_data / "models" / "minilm_sst2")
    assert report.level == "warn", report.findings
    assert {one.what for one in report.at("warn")} <= {"another package", "custom object"}


def test_the_other_configs_of_a_preset_are_looked_at_too(tmp_path):
    path = save(honest.in_mixed_precision(), tmp_path / "m.keras")
    folder = tmp_path / "preset"
    folder.mkdir()
    for name, data in members(path).items():
        (folder / name).write_bytes(data)
    (folder / "task.json").write_text("{}")
    assert scan(folder).level == "ok", scan(folder).findings
    code = {"class_name": "Lambda", "module": "keras.layers", "config": {"function": "4wE="}}
    (folder / "task.json").write_text(json.dumps({"config": {"preprocessor": code}}))
    assert [one.what for one in scan(folder).at("refuse")] == ["code in the file"]


OLD = {
    "class_name": "Functional",
    "config": {
        "name": "model",
        "layers": [
            {
                "class_name": "InputLayer",
                "config": {"batch_input_shape": [None, 8, 8, 3], "dtype": "float32", "name": "in"},
                "name": "in",
                "inbound_nodes": [],
            },
            {
                "class_name": "Conv2D",
                "config": {
                    "name": "conv",
                    "trainable": True,
                    "dtype": "float32",
                    "filters": 2,
                    "kernel_size": [3, 3],
                    "strides": [2, 2],
                    "padding": "same",
                    "activation": "relu",
                    "kernel_initializer": {"class_name": "GlorotUniform", "config": {}},
                },
                "name": "conv",
                "inbound_nodes": [[["in", 0, 0, {}]]],
            },
            {
                "class_name": "BatchNormalization",
                "config": {"name": "bn", "trainable": True, "dtype": "float32", "axis": [3]},
                "name": "bn",
                "inbound_nodes": [[["conv", 0, 0, {}]]],
            },
            {
                "class_name": "Add",
                "config": {"name": "add", "dtype": "float32"},
                "name": "add",
                "inbound_nodes": [[["conv", 0, 0, {}], ["bn", 0, 0, {}]]],
            },
        ],
        "input_layers": [["in", 0, 0]],
        "output_layers": [["add", 0, 0]],
    },
}  # fmt: skip


def test_a_file_of_keras_2_is_let_through_and_described(tmp_path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["keras_version"] = b"2.15.0"
        file.attrs["model_config"] = json.dumps(OLD).encode()
        file["model_weights/conv/conv/kernel:0"] = np.ones((3, 3, 3, 2), "f4")
        file["model_weights/conv/conv/bias:0"] = np.ones(2, "f4")
        for name in ("gamma", "beta", "moving_mean", "moving_variance"):
            file[f"model_weights/bn/bn/{name}:0"] = np.ones(2, "f4")
    assert_let_through(tmp_path / "old.h5", custom=False)
    found = inspect(tmp_path / "old.h5")
    assert found.keras_version == "2.15.0"
    shapes = {layer.path: layer.shape for layer in found.layers}
    assert shapes["add"] == shapes["bn"] == shapes["conv"] == (None, 4, 4, 2)
    assert (found.parameters.trainable, found.parameters.non_trainable) == (60, 4)


def test_what_is_not_known_is_not_guessed(tmp_path):
    path = save(honest.with_custom_layer(), tmp_path / "custom.keras")
    found = inspect(path)
    assert found.parameters.trainable is None  # Gate has a batch normalisation somewhere inside
    assert found.custom_objects == ("mine>doubled", "mine>Gate")
    model = keras.Sequential([keras.Input((4,)), honest.Gate(3)])
    found = inspect(save(model, tmp_path / "last.keras"))
    assert found.outputs[0].shape is None
    assert found.final_activation == (None,)


def test_what_the_model_is_for_is_listed(tmp_path):
    found = inspect(save(honest.of_many_kinds(), tmp_path / "m.keras"))
    assert found.preprocessing == ("scale", "z")
    assert found.final_activation == ("softmax", "sigmoid")
    assert ("backbone/norm", (13, 15)) in found.cam_layers or found.cam_layers
    assert not {layer.path: layer for layer in found.layers}["backbone/separable"].trainable
    found = inspect(save(honest.of_text(), tmp_path / "t.keras"))
    assert (found.attention, found.embeddings) == (("attention",), ("embedding",))
    assert (found.optimizer, found.loss) == ("RMSprop", "CategoricalCrossentropy")
    assert found.metrics == ("accuracy",)
