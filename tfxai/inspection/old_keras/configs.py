"""Configs of earlier versions of Keras, rewritten as Keras 3 writes them.

Works on parsed JSON before anything else looks at it: what is scanned is what Keras is given. A
config names classes and options only; whatever is not known here is left as it is, for the scan
to judge and for Keras to refuse.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, TypeAlias, final

from tfxai.inspection.names import keras_names as keras
from tfxai.inspection.old_keras.graphs import first_shape, rewire
from tfxai.inspection.old_keras.options import (
    BUILT_OTHERWISE,
    keras_1_options,
    lambda_options,
    old_options,
    scalar,
    with_plain_axis,
)

Config: TypeAlias = dict[str, Any]

HARD_SIGMOID = "tfxai>hard_sigmoid_of_keras_2"
"""Keras 3's hard sigmoid has the slope 1/6, earlier ones 0.2: the name of the earlier one."""
MODULES = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
MOVED = ("experimental.preprocessing>", "keras.layers.experimental.preprocessing>")
GRAPHS = {"Model": "Functional", "Network": "Functional", "Container": "Functional"}
EXPORTED = {"GroupedQueryAttention": "GroupQueryAttention"}  # what Keras 3 calls it, and finds
POLICIES = {"DTypePolicy", "Policy", "PolicyV1"}
ENDINGS = {
    "activation": keras.ACTIVATIONS,
    "initializer": keras.INITIALIZERS,
    "regularizer": keras.REGULARIZERS,
    "constraint": keras.CONSTRAINTS,
}
HOMES = {
    "initializer": "keras.initializers",
    "regularizer": "keras.regularizers",
    "constraint": "keras.constraints",
}


@final
@dataclasses.dataclass
class Rewritten:
    """A config as Keras 3 takes it.

    Args:
        config: Config of the model.
        changed: Whether it says something else than the file does.
        training: What models inside the model were compiled with; taken out of the config.
        renamed: Names of layers that Keras 3 does not take, by their new ones.
        unlike: Options that Keras 3 does not know and that change the answer, in words.
    """

    config: Any
    changed: bool = False
    training: list[Any] = dataclasses.field(default_factory=list)
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    unlike: dict[str, None] = dataclasses.field(default_factory=dict)


def rewritten(
    config: Any, version: int | None, *, hdf5: bool, supplied: Collection[str]
) -> Rewritten:
    """The config of a model as Keras 3 takes it.

    Args:
        config: As it was parsed; it is left as it is.
        version: First number of the version of Keras that wrote the file; None if not known.
        hdf5: Whether the file is an `.h5` file, in which builtins have no module.
        supplied: Names of the classes and functions that the caller will pass to Keras.
    """
    made = Rewritten(config)
    old = is_old(config, version)
    writer = _Writer(made, supplied, old=old, named=old or hdf5, first=version == 1)
    made.config = writer.layer(config, top=True)
    made.changed = made.config != config
    return made


def is_old(config: Any, version: int | None) -> bool:
    """Whether a version below 3 wrote the config."""
    if version is not None:
        return version < 3
    return _has_key(config, "batch_input_shape") or not _has_key(config, "module")


def _has_key(config: Any, key: str) -> bool:
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if key in one:
                return True
            todo.extend(one.values())
        elif isinstance(one, list):
            todo.extend(one)
    return False


