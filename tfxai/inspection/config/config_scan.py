"""What a model's config asks Keras to make: every class, function, file and name in it.

A config is data, yet it names what is called when it is loaded. Keras 3.15.1 looks names up in
all that it exports but 26, so `activation: keras.utils.plot_model` loads. Here a name must be one
of those that Keras offers for its place (`slots.py`), everything else is refused or belongs to
the caller (`custom_objects`). Every part of every object is walked, whatever was found before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, final

from tfxai.inspection.config.allow_list import AllowList
from tfxai.inspection.config.slots import (
    BY_NAME,
    RUNS_CODE,
    SLOTS,
    below,
    role_of,
)
from tfxai.inspection.names.outside import OUTSIDE
from tfxai.inspection.old_keras.configs import rewritten
from tfxai.inspection.report import Findings

TOKENS = {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__"}
OWN_KEYS = {"class_name", "config", "module", "registered_name", "name"}
OWN_KEYS |= {"compile_config", "training_config"}  # which are never loaded
ARRAYS = {"__tensor__", "__numpy__", "__keras_tensor__"}
FILES = {"file", "filename", "filepath", "file_path", "path", "url", "vocabulary_file", "weights"}
FILES |= {"merges", "proto", "spm_proto"}
NUMBERS = re.compile(r"^(u?int|float|bfloat|complex|bool)\w*$")


@final
class ConfigScan:
    """Looks through configs, nested models included.

    Args:
        found: Takes what is found.
        supplied: Names of the classes and functions that the caller will pass to Keras.
        legacy: Whether the config is that of an `.h5` file.
    """

    def __init__(self, found: Findings, supplied: Collection[str], legacy: bool) -> None:
        self._found, self._supplied, self._legacy = found, supplied, legacy
        self.allow_list = AllowList(found, supplied, legacy)
        self._top: Any = None  # the model itself, whose name is no part of a path
        self._shared: dict[Any, tuple[Any, Any]] = {}  # what an identity stands for

    def model(self, config: Any, where: str) -> None:
        """A whole model's config, but for what it was compiled with."""
        self._top = config
        self._value(config, "layer", where)

    def part(self, config: Any, role: str, where: str) -> None:
        """The config of one layer, metric or the like.

        Of what an earlier version recorded of it, its class and its options.
        """
        if self._legacy and isinstance(config, dict):
            config = {key: config[key] for key in ("class_name", "config") if key in config}
            if role == "layer":
                config = rewritten(config, 2, hdf5=True, supplied=self._supplied).config
            elif config.get("class_name") in SLOTS[role].classes:  # Keras' own, by its name alone
                config["module"] = SLOTS[role].homes[0]
        self._value(config, role, where)

    def _value(self, value: Any, role: str | None, where: str, key: str = "") -> None:
        """A value for which Keras offers what fits `role`; plain data where that is None."""
        if isinstance(value, str):
            self._text(value, role, where, key)
        elif isinstance(value, list):
            for item in value:
                if not isinstance(item, str) or key != "vocabulary":  # words, which name nothing
                    self._value(item, role, where, key)
        elif isinstance(value, dict):
            if "class_name" in value and "config" in value:
                self._object(value, role, where)
            elif "class_name" in value:
                self._nameless(value, role, where)
            else:
                self._entries(value, role, where)

    def _entries(self, value: dict[str, Any], role: str | None, where: str) -> None:
        """A dict that is no object: policies by layer, the arguments of a call, a config."""
        for key, inner in value.items():
            named = role_of(key) or role if role == "any" else role
            self._value(inner, named, below(where, key), key)

    # Objects.

    def _object(self, node: dict[str, Any], role: str | None, where: str) -> None:
        name = node["class_name"]
        where = self._named(node, where)
        if not isinstance(name, str):
            self._found.refuse("no class", "The name of a class is no text.", where)
            self._rest(node, "any", where)
        elif name in TOKENS:
            self._token(name, node, where)
        elif name == "function":
            self.allow_list.check_function(node, role, where)
            self._rest(node, None, where)
        else:
            self._check_shared(node, where)
            inner = self.allow_list.check_class(node, name, role, where)
            self._rest(node, inner, where)

    def _check_shared(self, node: dict[str, Any], where: str) -> None:
        """One identity stands for one object, which Keras puts wherever it is named."""
        identity = node.get("shared_object_id")
        if isinstance(identity, list | dict):
            self._found.refuse("no identity", "The identity of an object is no number.", where)
        elif identity is not None:
            kind = (node["class_name"], str(node.get("module")))
            if self._shared.setdefault(identity, kind) != kind:
                self._found.refuse(
                    "one identity of two objects",
                    f"It is a {kind[0][:80]}, and would be replaced by an object of another class "
                    "with the same identity.",
                    where,
                )

    def _rest(self, node: dict[str, Any], role: str | None, where: str) -> None:
        """Everything inside an object but its own names.

        Args:
            node: The object.
            role: What options without a key are for: None in Keras' own classes, which make
                nothing of them, "any" in others.
            where: Its place.
        """
        config = node.get("config")
        if isinstance(config, dict) and role is None and {"class_name", "config"} <= set(config):
            self._value(config, None, where)  # options that are an object themselves
        elif isinstance(config, dict):
            for key, inner in config.items():
                self._value(inner, role_of(key) or role, below(where, key), key)
        elif not isinstance(config, str):  # the layers of a Sequential of old
            self._value(config, "layer", where)
        for key, inner in node.items():
            if key == "inbound_nodes":
                self._calls(inner, below(where, key))
            elif key not in OWN_KEYS:
                self._value(inner, None, below(where, key), key)

    def _calls(self, calls: Any, where: str) -> None:
        """The calls of a layer; one without a tensor of the model would run at once."""
        for call in calls if isinstance(calls, list) else [calls] if calls else []:
            if not _has_tensor(call):
                self._found.refuse(
                    "call without a tensor",
                    "The layer is called on numbers alone, so it runs while the model loads; "
                    "Keras writes no such call.",
                    where,
                )
            self._value(call, None, where)

    # What is no class.

    def _nameless(self, node: dict[str, Any], role: str | None, where: str) -> None:
        """A class name without a config: Keras sees a dict like any other."""
        if node["class_name"] in [*RUNS_CODE, "function"]:
            self._object({**node, "config": None}, role, where)
        self._entries(node, role, where)

    def _token(self, name: str, node: dict[str, Any], where: str) -> None:
        config = node["config"]
        if name in ARRAYS and isinstance(config, dict):
            dtype = config.get("dtype")
            is_number = isinstance(dtype, str) and bool(NUMBERS.match(dtype))
            if not is_number and (name, dtype) != ("__keras_tensor__", "string"):
                self._found.refuse(
                    "no numbers", f"An array in the config has the dtype {dtype!r}.", where
                )
        for key, inner in node.items():
            if key != "class_name":
                self._value(inner, None, where, key if key != "config" else "")

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
            self.allow_list.check_word(text, role, where)
        elif OUTSIDE.search(text) and len(text) > 1:
            self._found.warn(
                "path in the config",
                f"It holds {text[:120]!r}, which looks like a place outside the model.",
                where,
            )

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


def _inner(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _has_tensor(call: Any) -> bool:
    todo = [call]
    while todo:
        one = todo.pop()
        if isinstance(one, dict) and one.get("class_name") == "__keras_tensor__":
            return True
        if isinstance(one, list) and len(one) in (3, 4) and isinstance(one[0], str):
            return True  # as earlier versions refer to one
        todo.extend(_inner(one))
    return False
