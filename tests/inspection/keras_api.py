"""The names that the installed Keras can put into a model's config, collected from Keras itself.

`python -m tests.inspection.keras_api` prints them as they stand in
`tfxai/inspection/names/keras_names.py`.
"""

from __future__ import annotations

import inspect
import pkgutil
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import keras
from keras.src import activations, constraints, initializers, losses, metrics, regularizers
from keras.src import layers as layer_namespace
from keras.src.layers import Layer
from keras.src.ops.operation import Operation
from keras.src.saving import serialization_lib

MODELS = {"Functional", "Model", "Sequential"}
NOT_ONES = {"deserialize", "get", "serialize"}
CALLS_FUNCTIONS = {
    "AssociativeScan",
    "Cond",
    "ForiLoop",
    "Function",
    "JVP",
    "Layer",
    "Map",
    "Scan",
}
CALLS_FUNCTIONS |= {"Switch", "VectorizedMap", "WhileLoop"}


def public(module: Any, base: type | None) -> set[str]:
    """The classes (those of `base`) or functions of a public module."""
    kept = set()
    for name, value in vars(module).items():
        is_class = inspect.isclass(value) and base is not None and issubclass(value, base)
        if is_class or (base is None and inspect.isfunction(value)):
            kept.add(name)
    return kept


def known_strings(module: Any) -> set[str]:
    """What a module's `get` takes for a name."""
    return set(module.ALL_OBJECTS_DICT)


def below(cls: type) -> Iterator[type]:
    for child in cls.__subclasses__():
        yield child
        yield from below(child)


def operations() -> dict[str, set[str]]:
    """Operations that a functional model records where a function of `keras.ops` was called.

    By the module in which Keras keeps them; those that call a function are left out.
    """
    for one in pkgutil.walk_packages(keras.src.ops.__path__, "keras.src.ops."):
        if not one.name.endswith("_test"):
            __import__(one.name)
    kept: dict[str, set[str]] = {}
    for c in below(Operation):
        module = c.__module__
        is_kept = module.startswith("keras.src.") and (
            not issubclass(c, Layer) or ".applications." in module
        )
        if is_kept and c.__name__ not in CALLS_FUNCTIONS and not c.__name__.startswith("_"):
            kept.setdefault(module, set()).add(c.__name__)
    return kept


def functions(module: Any) -> set[str]:
    return {name for name in known_strings(module) if not name[0].isupper()} - NOT_ONES


def classes(module: Any, base: type) -> set[str]:
    known = {n for n in known_strings(module) if n[0].isupper()}
    return public(getattr(keras, module.__name__.rsplit(".", 1)[-1]), base) | known


def looked_up() -> set[str]:
    """Names of all kinds that Keras finds for a function of the module "builtins"."""
    found = set()
    for name in serialization_lib.BUILTIN_MODULES:
        found |= {one for one in vars(getattr(keras, name)) if not one.startswith("_")}
    return found


def collected() -> dict[str, Any]:
    """Name of each table to what belongs in it: names, or names by module."""
    namespace = vars(layer_namespace)
    layers = public(keras.layers, Layer) | public(layer_namespace, Layer)
    layers -= MODELS  # Keras puts them there when it loads an .h5 file
    legacy = {
        n
        for n, v in vars(__import__("keras.src.legacy.layers", fromlist=["x"])).items()
        if inspect.isclass(v) and issubclass(v, Layer)
    }
    return {
        "LAYERS": layers | legacy,
        "LEGACY_LAYERS": legacy - layers,
        "MODELS": public(keras.models, keras.Model) | {"Functional", "Distiller"},
        "ACTIVATIONS": (known_strings(activations) | public(keras.activations, None)) - NOT_ONES,
        "INITIALIZERS": classes(initializers, keras.Initializer) | functions(initializers),
        "REGULARIZERS": classes(regularizers, keras.Regularizer) | functions(regularizers),
        "CONSTRAINTS": classes(constraints, keras.constraints.Constraint) | functions(constraints),
        "LOSSES": classes(losses, keras.Loss) | functions(losses),
        "METRICS": classes(metrics, keras.Metric) | functions(metrics),
        "OPTIMIZERS": public(keras.optimizers, keras.Optimizer)
        | {n.lower() for n in public(keras.optimizers, keras.Optimizer)},
        "SCHEDULES": public(
            keras.optimizers.schedules, keras.optimizers.schedules.LearningRateSchedule
        ),
        "POLICIES": public(keras.dtype_policies, keras.DTypePolicy) | {"DTypePolicyMap", "Policy"},
        "QUANTIZERS": public(keras.quantizers, keras.Quantizer)
        | {n for n, v in vars(keras.quantizers).items() if inspect.isclass(v)},
        "DISTILLATION": public(keras.distillation, object) - MODELS - {"Distiller"},
        "BUILTINS": looked_up(),
        "NAMESPACE": {n for n in namespace if not n.startswith("_")} - layers - MODELS,
        "OPERATIONS": operations(),
    }  # fmt: skip


def words(names: set[str], indent: str = "") -> list[str]:
    """A set of names as lines of source."""
    text = " ".join(sorted(name for name in names if not name.startswith("_")))
    return [f'{indent}"""', *textwrap.wrap(text, 95), '""".split()']


def written() -> str:
    """The tables as a module."""
    lines = [
        '"""What Keras calls its own: the names that a config may use, by what they are for.',
        "",
        f"Those of Keras {keras.__version__}; a test compares them with the installed Keras.",
        '"""',
        "",
        "# ruff: noqa: SIM905",
        "",
        "from __future__ import annotations",
        "",
    ]
    for table, names in collected().items():
        if isinstance(names, dict):
            lines.append(f"{table} = {{")
            for module, inner in sorted(names.items()):
                lines += [f'    "{module}": frozenset(', *words(inner, " " * 8), "    ),"]
            lines.append("}")
        else:
            lines += [f"{table} = frozenset(", *words(names, "    "), ")"]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
