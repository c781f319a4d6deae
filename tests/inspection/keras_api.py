"""The names that the installed Keras can put into a model's config, collected from Keras itself.

`python -m tests.inspection.keras_api` prints them as `tfxai/inspection/keras_names.py` has them.
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

MODELS = {"Functional", "Model", "Sequential"}
NOT_ONES = {"deserialize", "get", "serialize"}


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


def operations() -> set[str]:
    """Operations that a functional model records where a function of `keras.ops` was called."""
    for one in pkgutil.walk_packages(keras.src.ops.__path__, "keras.src.ops."):
        if not one.name.endswith("_test"):
            __import__(one.name)
    inner = {c for c in below(Operation) if c.__module__.startswith("keras.src.")}
    kept = {c.__name__ for c in inner if not issubclass(c, Layer)}
    kept |= {c.__name__ for c in inner if ".applications." in c.__module__}
    return kept - {"Layer"}


def functions(module: Any) -> set[str]:
    return {name for name in known_strings(module) if not name[0].isupper()} - NOT_ONES


def classes(module: Any, base: type) -> set[str]:
    known = {n for n in known_strings(module) if n[0].isupper()}
    return public(getattr(keras, module.__name__.rsplit(".", 1)[-1]), base) | known


def collected() -> dict[str, set[str]]:
    """Name of each table to what belongs in it."""
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
        "MODELS": public(keras.models, keras.Model) | {"Functional", "Distiller"},
        "OPERATIONS": operations() - layers - legacy,
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
        "OPS": public(keras.ops, None) - NOT_ONES,
        "LAYER_FUNCTIONS": {
            n for n, v in namespace.items() if inspect.isfunction(v) and not n.startswith("_")
        },
    }  # fmt: skip


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
        words = " ".join(sorted(name for name in names if not name.startswith("_")))
        lines += [
            f"{table} = frozenset(",
            '    """',
            *textwrap.wrap(words, 95),
            '""".split()',
            ")",
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
