"""What a model was compiled with: it is described, and never loaded.

So what is not known here is a remark. What an honest file does not name in any place, a module of
Python or a function of Keras that is no part of training, is refused all the same: others load
files with `compile=True`.
"""

from __future__ import annotations

from typing import Any, final

from tfxai.inspection.config.allow_list import FROM_MODULES, GADGETS, IMPORTABLE
from tfxai.inspection.config.slots import ANY, SLOTS, below, called, role_of
from tfxai.inspection.names import keras_names as keras
from tfxai.inspection.report import Findings

BY_NAME = ("loss", "metric", "optimizer")


@final
class TrainingScan:
    """Looks through optimizers, losses and metrics.

    Args:
        found: Takes what is found.
    """

    def __init__(self, found: Findings) -> None:
        self._found = found
        self._remarks: dict[str, None] = {}

    def training(self, config: Any, where: str) -> None:
        """What a model was compiled with."""
        self._value(config, None, where)
        if self._remarks:
            names = ", ".join(repr(name[:80]) for name in list(self._remarks)[:8])
            more = f" and {len(self._remarks) - 8} more" if len(self._remarks) > 8 else ""
            self._found.ok(
                "training",
                f"It was trained with {names}{more}, not Keras' own. Nothing of the training is "
                "loaded, so nothing is needed for it.",
                where,
            )

    def _value(self, value: Any, role: str | None, where: str) -> None:
        if isinstance(value, list):
            for item in value:
                self._value(item, role, where)
        elif isinstance(value, dict):
            is_object = isinstance(value.get("class_name"), str)
            if is_object:
                self._object(value, role, where)
            for key, inner in value.items():
                inherited = None if is_object or key == "config" else role
                self._value(inner, role_of(key) or inherited, below(where, key))
        elif isinstance(value, str) and role in BY_NAME and value not in SLOTS[role].words:
            self._remarks[value] = None

    def _object(self, node: dict[str, Any], role: str | None, where: str) -> None:
        name, module = node["class_name"], node.get("module")
        name = node.get("config") if name == "function" else name
        module = module if isinstance(module, str) else ""
        package = module.partition(".")[0]
        if not isinstance(name, str) or name.startswith("__"):
            self._remarks["a function in the file"] = None
        elif package == "keras":
            if name not in ANY.classes | ANY.functions:
                self._not_training(module, name, role, where)
        elif (package in IMPORTABLE and module != "builtins") or (
            module == "builtins" and node["class_name"] != "function"
        ):
            self._foreign(module, name, where)
        elif name not in ANY.classes | ANY.functions | keras.BUILTINS:
            self._remarks[name] = None

    def _not_training(self, module: str, name: str, role: str | None, where: str) -> None:
        what = f"not {called(role)}" if role else "not a part of a model"
        if module in ("keras.ops", "keras.src.ops") or module.startswith("keras.src."):
            self._remarks[f"{module}.{name}"] = None
            return
        self._found.refuse(
            what,
            f"It names {module}.{name[:120]}, which is no part of training; Keras may look it up "
            "and call it where it compiles the model.",
            where,
            GADGETS.get(f"{module}.{name}"),
        )

    def _foreign(self, module: str, name: str, where: str) -> None:
        self._found.refuse(
            "module outside Keras",
            f"It names {name[:120]!r} in the module {module!r}, which Keras before 3.9 imports "
            "and calls where it compiles the model.",
            where,
            FROM_MODULES,
        )
