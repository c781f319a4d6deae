"""What stands in a config is judged by its place: only what Keras offers there may be there."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

import tfxai
from tests.inspection.attacks import call, found, members, obj, zipped
from tests.inspection.honest import save
from tfxai.errors import UnsafeModelError
from tfxai.inspection import scan
from tfxai.inspection.config.config_scan import ConfigScan
from tfxai.inspection.old_keras.configs import rewritten
from tfxai.inspection.report import Findings

MARK = "/tmp/tfxai-was-here"
SAVED_MODEL = call("keras.layers", "TFSMLayer")
FOREIGN = obj("keras.layers", "TFSMLayer", filepath=MARK)
PLOT = call("keras.utils", "plot_model")
NAMED = call("builtins", "relu")
DATA = "object out of place"
CODE, ACTIVATION, LAYER = "code in the file", "not an activation", "not a layer"
TENSOR = {"shape": [None, 4], "dtype": "float32", "keras_history": ["hidden", 0, 0]}
KERAS_TENSOR = {"class_name": "__keras_tensor__", "config": TENSOR}


def honest(path: Path) -> Path:
    x = inputs = keras.Input((5,), name="in")
    x = layers.Dense(4, name="hidden", kernel_initializer=keras.initializers.Constant(1.0))(x)
    x = layers.Lambda(keras.activations.relu, name="named")(x)
    x = layers.Activation("relu", name="act")(x)
    x = layers.Rescaling(2.0, name="scale")(x)
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    inner.compile("adam", "mse")
    return save(keras.Model(inputs, layers.Dense(2, name="out")(inner(x))), path)


def option(layer: str, **options: Any) -> Any:
    return lambda config: found(config, layer)["config"].update(copy.deepcopy(options))


def entry(layer: str, **parts: Any) -> Any:
    return lambda config: found(config, layer).update(copy.deepcopy(parts))


def called_on(layer: str, *given: Any, **named: Any) -> Any:
    return entry(layer, inbound_nodes=[{"args": list(given), "kwargs": named}])


def unnamed(layer: str, name: str, **config: Any) -> Any:
    """An entry without a module, which Keras looks up among its layers and beside them."""

    def change(whole: Any) -> None:
        node = found(whole, layer)
        for key in ("module", "registered_name", "build_config"):
            node.pop(key, None)
        node.update(class_name=name, config={"name": layer, **config})

    return change


def both(*changes: Any) -> Any:
    return lambda config: [change(config) for change in changes]


def of(role: str, kind: str, module: str = "keras.layers", **config: Any) -> Any:
    return option("hidden", **{role: {**obj(module, kind), "config": config}})


KERNEL = "kernel_initializer"
# Name: the change, and what is found.
PLACES = {
    # A function slot takes the functions of that slot.
    "layer_class_as_function": (
        both(option("act", activation=SAVED_MODEL), called_on("act", MARK)), ACTIVATION),
    "layer_class_as_function_on_a_path": (
        both(option("act", activation=SAVED_MODEL),
             entry("act", inbound_nodes=[{"args": [], "kwargs": {"inputs": MARK}}])), ACTIVATION),
    "honest_layer_class_as_function": (
        option("act", activation=call("keras.layers", "Dense")), ACTIVATION),
    "operation_as_function": (
        both(option("act", activation=call("keras.ops", "ones")),
             called_on("act", [20000, 20000])), ACTIVATION),
    "harmless_operation_as_function": (
        option("act", activation=call("keras.ops", "relu")), ACTIVATION),
    "activation_from_another_module": (
        option("act", activation=call("keras.utils", "relu")), ACTIVATION),
    "loss_as_activation": (
        option("act", activation=call("builtins", "mean_squared_error")), ACTIVATION),
    "deserializer_as_activation": (
        option("act", activation=call("builtins", "deserialize")), ACTIVATION),
    "getter_as_initializer": (
        option("hidden", kernel_initializer=call("keras.initializers", "get")),
        "not an initializer"),
    "activation_as_initializer": (
        option("hidden", kernel_initializer=call("builtins", "relu")), "not an initializer"),
    "activation_as_regularizer": (
        option("hidden", kernel_regularizer=call("builtins", "relu")), "not a regularizer"),
    "deserializer_by_name_alone": (option("act", activation="deserialize"), ACTIVATION),
    "layer_by_name_alone": (option("act", activation="TFSMLayer"), ACTIVATION),
    "dotted_name": (
        option("act", activation=call("builtins", "schedules.CosineDecay")), ACTIVATION),
    # An object slot takes the classes of that slot.
    "model_as_activation": (of("activation", "Sequential", "keras", layers=[]), ACTIVATION),
    "policy_as_initializer": (of(KERNEL, "DTypePolicy", "keras", name="float32"),
                              "not an initializer"),
    "optimizer_as_constraint": (
        of("kernel_constraint", "Adam", "keras.optimizers"), "not a constraint"),
    "layer_as_policy": (of("dtype", "Dense", units=3), "not a dtype policy"),
    "initializer_as_layer": (
        entry("hidden", class_name="Zeros", module="keras.initializers"), LAYER),
    "class_of_a_later_keras": (
        entry("hidden", class_name="Shiny", module="keras.layers"), "unknown class"),
    "function_as_class": (of("activation", "plot_model", "keras.utils"), ACTIVATION),
    "saved_model_as_activation": (of("activation", "TFSMLayer", filepath=MARK), CODE),
    "operation_that_calls": (
        entry("act", class_name="Map", module="keras.src.ops.core"), "unknown class"),
    # Whatever was found before, the rest is walked.
    "in_the_arguments_of_a_named_lambda": (option("named", arguments={"k": FOREIGN}), CODE),
    "plot_in_the_arguments_of_a_named_lambda": (option("named", arguments={"k": PLOT}), DATA),
    "under_vocabulary_in_arguments": (
        option("named", arguments={"vocabulary": [FOREIGN]}), CODE),
    "under_activation_in_arguments": (
        option("named", arguments={"activation": obj("keras.layers", "Dense", units=1)}), DATA),
    "in_the_calls_of_a_named_lambda": (called_on("named", KERAS_TENSOR, k=FOREIGN), CODE),
    "plot_in_the_calls_of_a_named_lambda": (called_on("named", KERAS_TENSOR, k=PLOT), DATA),
    "in_the_build_of_a_named_lambda": (entry("named", build_config={"x": FOREIGN}), CODE),
    "in_an_unknown_part": (entry("named", extra={"x": [FOREIGN]}), CODE),
    "behind_code": (
        both(option("named", function={"class_name": "__lambda__", "config": {}}),
             option("named", arguments={"x": PLOT})), "not a part of a model"),
    "inside_a_named_function": (
        option("named", function={**NAMED, "extra": FOREIGN}), CODE),
    "lambda_with_another_kind_of_function": (
        option("named", function=call("builtins", "Adam")), "not a function"),
    "lambda_with_a_layer_as_function": (
        option("named", function=call("keras.layers", "TFSMLayer")), "not a function"),
    "shape_function_of_a_lambda": (option("named", output_shape=PLOT), "not a function"),
    "mask_function_of_a_lambda": (option("named", mask=PLOT), "not a function"),
    # Data is data.
    "object_as_scale": (option("scale", scale=obj("keras.layers", "Dense", units=1)), DATA),
    "function_as_offset": (option("scale", offset=NAMED), DATA),
    "object_as_constant": (
        of(KERNEL, "Constant", "keras.initializers",
           value=obj("keras.layers", "Dense", units=10**9)), DATA),
    "object_in_a_tensor": (
        option("scale", scale={"class_name": "__tensor__",
                               "config": {"value": [FOREIGN], "dtype": "float32"}}), CODE),
    "object_beside_a_token": (
        option("scale", scale={"class_name": "__bytes__", "config": {"value": "a"},
                               "extra": FOREIGN}), CODE),
    "object_in_a_slice": (
        called_on("act", KERAS_TENSOR, {"class_name": "__slice__", "config": {
            "start": FOREIGN, "stop": None, "step": None}}), CODE),
    "type_spec_of_keras": (
        option("scale", scale={"class_name": "__typespec__", "spec_name": "Dense",
                               "module": "keras.layers", "registered_name": None,
                               "config": []}), DATA),
    "custom_object_in_data": (option("scale", scale=obj(None, "Mine")), DATA),
    "object_as_units": (option("out", units=obj("keras.layers", "Dense", units=1)), DATA),
    # Calls.
    "call_on_numbers": (called_on("act", [20000, 20000]), "call without a tensor"),
    "call_on_nothing": (entry("act", inbound_nodes=[{}]), "call without a tensor"),
    "call_on_an_array": (
        called_on("act", {"class_name": "__tensor__",
                          "config": {"value": 1.0, "dtype": "float32"}}),
        "call without a tensor"),
    "call_with_a_function": (called_on("act", KERAS_TENSOR, fn=NAMED), DATA),
    # Names that Keras finds beside its layers, where an entry has no module.
    "deserializer_without_a_module": (unnamed("act", "deserialize", config=FOREIGN), LAYER),
    "export_without_a_module": (unnamed("act", "keras_export", path="x"), LAYER),
    "input_without_a_module": (unnamed("act", "Input", shape=[10**9]), LAYER),
    "saved_model_without_a_module": (unnamed("act", "TFSMLayer", filepath=MARK), CODE),
    "module_that_is_no_text": (entry("act", module=["keras.layers"]), "no class"),
    "class_that_is_no_text": (entry("act", class_name=["Dense"]), "no class"),
    "layer_of_keras_2_from_elsewhere": (
        entry("act", class_name="Merge", module="subprocess"), "module outside Keras"),
    "operation_of_keras_2_from_elsewhere": (
        entry("act", class_name="TFOpLambda", module="os.path"), "module outside Keras"),
    "one_identity_of_two_objects": (
        both(entry("act", shared_object_id=7), entry("scale", shared_object_id=7)),
        "one identity of two objects"),
    "identity_that_is_a_list": (entry("act", shared_object_id=[7]), "no identity"),
    "path_in_a_tokenizer": (
        entry("act", class_name="BertTokenizer", module="keras_hub.tokenizers",
              config={"name": "act", "proto": "https://example.org/x"}), "file outside"),
}  # fmt: skip
VERSIONS = {"keras_3": "3.15.1", "keras_2": "2.15.0", "not_said": None}


def attacked(path: Path, change: Any, version: str | None) -> Path:
    content = members(path)
    config = json.loads(content["config.json"])
    change(config)
    metadata = json.loads(content["metadata.json"]) | {"keras_version": version}
    if version is None:
        del metadata["keras_version"]
    made = {"config.json": config, "metadata.json": metadata}
    changed = path.with_name("changed.keras")
    zipped(changed, {**content, **{name: json.dumps(one).encode() for name, one in made.items()}})
    return changed


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return honest(tmp_path_factory.mktemp("places") / "honest.keras")


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_the_model_that_is_attacked_is_let_through(model, version, tmp_path):
    path = attacked(model, lambda config: None, version)
    assert scan(path).level == "ok", scan(path).findings
    assert tfxai.load(path).model.count_params() > 0


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize("name", PLACES)
def test_what_does_not_belong_there_is_refused(model, name, version, monkeypatch):
    change, what = PLACES[name]
    path = attacked(model, change, version)
    report = scan(path)
    assert what in {one.what for one in report.at("refuse")}, report.findings

    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("Keras got to see it")

    for function in ("load_model", "deserialize_keras_object"):
        monkeypatch.setattr(keras.saving, function, fail)
    with pytest.raises(UnsafeModelError):
        tfxai.load(path)


def test_a_module_is_the_one_in_which_keras_keeps_the_class(model):
    change = of("activation", "ReLU", "keras.utils")
    report = scan(attacked(model, change, "3.15.1"))
    assert {one.what for one in report.at("refuse")} == {ACTIVATION}
    tests = entry("act", module="keras.src.layers.core.dense_test")
    assert {one.what for one in scan(attacked(model, tests, "3.15.1")).at("refuse")} == {LAYER}
    old = attacked(model, change, "2.15.0")  # earlier versions kept it elsewhere
    assert scan(old).level == "ok"
    assert type(tfxai.load(old).model.get_layer("hidden").activation) is layers.ReLU


def test_what_a_model_inside_was_compiled_with_is_not_loaded(model, monkeypatch):
    def fail(*_: Any, **__: Any) -> None:
        pytest.fail("a model inside was compiled")

    monkeypatch.setattr(keras.Model, "compile_from_config", fail)
    assert tfxai.load(model).model.get_layer("inner").count_params() == 20


def test_hostile_training_of_a_model_inside_is_refused(model):
    change = entry("inner", compile_config={"optimizer": obj("subprocess", "Popen", args=[MARK])})
    report = scan(attacked(model, change, "3.15.1"))
    assert [one.what for one in report.at("refuse")] == ["module outside Keras"]


def test_names_that_nobody_supplies_never_reach_keras(model, monkeypatch):
    monkeypatch.setattr(keras.saving, "load_model", lambda *a, **k: pytest.fail("it was loaded"))
    path = attacked(model, unnamed("act", "Mine"), "3.15.1")
    with pytest.raises(tfxai.errors.ModelFileError, match=r"it uses 'Mine', which is not Keras'"):
        tfxai.load(path)


SUPPLIED = "mine>layer"
LAUNDERED = {
    "function": option("act", activation={**SAVED_MODEL, "registered_name": SUPPLIED}),
    "operation": option(
        "act", activation={**call("keras.ops", "ones"), "registered_name": SUPPLIED}
    ),
    "entry_without_module": both(
        unnamed("act", "TFSMLayer", filepath=MARK), entry("act", registered_name=SUPPLIED)
    ),
    "deserializer_without_module": both(
        unnamed("act", "deserialize", config=FOREIGN), entry("act", registered_name=SUPPLIED)
    ),
    "class": entry("act", class_name="layer", registered_name=None, module="subprocess"),
}


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
@pytest.mark.parametrize("name", LAUNDERED)
def test_nothing_hides_behind_the_name_of_what_is_supplied(model, name, version):
    path = attacked(model, LAUNDERED[name], version)
    for supplied in ({}, {SUPPLIED: layers.Dense}, {"layer": layers.Dense}):
        assert scan(path, custom_objects=supplied).level == "refuse"
        with pytest.raises(UnsafeModelError):
            tfxai.load(path, custom_objects=supplied)


def test_what_is_supplied_takes_the_place_of_a_foreign_module(model):
    change = entry("act", class_name="Same", registered_name="mine>Same", module="mine.layers")
    path = attacked(model, change, "3.15.1")
    assert scan(path).level == "warn"
    for supplied in ({"Same": layers.Activation}, {"mine>Same": layers.Activation}):
        assert scan(path, custom_objects=supplied).level == "ok"
        loaded = tfxai.load(path, custom_objects=supplied).model
        assert type(loaded.get_layer("act")) is layers.Activation


PAYLOADS = {
    "code": {"class_name": "__lambda__", "config": {"code": "4wE="}, "module": "builtins"},
    "saved_model": FOREIGN,
    "function": PLOT,
    "layer_class_as_function": SAVED_MODEL,
    "class_of_python": obj("subprocess", "Popen", args=[MARK]),
    "list": [[FOREIGN]],
    "in_a_dict": {"x": {"vocabulary": [FOREIGN]}},
}
NOT_LOADED = {"compile_config"}  # the training of a model
NAMES = {"registered_name", "name"}  # of an entry: Keras looks them up, and builds nothing of them


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a config that Keras loads."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if key in NOT_LOADED or (key in NAMES and "class_name" in value):
            continue
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


@pytest.mark.parametrize(("version", "hdf5"), [(3, False), (3, True), (2, True)])
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_no_place_in_a_config_is_left_out(model, payload, version, hdf5):
    whole = json.loads(members(model)["config.json"])
    for path in places(whole):
        config = copy.deepcopy(whole)
        holder = config
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = payload
        findings = Findings()
        made = rewritten(config, version, hdf5=hdf5, supplied=())
        ConfigScan(findings, (), legacy=hdf5).model(made.config, "")
        is_left = json.dumps(payload) in json.dumps(made.config)
        assert findings.refused or not is_left, path
