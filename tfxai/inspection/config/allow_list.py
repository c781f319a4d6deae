"""The classes and functions that a config may name: Keras' own in their place, and others'."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Any, final

from tfxai.inspection.config.slots import ANY, GONE, ROOT, RUNS_CODE, SLOTS, Slot, called
from tfxai.inspection.names import keras_names as keras
from tfxai.inspection.report import Findings

KNOWN = ANY.classes | ANY.functions | keras.NAMESPACE | keras.BUILTINS | frozenset(RUNS_CODE)
LOWERED = {role: frozenset(name.lower() for name in slot.words) for role, slot in SLOTS.items()}
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
NOT_LOADED = {*KERAS_2_ONLY, *GONE}  # by Keras 3
OUTWARD_OPS = re.compile(r"^(io|raw_ops|saved_model|summary|data|distribute|debugging)\.|py_func")


@final
class AllowList:
    """Judges the classes and functions that a config names, each by its place.

    Args:
        found: Takes what is found.
        supplied: Names of the classes and functions that the caller will pass to Keras.
        legacy: Whether the config is that of an `.h5` file.
    """

    def __init__(self, found: Findings, supplied: Collection[str], legacy: bool) -> None:
        self._found, self._supplied, self._legacy = found, frozenset(supplied), legacy
        self.custom: dict[str, None] = {}  # names that loading needs and nobody supplies, in order
        self.supplied: dict[str, None] = {}  # names that loading needs and the caller supplies

    def check_class(
        self, node: dict[str, Any], name: str, role: str | None, where: str
    ) -> str | None:
        """Judges the class of an object; the role of those of its options that have none."""
        module = node.get("module")
        self._check_registered(node, name, where)
        if self._is_supplied(*_names_of(node, name)):
            return "any"
        if name in RUNS_CODE and not _is_named_lambda(node):
            self._code(name, where)
            return "any"
        package = str(module or "").partition(".")[0]
        is_old = name in NOT_LOADED and package in ("", "keras", "tf_keras")
        if isinstance(module, str) and module and not is_old and name != "__typespec__":
            if self._module(node, name, where):
                return self._builtin(module, name, role, where)
        else:
            self._elsewhere(node, name, role, where)
        if role is None:
            self._out_of_place(name, where)
        return "any"

    def _elsewhere(self, node: dict[str, Any], name: str, role: str | None, where: str) -> None:
        """A class without a module, or one of Keras 2."""
        registered = node.get("registered_name")
        if name == "__typespec__":
            self._module(node, str(node.get("spec_name")), where)
            self._out_of_place(str(node.get("spec_name")), where)
        elif name in KERAS_2_ONLY:
            self._keras_2(name, node.get("config"), where)
        elif name in GONE:
            self._gone(name, where)
        elif not isinstance(node.get("module"), str | None):
            self._found.refuse("no class", "The module of a class is no text.", where)
        elif name in keras.NAMESPACE:  # Keras looks there, where it finds no module
            self._no_part(name, role, where)
        else:
            self._custom(registered if isinstance(registered, str) and registered else name, where)

    def _builtin(self, module: str, name: str, role: str | None, where: str) -> str | None:
        """A class that is said to be Keras' own."""
        slot = _slot(role)
        fits = name in slot.classes and (slot.is_home(module) or module == ROOT)
        if role is None:
            self._out_of_place(name, where)
        elif not fits and name not in ANY.classes and _is_new(module, name):
            self._found.refuse(
                "unknown class",
                f"It uses {module}.{name}, which is not among the classes of Keras 3.15 that are "
                "known to be safe. It may come from another version of Keras.",
                where,
            )
        elif not fits:
            self._no_part(f"{module}.{name}", role, where)
        return None if fits else "any"

    def _no_part(self, name: str, role: str | None, where: str) -> None:
        last = name.rpartition(".")[2]
        known = last in ANY.classes or last in ANY.functions
        named = role if role and role != "any" else None
        what = f"is no {named}" if named and known else "is no part of a model"
        self._found.refuse(
            f"not {called(named)}" if named else "not a part of a model",
            f"It names {name[:120]}, which {what}; Keras may look it up and call it all the same.",
            where,
            GADGETS.get(name),
        )

    def _out_of_place(self, name: str, where: str) -> None:
        self._found.refuse(
            "object out of place",
            f"It has {name[:120]!r} where Keras writes plain data; loading may make or call it.",
            where,
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
        if package in RELATIVES:
            self._found.warn(
                "another package",
                f"It uses {module}.{name}; loading needs the package {package}, and runs it.",
                where,
            )
            self.custom[f"{module}.{name}"] = None
        elif module == "__main__" or (">" in registered and package not in IMPORTABLE):
            self._custom(registered or name, where)
        else:
            self._found.refuse(
                "module outside Keras",
                f"It names {name!r} in the module {module!r}, which Keras before 3.9 imports and "
                "calls. If the class is your own, pass it in custom_objects.",
                where,
                FROM_MODULES,
            )
        return False

    def _check_registered(self, node: dict[str, Any], name: str, where: str) -> None:
        """A class of another package, registered as something else, which Keras would take."""
        package = str(node.get("module") or "").partition(".")[0]
        expected = {f"{one}>{name}" for one in RELATIVES}
        if package in RELATIVES and node.get("registered_name") not in expected:
            self._found.refuse(
                "two names",
                f"It is called {node.get('module')}.{name} and registered as "
                f"{str(node.get('registered_name'))[:120]!r}, which is what would be taken.",
                where,
            )

    def _disguised(self, node: dict[str, Any], name: str, where: str) -> None:
        registered = node.get("registered_name")
        if registered not in (None, "", name, "function", node["class_name"]):
            self._found.warn(
                "two names",
                f"It is called {node.get('module')}.{name} and registered as {registered!r}; what "
                "is registered under that name would be taken.",
                where,
            )

    def check_function(self, node: dict[str, Any], role: str | None, where: str) -> None:
        """Judges a function that an object names."""
        name, module = node.get("config"), node.get("module")
        if not isinstance(name, str) or not isinstance(module, str | None):
            self._found.refuse("no function", "The name of a function is no text.", where)
        elif self._is_supplied(name):  # whatever it is registered as: Keras looks for the name
            return
        elif module in (None, "", "builtins"):
            self._unplaced(name, module, role, where)
        elif self._module({**node, "registered_name": None}, name, where):
            slot = _slot(role)
            if role is None:
                self._out_of_place(name, where)
            elif name not in slot.functions or not slot.is_home(str(module)):
                self._no_part(f"{module}.{name}", role, where)

    def _unplaced(self, name: str, module: str | None, role: str | None, where: str) -> None:
        """A function that Keras looks up among all its builtins, or nowhere."""
        if role is None:
            self._out_of_place(name, where)
        elif module == "builtins" and (name in keras.BUILTINS or "." in name):
            if name not in _slot(role).functions:  # of another kind
                self._no_part(name, role, where)
        elif module != "builtins" or name not in _slot(role).functions:
            self._custom(name, where)

    def _custom(self, name: str, where: str) -> None:
        if self._is_supplied(name):
            return
        self.custom[name] = None
        self._found.warn(
            "custom object",
            f"It uses {name[:120]!r}, which is not Keras' own. Pass custom_objects with it, from "
            "code that you trust.",
            where,
        )

    def _is_supplied(self, *names: str) -> bool:
        """Whether the caller passes what Keras looks for, by its full name or without package."""
        if not names or not all(
            name in self._supplied or name.rpartition(">")[2] in self._supplied for name in names
        ):
            return False
        self.supplied.update(dict.fromkeys(names))
        return True

    def _code(self, name: str, where: str) -> None:
        cve, what = RUNS_CODE[name]
        cve = H5_IGNORES_SAFE_MODE if self._legacy and name == "Lambda" else cve
        self._found.refuse(
            "code in the file",
            f"It has {what}. Its author can save the model again with that code in a layer class, "
            "which is then passed as custom_objects=. Load it as it is (trust=True) only from a "
            "source that you trust with your machine.",
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
            f"It has {name} layers, TensorFlow functions that only Keras 2 keeps ({text[:80]}). "
            "Load it with tf-keras and either build those steps with Keras 3 layers, or export it "
            "as a SavedModel, model.export(folder), which tfxai.load takes too.",
            where,
        )

    def _gone(self, name: str, where: str) -> None:
        self._found.warn(
            "Keras 2 only",
            f"It has a {name}, a layer that Keras 3 does not have: {GONE[name]}. Load it with the "
            "version that wrote it, and export it as a SavedModel, which tfxai.load takes too.",
            where,
        )

    def check_word(self, text: str, role: str, where: str) -> None:
        """A name by itself, as in `activation: "relu"`."""
        words = SLOTS[role].words
        if text in words or self._is_supplied(text):
            return
        if text.lower() in LOWERED[role]:
            return
        if text in KNOWN or "." in text:
            self._found.refuse(
                f"not {called(role)}", f"It names {text[:120]!r}, which is no {role}.", where
            )
        else:
            self._custom(text, where)


def _names_of(node: dict[str, Any], name: str) -> tuple[str, ...]:
    """Under which names Keras looks for the class of an object among those that are supplied.

    It takes what an object is registered as; where an entry has no module, its class.
    """
    registered = node.get("registered_name", name)
    if "module" in node:
        return (registered,) if isinstance(registered, str) and registered else ()
    return (name, registered) if isinstance(registered, str) and registered else (name,)


def _is_named_lambda(node: dict[str, Any]) -> bool:
    """Whether it is a Lambda layer of a function by name, so that no code is in the file."""
    config = node.get("config")
    function = config.get("function") if isinstance(config, dict) else None
    named = isinstance(function, dict) and function.get("class_name") == "function"
    return node["class_name"] == "Lambda" and named


def _slot(role: str | None) -> Slot:
    return SLOTS.get(role, ANY) if role else Slot()


def _is_new(module: str, name: str) -> bool:
    """Whether a name may be that of a class in another version of Keras."""
    return ANY.is_home(module) and name[:1].isupper() and name not in RUNS_CODE
