"""What a model's config asks Keras to make: every class, function, file and name in it.

A config is data, yet it names what is called when it is loaded. Keras 3.15.1 looks names up in
all that it exports but 26, so `activation: keras.utils.plot_model` loads. Here a name must be one
of those that its place is for (`keras_names.py`); what a caller supplies as `custom_objects` is
the caller's own.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Any, final

from tfxai.inspection import keras_names as keras
from tfxai.inspection.report import Findings

TOKENS = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
TOKENS |= {"__tuple__", "TensorShape"}  # of .h5 files
RUNS_CODE = {
    "Lambda": ("CVE-2024-3660", "a Lambda layer, which runs Python code that the file brings"),
    "__lambda__": ("CVE-2024-3660", "a Python function as bytecode, which runs when called"),
    "TFSMLayer": ("CVE-2026-1462", "a TFSMLayer, which loads and runs another saved model"),
    "TorchModuleWrapper": ("CVE-2025-49655", "a TorchModuleWrapper, which unpickles its module"),
    "JaxLayer": (None, "a JaxLayer, which runs a function that the file brings"),
    "FlaxLayer": (None, "a FlaxLayer, which runs functions that the file brings"),
}
GADGETS = {
    "keras.utils.get_file": "CVE-2025-8747",
    "keras.config.enable_unsafe_deserialization": "CVE-2025-9906",
}
FROM_MODULES = "CVE-2025-1550"  # names of modules that Keras before 3.9 imports
H5_IGNORES_SAFE_MODE = "CVE-2025-9905"
IMPORTABLE = sys.stdlib_module_names | {"numpy", "scipy", "tensorflow", "torch", "jax", "pip"}
RELATIVES = {"keras_cv", "keras_hub", "keras_nlp"}  # Keras itself imports these when named
KERAS_2_ONLY = {"TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer", "ClassMethod"}
KERAS_2_ONLY |= {"InstanceMethod", "InstanceProperty"}
OUTWARD_OPS = re.compile(r"^(io|raw_ops|saved_model|summary|data|distribute|debugging)\.|py_func")
LAYERS = keras.LAYERS | keras.MODELS | keras.OPERATIONS
ROLES = {
    "layer": LAYERS,
    "activation": keras.ACTIVATIONS | keras.OPS | LAYERS,
    "initializer": keras.INITIALIZERS,
    "regularizer": keras.REGULARIZERS,
    "constraint": keras.CONSTRAINTS,
    "loss": keras.LOSSES | keras.METRICS,
    "metric": keras.METRICS | keras.LOSSES | {"acc", "ce", "crossentropy"},
    "optimizer": keras.OPTIMIZERS | {"LossScaleOptimizer"},
    "schedule": keras.SCHEDULES,
    "dtype policy": keras.POLICIES,
}
ANY = frozenset().union(*ROLES.values()) | keras.QUANTIZERS | {"SeedGenerator"}
NAMES = keras.ACTIVATIONS | keras.OPS | keras.LOSSES | keras.METRICS | keras.INITIALIZERS
HOMES = {"keras.layers", "keras.activations", "keras.initializers", "keras.losses"}
HOMES |= {"keras.metrics", "keras.regularizers", "keras.constraints", "keras.optimizers"}
HOMES |= {"keras.optimizers.schedules", "keras.dtype_policies", "keras.quantizers"}
BY_KEY = {
    "optimizer": "optimizer",
    "inner_optimizer": "optimizer",
    "optimizer_config": "optimizer",
    "learning_rate": "schedule",
    "loss": "loss",
    "metrics": "metric",
    "weighted_metrics": "metric",
    "dtype": "dtype policy",
    "layers": "layer",
    "layer": "layer",
    "cell": "layer",
    "cells": "layer",
    "backward_layer": "layer",
}
BY_ENDING = ("activation", "initializer", "regularizer", "constraint")
BY_NAME = (*BY_ENDING, "loss", "metric", "optimizer")  # may be given by a name alone
FILES = {"file", "filename", "filepath", "file_path", "path", "url", "vocabulary_file", "weights"}
NUMBERS = re.compile(r"^(u?int|float|bfloat|complex|bool)\w*$")
OUTSIDE = re.compile(r"^(/|~/|\\|[A-Za-z]:[\\/]|\w+://|file:)|(^|[\\/])\.\.([\\/]|$)")


@final
class ConfigScan:
    """Looks through configs, nested models and compile state included.

    Args:
        found: Takes what is found.
        supplied: Names of the classes and functions that the caller will pass to Keras.
        legacy: Whether the config is that of an `.h5` file, where builtins have no module.
    """

    def __init__(self, found: Findings, supplied: Collection[str], legacy: bool) -> None:
        self._found, self._supplied, self._legacy = found, frozenset(supplied), legacy
        self._top: Any = None  # the model itself, whose name is no part of a path
        self.custom: dict[str, None] = {}  # names that loading needs, in order

    def model(self, config: Any, where: str) -> None:
        """A whole model's config."""
        self._top = config
        self._value(config, "layer", where)

    def part(self, config: Any, role: str, where: str) -> None:
        """The config of one layer, metric or the like."""
        self._value(config, role, where)

    def training(self, config: Any, where: str) -> None:
        """What a model was compiled with."""
        if isinstance(config, dict):
            for key, value in config.items():
                self._value(value, _role(key), f"{where}.{key}", key)

    def _value(self, value: Any, role: str | None, where: str, key: str = "") -> None:
        if isinstance(value, str):
            self._text(value, role, where, key)
        elif isinstance(value, list) and key != "vocabulary":  # words, which name nothing
            for item in value:
                self._value(item, role, where, key)
        elif isinstance(value, dict):
            if "class_name" in value and "config" in value:
                self._object(value, role, where)
            elif "class_name" in value:
                self._special(value, where)
            else:
                self._entries(value, role, where)

    def _entries(self, value: dict[str, Any], role: str | None, where: str) -> None:
        """A dict that is no object: losses by output, the arguments of a call, a config."""
        for key, inner in value.items():
            self._value(inner, _role(key) or role, f"{where}.{key}", key)

    # Objects.

    def _object(self, node: dict[str, Any], role: str | None, where: str) -> None:
        name, config = node["class_name"], node.get("config")
        where = self._named(node, where)
        if not isinstance(name, str):
            self._found.refuse("no class", "The name of a class is no text.", where)
        elif name in TOKENS:
            self._token(name, config, where)
        elif name in RUNS_CODE:
            self._code(name, config, where)
        elif name == "__typespec__":
            self._module(node, str(node.get("spec_name")), where)
        elif name == "function":
            self._function(node, role, where)
        else:
            self._class(node, name, role, where)
            self._rest(node, where)

    def _rest(self, node: dict[str, Any], where: str) -> None:
        """Everything inside an object but its own names."""
        config = node.get("config")
        if isinstance(config, dict):
            for key, inner in config.items():
                self._value(inner, _role(key), f"{where}.{key}", key)
        else:  # the layers of a Sequential of old
            self._value(config, "layer", where)
        for key in ("build_config", "inbound_nodes", "kwargs"):
            self._value(node.get(key), None, f"{where}.{key}", key)
        self.training(node.get("compile_config"), f"{where}.compile_config")

    def _class(self, node: dict[str, Any], name: str, role: str | None, where: str) -> None:
        module, registered = node.get("module"), node.get("registered_name")
        if self._is_supplied(name, registered):
            return
        if name in KERAS_2_ONLY:
            self._keras_2(name, node.get("config"), where)
        elif isinstance(module, str) and module:
            if self._module(node, name, where):
                self._builtin(f"{module}.{name}", name, role, where)
        elif self._legacy and ">" not in name and name in ANY | keras.LAYER_FUNCTIONS:
            self._builtin(name, name, role, where)
        else:
            own = registered if isinstance(registered, str) and registered else name
            self._custom(own, where)

    def _builtin(self, full: str, name: str, role: str | None, where: str) -> None:
        """A class or function that is said to be Keras' own."""
        allowed = ROLES.get(role, ANY) if role else ANY
        if name in allowed:
            return
        home = full.rpartition(".")[0]
        if name not in ANY and home in HOMES and name[:1].isupper():
            self._found.warn(
                "unknown class",
                f"It uses {full}, which Keras 3.15 does not have: it may come from another "
                "version of Keras. Loading fails unless yours has it.",
                where,
            )
            return
        what = f"is no {role}" if role and name in ANY else "is no part of a model"
        self._found.refuse(
            _not(role) if role else "not a part of a model",
            f"It names {full}, which {what}; Keras may look it up and call it all the same.",
            where,
            GADGETS.get(full),
        )

    def _module(self, node: dict[str, Any], name: str, where: str) -> bool:
        """Whether the object says that it is Keras' own; if it is another's, says so."""
        module = str(node.get("module"))
        package = module.partition(".")[0]
        if package == "keras":
            self._disguised(node, name, where)
            return True
        registered = node.get("registered_name")
        registered = registered if isinstance(registered, str) else ""
        if module == "__main__" or (">" in registered and package not in IMPORTABLE):
            self._custom(registered or name, where)
        elif package in RELATIVES:
            self._found.warn(
                "another package",
                f"It uses {module}.{name}; loading needs the package {package}, and runs it.",
                where,
            )
            self.custom[f"{module}.{name}"] = None
        else:
            self._found.refuse(
                "module outside Keras",
                f"It names {name!r} in the module {module!r}, which Keras before 3.9 imports and "
                "calls. If the class is your own, pass it in custom_objects.",
                where,
                FROM_MODULES,
            )
        return False

    def _disguised(self, node: dict[str, Any], name: str, where: str) -> None:
        registered = node.get("registered_name")
        if registered not in (None, "", name, "function", node["class_name"]):
            self._found.warn(
                "two names",
                f"It is called {node.get('module')}.{name} and registered as {registered!r}; what "
                "is registered under that name would be taken.",
                where,
            )

    def _function(self, node: dict[str, Any], role: str | None, where: str) -> None:
        name, module = node.get("config"), node.get("module")
        if not isinstance(name, str):
            self._found.refuse("no function", "The name of a function is no text.", where)
        elif self._is_supplied(name, node.get("registered_name")):
            return
        elif isinstance(module, str) and module not in ("", "builtins"):
            if self._module({**node, "registered_name": None}, name, where):
                self._builtin(f"{module}.{name}", name, role or "activation", where)
        elif name in (ROLES.get(role, NAMES) if role else NAMES):
            return
        elif name in NAMES:
            self._builtin(name, name, role, where)
        else:
            self._custom(name, where)

    def _custom(self, name: str, where: str) -> None:
        if self._is_supplied(name, None):
            return
        self.custom[name] = None
        self._found.warn(
            "custom object",
            f"It uses {name!r}, which is not Keras' own. Pass custom_objects with it, from code "
            "that you trust.",
            where,
        )

    def _is_supplied(self, name: str, registered: Any) -> bool:
        names = {name, name.rpartition(">")[2]}
        if isinstance(registered, str) and registered != "function":
            names |= {registered, registered.rpartition(">")[2]}
        return not names.isdisjoint(self._supplied)

    # What is no class.

    def _special(self, node: dict[str, Any], where: str) -> None:
        """An object without a config, as JSON of `.h5` files has them."""
        if node["class_name"] in [*RUNS_CODE, "function"]:
            self._object({**node, "config": None}, None, where)
        elif node["class_name"] in ["TypeSpec", "CompositeTensor"]:
            self._found.warn(
                "TensorFlow object",
                f"It holds a {node['class_name']}, which TensorFlow builds while it is read.",
                where,
            )
        inner = {key: value for key, value in node.items() if key != "class_name"}
        self._entries(inner, None, where)

    def _token(self, name: str, config: Any, where: str) -> None:
        if name in ("__tensor__", "__numpy__") and isinstance(config, dict):
            dtype = config.get("dtype")
            if not isinstance(dtype, str) or not NUMBERS.match(dtype):
                self._found.refuse(
                    "no numbers", f"An array in the config has the dtype {dtype!r}.", where
                )
        elif name == "__slice__":
            self._value(config, None, where)

    def _code(self, name: str, config: Any, where: str) -> None:
        cve, what = RUNS_CODE[name]
        function = config.get("function") if isinstance(config, dict) else None
        if name == "Lambda" and isinstance(function, dict):
            named = function.get("class_name") == "function"
            if named and isinstance(function.get("config"), str):
                self._function(function, None, where)  # a name only: no code in the file
                return
        if self._is_supplied(name, None):
            return
        cve = H5_IGNORES_SAFE_MODE if self._legacy and name == "Lambda" else cve
        self._found.refuse(
            "code in the file",
            f"It has {what}. Ask for the model without it, or load it only from a source that "
            "you trust with your machine.",
            where,
            cve,
        )

    def _keras_2(self, name: str, config: Any, where: str) -> None:
        text = str(config.get("function", "")) if isinstance(config, dict) else ""
        if OUTWARD_OPS.search(text):
            self._found.refuse(
                "not a layer",
                f"It has a {name} that calls tf.{text[:80]}, which reaches beyond the model.",
                where,
            )
            return
        self._found.warn(
            "Keras 2 only",
            f"It has a {name}, a TensorFlow function as a layer of Keras 2; Keras 3 cannot load "
            "it. Save the model again without it.",
            where,
        )

    # Text.

    def _text(self, text: str, role: str | None, where: str, key: str) -> None:
        if key == "vocabulary":
            self._found.refuse(
                "file outside",
                f"Its vocabulary is the path {text[:120]!r}, which is read while the model loads.",
                where,
                "CVE-2025-12058",
            )
        elif key == "name":
            self._name(text, where)
        elif key in FILES and OUTSIDE.search(text):
            self._found.refuse(
                "file outside",
                f"It names the file {text[:120]!r}, outside the model.",
                where,
                "CVE-2025-12058",
            )
        elif role in BY_NAME:
            self._identifier(text, role, where)
        elif OUTSIDE.search(text) and len(text) > 1:
            self._found.warn(
                "path in the config",
                f"It holds {text[:120]!r}, which looks like a place outside the model.",
                where,
            )

    def _identifier(self, text: str, role: str, where: str) -> None:
        """A name by itself, as in `activation: "relu"`."""
        if text in ROLES[role] or self._is_supplied(text, None):
            return
        if text.lower() in {name.lower() for name in ROLES[role]}:
            return
        if text in ANY or "." in text or text in keras.LAYER_FUNCTIONS:
            self._found.refuse(
                _not(role),
                f"It names {text[:120]!r}, which is no {role}.",
                where,
            )
        else:
            self._custom(text, where)

    def _name(self, text: str, where: str) -> None:
        if OUTSIDE.search(text):
            self._found.refuse(
                "path as a name",
                f"It is called {text[:120]!r}: files named after it would be written elsewhere.",
                where,
                "CVE-2026-12479",
            )

    def _named(self, node: dict[str, Any], where: str) -> str:
        """The place of an object: its path by name where it has one."""
        config = node.get("config")
        name = node.get("name") or (config.get("name") if isinstance(config, dict) else None)
        if isinstance(node.get("name"), str):
            self._name(node["name"], where)
        if not isinstance(name, str) or node is self._top:
            return where
        above = where.removesuffix(".layers")
        return f"{above}/{name[:80]}" if above else name[:80]


def _role(key: str) -> str | None:
    for ending in BY_ENDING:
        if key == ending or key.endswith(f"_{ending}"):
            return ending
    return BY_KEY.get(key)


def _not(role: str) -> str:
    return f"not {'an' if role[0] in 'aio' else 'a'} {role}"
