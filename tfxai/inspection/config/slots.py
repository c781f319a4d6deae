"""What Keras offers for each place in a config: classes, functions and words."""

from __future__ import annotations

import dataclasses
from typing import final

from tfxai.inspection.names import keras_names as keras
from tfxai.inspection.old_keras.configs import HARD_SIGMOID

RUNS_CODE = {
    "Lambda": ("CVE-2024-3660", "a Lambda layer, which runs Python code that the file brings"),
    "__lambda__": ("CVE-2024-3660", "a Python function as bytecode, which runs when called"),
    "TFSMLayer": ("CVE-2026-1462", "a TFSMLayer, which loads and runs another saved model"),
    "TorchModuleWrapper": ("CVE-2025-49655", "a TorchModuleWrapper, which unpickles its module"),
    "JaxLayer": (None, "a JaxLayer, which runs a function that the file brings"),
    "FlaxLayer": (None, "a FlaxLayer, which runs functions that the file brings"),
}
GONE = {
    "ConvRecurrent2D": "it is of Keras 1",
    "CuDNNGRU": "its weights lie in another order",
    "CuDNNLSTM": "its weights lie in another order",
    "DenseFeatures": "its columns are TensorFlow's own",
    "Highway": "it is of Keras 1",
    "LocallyConnected1D": "it was left out",
    "LocallyConnected2D": "it was left out",
    "MaxoutDense": "it is of Keras 1",
    "Merge": "it is of Keras 1",
    "SyncBatchNormalization": "BatchNormalization has an option for it",
}
"""Layers of earlier versions, and why Keras 3 has them no more."""
OPERATIONS = frozenset().union(*keras.OPERATIONS.values())
LAYERS = keras.LAYERS - set(RUNS_CODE) | {"Lambda"}  # of a function that Keras has
LAYER_HOMES = ("keras.layers", "keras.src.layers", "keras.src.legacy.layers")


@final
@dataclasses.dataclass(frozen=True)
class Slot:
    """A kind of place.

    Args:
        classes: Names of the classes that an object there may be of.
        functions: Names of the functions that may be there.
        words: Names that may stand there as a text alone.
        homes: Modules, with those below them, in which Keras keeps all these.
    """

    classes: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    homes: tuple[str, ...] = ()

    def is_home(self, module: str) -> bool:
        """Whether Keras keeps what belongs here in that module."""
        is_test = module.endswith("_test")  # which Keras has beside its modules
        inside = (module == one or module.startswith(f"{one}.") for one in self.homes)
        return not is_test and any(inside)


def _of(names: frozenset[str], *homes: str) -> Slot:
    """A slot for what Keras has under these names: classes, and functions in lower case."""
    kinds = frozenset(name for name in names if name[:1].isupper())
    return Slot(kinds, names - kinds, names, homes)


SLOTS = {
    "layer": Slot(
        classes=LAYERS | keras.MODELS | OPERATIONS,
        homes=(
            *LAYER_HOMES,
            "keras.distillation",
            "keras.models",
            "keras.src.activations",
            "keras.src.applications",
            "keras.src.distillation",
            "keras.src.models",
            "keras.src.ops",
            "keras.src.quantizers",
        ),
    ),
    "activation": Slot(
        classes=LAYERS,
        functions=keras.ACTIVATIONS | {HARD_SIGMOID},
        words=keras.ACTIVATIONS,
        homes=(*LAYER_HOMES, "keras.activations", "keras.src.activations", "builtins"),
    ),
    "function": Slot(
        functions=keras.ACTIVATIONS | {HARD_SIGMOID},
        homes=("keras.activations", "keras.src.activations", "builtins"),
    ),
    "initializer": _of(
        keras.INITIALIZERS, "keras.initializers", "keras.src.initializers", "builtins"
    ),
    "regularizer": _of(
        keras.REGULARIZERS, "keras.regularizers", "keras.src.regularizers", "builtins"
    ),
    "constraint": _of(keras.CONSTRAINTS, "keras.constraints", "keras.src.constraints", "builtins"),
    "loss": _of(
        keras.LOSSES | keras.METRICS,
        *("keras.losses", "keras.metrics", "keras.src.losses", "keras.src.metrics", "builtins"),
    ),
    "metric": _of(
        keras.METRICS | keras.LOSSES | {"acc", "ce", "crossentropy"},
        *("keras.losses", "keras.metrics", "keras.src.losses", "keras.src.metrics", "builtins"),
    ),
    "optimizer": _of(keras.OPTIMIZERS, "keras.optimizers", "keras.src.optimizers"),
    "schedule": _of(keras.SCHEDULES, "keras.optimizers", "keras.src.optimizers"),
    "dtype policy": _of(
        keras.POLICIES, "keras.dtype_policies", "keras.mixed_precision", "keras.src.dtype_policies"
    ),
    "quantizer": _of(keras.QUANTIZERS, "keras.quantizers", "keras.src.quantizers"),
    "seed": Slot(classes=frozenset({"SeedGenerator"}), homes=("keras.random", "keras.src.random")),
    "distillation loss": _of(keras.DISTILLATION, "keras.distillation", "keras.src.distillation"),
}
ROOT = "keras"  # models and policies are kept there too
ANY = Slot(
    classes=frozenset().union(*(slot.classes for slot in SLOTS.values())),
    functions=frozenset().union(*(slot.functions for slot in SLOTS.values())),
    homes=tuple({home for slot in SLOTS.values() for home in slot.homes}),
)
"""What the config of a class of one's own may hold: anything that Keras has a place for."""

BY_KEY = {
    "activation_quantizer": "quantizer",
    "backward_layer": "layer",
    "cell": "layer",
    "cells": "layer",
    "default_policy": "dtype policy",
    "distillation_losses": "distillation loss",
    "dtype": "dtype policy",
    "function": "function",
    "inner_optimizer": "optimizer",
    "layer": "layer",
    "layers": "layer",
    "learning_rate": "schedule",
    "loss": "loss",
    "mask": "function",
    "metrics": "metric",
    "optimizer": "optimizer",
    "optimizer_config": "optimizer",
    "output_shape": "function",
    "policy_map": "dtype policy",
    "quantization_config": "quantizer",
    "seed": "seed",
    "split": "function",
    "standardize": "function",
    "student": "layer",
    "teacher": "layer",
    "weight_quantizer": "quantizer",
    "weighted_metrics": "metric",
}
BY_ENDING = ("activation", "initializer", "regularizer", "constraint")
BY_NAME = (*BY_ENDING, "loss", "metric", "optimizer")  # may be given by a name alone


def role_of(key: str) -> str | None:
    """What the value of an option is for; None where it is plain data."""
    for ending in BY_ENDING:
        if key == ending or key.endswith(f"_{ending}"):
            return ending
    return BY_KEY.get(key)


def below(where: str, key: str, most: int = 400) -> str:
    """The place of an option; a place that is very long already stays as it is."""
    return where if len(where) > most else f"{where}.{key[:80]}"


def called(role: str) -> str:
    """A role with its article, as in "not an activation"."""
    return f"{'an' if role[0] in 'aio' else 'a'} {role}"