@final
class _Writer:
    def __init__(
        self, made: Rewritten, supplied: Collection[str], *, old: bool, named: bool, first: bool
    ) -> None:
        self._made, self._supplied, self._first = made, frozenset(supplied), first
        self._unnamed = 0  # models whose config is a list, which has no place for a name
        self._old = old  # Keras 1 or 2 wrote it
        self._named = named  # builtins are to be given their modules

    # Layers.

    def layer(self, node: Any, *, top: bool = False) -> Any:
        """A layer, a model or an operation, as an entry of a list of layers or an option."""
        if not isinstance(node, dict) or not isinstance(node.get("class_name"), str):
            return self._inside(node, "")
        node = dict(node)
        training = node.pop("compile_config", None)
        if training is not None and top:
            node["compile_config"] = training
        elif training is not None:
            self._made.training.append(training)
        if not self._named:
            return {key: self._inside(value, key) for key, value in node.items()}
        return self._named_layer(node)

    def _named_layer(self, node: Config) -> Config:
        name = _class_name(node)
        config = node.get("config")
        if name == "Sequential" and isinstance(config, list):
            config = {"name": node.get("name") or self._new_name(), "layers": config}
        own = isinstance(config, dict) and self._is_own(node, name)
        if not own or not isinstance(config, dict):
            kept = {k: self._inside(v, k) for k, v in node.items() if k != "inbound_nodes"}
            return kept | {k: v for k, v in node.items() if k == "inbound_nodes"}
        module = _module(name, config, old=self._old)
        node |= {"class_name": name, "module": module, "registered_name": None}
        if self._old and name in BUILT_OTHERWISE:
            node.pop("build_config", None)
        if name in keras.MODELS and "layers" in config:
            node["config"] = self._model(name, config)
        else:
            node["config"] = self._options(name, config)
        return node

    def _new_name(self) -> str:
        self._unnamed += 1
        return f"sequential_{self._unnamed}"

    def _is_own(self, node: Config, name: str) -> bool:
        """Whether a node names a class of Keras itself."""
        if not self._supplied.isdisjoint({name, node["class_name"]}):
            return False
        if "module" in node and not _is_keras(node["module"]):
            return False
        return name in keras.LAYERS | keras.MODELS or _operation_home(name) is not None

    def _model(self, name: str, config: Config) -> Config:
        layers = config.get("layers")
        made = {k: self._inside(v, k) for k, v in config.items() if k != "layers"}
        if not isinstance(layers, list):
            return {**made, "layers": layers}
        made["layers"] = [self.layer(one) for one in layers]
        if self._old:
            if name == "Sequential":
                made["layers"] = _with_input(layers, made["layers"])
                made.setdefault("name", "sequential")
            rewire(name, made, self._made.renamed)
        return made

    # Options.

    def _options(self, name: str, config: Config) -> Config:
        if self._first:
            config = keras_1_options(name, config)
        if self._old:
            made = old_options(name, config, self._inside, self._made.unlike)
        else:
            made = {key: self._inside(value, key) for key, value in config.items()}
        return lambda_options(made) if name == "Lambda" else with_plain_axis(name, made)

    def _inside(self, value: Any, key: str) -> Any:
        """A value in a config, by the key under which it lies."""
        if isinstance(value, list):
            if key in ("inbound_nodes", "vocabulary") and not self._named:
                return value
            return [self._inside(one, key) for one in value]
        ending = next((e for e in ENDINGS if key == e or key.endswith(f"_{e}")), None)
        if isinstance(value, str):
            return self._text(value, ending)
        if not isinstance(value, dict):
            return value
        if not isinstance(value.get("class_name"), str):
            return {k: self._inside(v, k) for k, v in value.items()}
        return self._object(value, key, ending)

    def _object(self, value: Config, key: str, ending: str | None) -> Any:
        if not self._named:
            return self.layer(value)
        is_list = "items" in value and "config" not in value
        if is_list and value["class_name"] in ("__tuple__", "TensorShape"):
            return self._inside(value["items"], key)
        if key == "dtype":
            return _policy(value)
        return self.layer(value) if ending is None else self._named_object(value, ending)

    def _text(self, text: str, ending: str | None) -> Any:
        is_supplied = not self._supplied.isdisjoint({text, text.rpartition(">")[2]})
        if ending is not None and self._named and is_supplied:
            return _function(text)
        if ending == "activation" and self._old and text == "hard_sigmoid":
            return _function(HARD_SIGMOID)
        return text

    def _named_object(self, node: Config, ending: str) -> Any:
        """An activation, initializer, regularizer or constraint."""
        name, config = node["class_name"], node.get("config")
        if name == "function":
            if ending == "activation" and self._old and config == "hard_sigmoid":
                return self._text("hard_sigmoid", ending)
            return dict(node)
        if not self._supplied.isdisjoint({name}) or not isinstance(config, dict | None):
            return dict(node)
        if "module" in node and not _is_keras(node["module"]):
            return dict(node)
        if ending == "activation":
            return self.layer(node)
        if name not in ENDINGS[ending]:
            return dict(node)
        made = {k: self._inside(scalar(v), k) for k, v in (config or {}).items()}
        if self._old and ending == "initializer":
            made = {k: v for k, v in made.items() if k not in ("dtype", "partition_info")}
            if name == "VarianceScaling" and made.get("distribution") == "normal":
                made["distribution"] = "truncated_normal"
        module = HOMES[ending]
        return {"module": module, "class_name": name, "config": made, "registered_name": None}


def _function(name: str) -> Config:
    """A function as Keras 3 refers to one that is registered or supplied."""
    record = {"module": "builtins", "class_name": "function", "config": name}
    return {**record, "registered_name": name}


def _class_name(node: Config) -> str:
    name = str(node["class_name"])
    for prefix in MOVED:
        name = name.removeprefix(prefix)
    config = node.get("config")
    if isinstance(config, dict) and "input_layers" in config:
        return GRAPHS.get(name, name)
    return EXPORTED.get(name, name)


def _is_keras(module: Any) -> bool:
    if module is None:
        return False
    text = str(module)
    return any(text == one or text.startswith(f"{one}.") for one in MODULES)


def _operation_home(name: str) -> str | None:
    return next((module for module, names in keras.OPERATIONS.items() if name in names), None)


def _module(name: str, config: Config, *, old: bool) -> str:
    """Where Keras 3 keeps a class of that name."""
    if name == "Functional":
        return "keras.src.models.functional"
    if name in keras.MODELS:
        return "keras"
    home = _operation_home(name)
    is_layer = name in keras.LAYERS and (old or "trainable" in config or "dtype" in config)
    if home is not None and not is_layer:  # an operation may have the name of a layer
        return home
    return "keras.src.legacy.layers" if name in keras.LEGACY_LAYERS else "keras.layers"


def _policy(node: Config) -> Any:
    config = node.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    if node["class_name"] not in POLICIES or not isinstance(name, str):
        return dict(node)
    if "module" in node and not _is_keras(node["module"]):
        return dict(node)
    inner = {k: v for k, v in config.items() if k != "loss_scale"} if config else {}
    made = {"module": "keras", "class_name": "DTypePolicy", "registered_name": None}
    return {**made, "config": inner}


def _with_input(before: list[Any], layers: list[Any]) -> list[Any]:
    """The layers of a Sequential, the first of which says what the model takes."""
    first = before[0] if before else None
    config = first.get("config") if isinstance(first, dict) else None
    if not isinstance(first, dict) or first.get("class_name") == "InputLayer":
        return layers
    shape, dtype = first_shape(first)
    if shape is None:
        return layers
    name = config.get("name") if isinstance(config, dict) else None
    name = f"{name or str(first.get('class_name')).lower()}_input".replace("/", "_")
    inner = {"batch_shape": shape, "dtype": dtype, "sparse": False, "name": name}
    made = {"module": "keras.layers", "class_name": "InputLayer", "config": inner}
    return [{**made, "registered_name": None}, *layers]
