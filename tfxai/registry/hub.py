"""Classes of KerasHub and its presets, from files that were scanned."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import keras

from tfxai.errors import MissingExtraError, ModelFileError
from tfxai.inspection.presets import HUB_PACKAGES, TASK
from tfxai.inspection.readers.archive import CONFIG, PRESET_WEIGHTS
from tfxai.inspection.reading import Contents

_KINDS = {"task": "Task", "backbone": "Backbone", "preprocessor": "Preprocessor"}


def require_classes(needed: Iterable[str]) -> None:
    """Imports KerasHub where a model needs it, and looks for all that it needs of it there.

    Args:
        needed: Names of classes, such as "keras_hub.src.models.bert.bert_backbone.BertBackbone";
            those of other packages are passed over.

    Raises:
        MissingExtraError: KerasHub is not installed.
        ModelFileError: It has no class of such a name.
    """
    names = [one for one in needed if one.partition(".")[0] in HUB_PACKAGES]
    if not names:
        return
    version = _imported().__version__
    for one in names:
        _class_of(one.rpartition(".")[2], one, version)


def _imported() -> Any:
    try:
        return importlib.import_module(HUB_PACKAGES[0])
    except ImportError as error:
        if not _is_about_hub(error):
            raise
        raise MissingExtraError.of("keras-hub", "text") from error


def _is_about_hub(error: ImportError) -> bool:
    """Whether what is missing is KerasHub itself, or nothing that is named."""
    return error.name is None or error.name.partition(".")[0] in HUB_PACKAGES


def _class_of(name: str, whole: str, version: str) -> type:
    """What KerasHub has registered under a name.

    Raises:
        ModelFileError: Nothing, or somebody else's.
    """
    found = keras.saving.get_custom_objects().get(f"{HUB_PACKAGES[0]}>{name}")
    home = str(getattr(found, "__module__", "")).partition(".")[0]
    if not isinstance(found, type) or home != HUB_PACKAGES[0]:
        raise ModelFileError(
            f"It uses {whole[:120]!r}, which keras_hub {version} does not have. Install the "
            "version that wrote it, or save it again with this one."
        )
    return found


def load_preset(
    folder: Path, contents: Contents, custom_objects: Mapping[str, Any]
) -> keras.Model:
    """The task of a preset, with its weights and its preprocessor.

    Args:
        folder: Path of the folder that was scanned, an absolute one.
        contents: What the scan read of it.
        custom_objects: Classes and functions that neither Keras nor KerasHub has, by name.

    Raises:
        MissingExtraError: KerasHub is not installed.
        ModelFileError: It holds no task, or not all of it.
        OSError, ValueError, TypeError, ...: What KerasHub, Keras and h5py raise.
    """
    require_classes(contents.custom)
    hub = _imported()
    task = contents.beside.get(TASK)
    if not isinstance(task, dict):
        raise ModelFileError(
            f"It is a backbone without a task: there is no {TASK}, and so no output to explain. "
            "Load it as the task that you want, such as keras_hub.models.TextClassifier."
            "from_preset(folder, num_classes=2), train that, and pass the model."
        )
    kind = _fitting(task, "task", hub)
    options: dict[str, Any] = task.get("config") or {}
    _fitting(contents.config, "backbone", hub)
    _fitting(options.get("backbone"), "backbone", hub)
    if options.get("preprocessor") is not None:
        _fitting(options["preprocessor"], "preprocessor", hub)
    with keras.saving.custom_object_scope(dict(custom_objects)):
        model = kind.from_preset(str(folder))
    if type(model) is not kind:
        raise ModelFileError(
            f"Its {TASK} is a {kind.__name__}, and its {CONFIG} the backbone of a "
            f"{type(model).__name__}. Save the task again with save_to_preset."
        )
    if not (folder / PRESET_WEIGHTS).is_file() and model.has_task_weights():
        raise ModelFileError(
            f"It has no {PRESET_WEIGHTS}, so what lies behind the backbone would be random. Save "
            "the trained task with save_to_preset."
        )
    _check_vocabulary(model)
    return model


def _fitting(config: Any, kind: str, hub: Any) -> Any:
    """The class of a config, which must be of that kind."""
    name = config.get("class_name") if isinstance(config, dict) else None
    found = _class_of(str(name), str(name), hub.__version__)
    if not issubclass(found, getattr(hub.models, _KINDS[kind])):
        raise ModelFileError(
            f"It has a {found.__name__} in the place of a {kind}. Save it again with "
            "save_to_preset."
        )
    return found


def _check_vocabulary(model: Any) -> None:
    """Raises `ModelFileError` where a tokenizer gives ids that the model has no vector for."""
    tokenizer = getattr(getattr(model, "preprocessor", None), "tokenizer", None)
    rows = getattr(model.backbone, "vocabulary_size", None)
    if tokenizer is None or not isinstance(rows, int):
        return
    known = int(tokenizer.vocabulary_size())
    if known > rows:
        raise ModelFileError(
            f"Its tokenizer knows {known:,} tokens, and its model has vectors for {rows:,}. Put "
            "the vocabulary back that belongs to it."
        )
