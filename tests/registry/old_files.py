"""Files as earlier versions of Keras wrote them, made from models of Keras 3."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras

from tests.builders import KERAS_SAVES

Config = dict[str, Any]
Change = Callable[[Config], Any]


def undressed(value: Any) -> Any:
    """What Keras did not write before 2.12: modules, policies, how layers were built."""
    if isinstance(value, list):
        return [undressed(one) for one in value]
    if not isinstance(value, dict):
        return value
    gone = ("module", "registered_name", "build_config", "optional", "quantization_config")
    made = {key: undressed(one) for key, one in value.items() if key not in gone}
    if isinstance(value.get("dtype"), dict):
        made["dtype"] = value["dtype"]["config"]["name"]
    if "batch_shape" in made:
        made["batch_input_shape"] = made.pop("batch_shape")
    return made


def save_h5(model: keras.Model, path: Path, version: str | None, *changes: Change) -> Path:
    """An `.h5` file of an earlier version; each change is made to the config or gives another."""
    whole = path.with_name("whole.h5")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        model.save(whole)
    whole.replace(path)
    with h5py.File(path, "r+") as file:
        config = undressed(json.loads(file.attrs["model_config"]))
        for change in changes:
            config = change(config) or config
        file.attrs["model_config"] = json.dumps(config)
        del file.attrs["keras_version"]
        if version is not None:
            file.attrs["keras_version"] = version
    return path


def save_archive(model: keras.Model, path: Path, version: str, *changes: Change) -> Path:
    """A `.keras` file of Keras 2.12 to 2.15."""
    whole = path.with_name("whole.keras")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KERAS_SAVES.split(":")[1], DeprecationWarning)
        model.save(whole)
    with zipfile.ZipFile(whole) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(content["config.json"])
    for layer in layers_in(config):
        options = layer["config"]
        if "batch_shape" in options:
            options["batch_input_shape"] = options.pop("batch_shape")
        if isinstance(options.get("dtype"), dict):
            options["dtype"] = options["dtype"]["config"]["name"]
    for change in changes:
        config = change(config) or config
    content["config.json"] = json.dumps(config).encode()
    content["metadata.json"] = json.dumps({"keras_version": version}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def layers_in(config: Any) -> list[Config]:
    """Every object with options in a config, whatever it lies in."""
    found, todo = [], [config]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if "class_name" in one and isinstance(one.get("config"), dict):
                found.append(one)
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return found


# Changes.


def headless(config: Config) -> None:
    """The first layer has the shape of the input (Keras 2.2.3 to 2.3, tf.keras 1 to 2.1)."""
    layers = config["config"]["layers"]
    shape = layers.pop(0)["config"]["batch_input_shape"]
    layers[0]["config"]["batch_input_shape"] = shape
    config["config"].pop("build_input_shape", None)


def listed(config: Config) -> None:
    """A Sequential whose config is the list of its layers (Keras up to 2.2.2)."""
    headless(config)
    config["config"] = config["config"]["layers"]


def typed(config: Config) -> None:
    """Initialisers with a dtype (tf.keras 1)."""
    for layer in layers_in(config):
        for key, value in layer["config"].items():
            if key.endswith("initializer") and isinstance(value, dict):
                value["config"]["dtype"] = "float32"


def sets(kinds: str, **options: Any) -> Change:
    """Options of every layer of these classes."""

    def change(config: Config) -> None:
        for layer in layers_in(config):
            if layer["class_name"] in kinds.split():
                layer["config"].update(options)

    return change


def drops(kind: str, key: str, **options: Any) -> Change:
    """Takes an option from every layer of a class, and gives it others."""

    def change(config: Config) -> None:
        for layer in layers_in(config):
            if layer["class_name"] == kind:
                layer["config"].pop(key, None)
                layer["config"].update(options)

    return change


def renames(old: str, new: str) -> Change:
    """Gives every layer of a class another class."""

    def change(config: Config) -> None:
        for layer in layers_in(config):
            if layer["class_name"] == old:
                layer["class_name"] = new

    return change


def graph_of_old(config: Config) -> None:
    """Calls as lists, those of a model inside counted from 1, and ends in lists."""
    for model in layers_in(config):
        if "input_layers" in model["config"]:
            _old_calls(model["config"])


def _old_calls(model: Config) -> None:
    layers = model["layers"]
    inner = {one["config"].get("name") for one in layers if "layers" in one["config"]}

    def reference(value: Any) -> list[Any] | None:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            name, call, output = value["config"]["keras_history"]
            return [name, call + (name in inner), output]
        return None

    def call(node: Config) -> list[Any]:
        given = node["args"]
        given = given[0] if len(given) == 1 and isinstance(given[0], list) else given
        named = {key: reference(one) or one for key, one in node["kwargs"].items()}
        return [[*reference(one), named] for one in given if reference(one)]

    for layer in layers:
        layer["inbound_nodes"] = [call(node) for node in layer["inbound_nodes"]]
    for key in ("input_layers", "output_layers"):
        ends = model[key]
        ends = ends if isinstance(ends[0], list) else [ends]
        kinds = {one["config"]["name"]: one["class_name"] for one in layers}
        model[key] = [[n, c + (kinds[n] == "Sequential" and n in inner), o] for n, c, o in ends]
