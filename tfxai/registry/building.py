"""A model from the config that was scanned and the weights beside it."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from tfxai.inspection.old_keras.configs import HARD_SIGMOID
from tfxai.inspection.readers.archive import CONFIG, WEIGHTS
from tfxai.inspection.reading import Contents

_PACKAGE, _, _NAME = HARD_SIGMOID.partition(">")
_FLIPPED = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")
_PIECE = 1 << 20


@keras.saving.register_keras_serializable(_PACKAGE, _NAME)
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """clip(0.2 x + 0.5, 0, 1), which Keras 3 has with the slope 1/6.

    Args:
        x: A tensor.

    Returns:
        A tensor of the same shape.
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def build(
    path: Path, contents: Contents, custom_objects: Mapping[str, Any], *, safe_mode: bool
) -> keras.Model:
    """The model of a file or folder that Keras saved, not compiled.

    Args:
        path: Path of the file that was scanned.
        contents: What the scan read of it.
        custom_objects: Classes and functions that Keras does not have, by name.
        safe_mode: Whether Keras refuses code that the file brings along.

    Raises:
        OSError, ValueError, TypeError, ...: What Keras and h5py raise.
    """
    custom = _by_every_name(custom_objects, contents.supplied)
    options: Any = {"custom_objects": custom, "compile": False, "safe_mode": safe_mode}
    with tempfile.TemporaryDirectory() as folder:
        if contents.config is not None and contents.format == "hdf5":
            return _from_hdf5(_ending_in(".h5", path, Path(folder)), contents, custom, safe_mode)
        if contents.config is not None and (contents.rewritten or _has_backslashes(contents)):
            whole = Path(folder) / "model.keras"
            with _members(path) as members, zipfile.ZipFile(whole, "w") as archive:
                _copy(members, archive, contents)
            return keras.saving.load_model(whole, **options)
        if path.is_dir():
            return keras.saving.load_model(path, **options)
        ending = ".h5" if contents.format == "hdf5" else ".keras"
        return keras.saving.load_model(_ending_in(ending, path, Path(folder)), **options)


def _by_every_name(custom_objects: Mapping[str, Any], wanted: tuple[str, ...]) -> dict[str, Any]:
    """What the caller passes as "Name", also under the file's "package>Name"."""
    made = dict(custom_objects)
    for name in wanted:
        short = name.rpartition(">")[2]
        if short in made:
            made.setdefault(name, made[short])
    return made


def _ending_in(ending: str, path: Path, folder: Path) -> Path:
    """The file under a name whose ending says what it is, as Keras wants it."""
    if path.suffix == ending:
        return path
    link = folder / f"model{ending}"
    try:
        link.symlink_to(path.resolve())
    except OSError:  # Windows, where not everybody may make links
        shutil.copyfile(path, link)
    return link


# HDF5 files.


def _from_hdf5(
    path: Path, contents: Contents, custom: Mapping[str, Any], safe_mode: bool
) -> keras.Model:
    with keras.saving.custom_object_scope(custom):
        model = keras.saving.deserialize_keras_object(
            contents.config, custom_objects=custom, safe_mode=safe_mode
        )
        by_name = not contents.renamed and _is_in_another_order(path, model)
        model.load_weights(path, by_name=by_name)
    if contents.metadata.get("backend") == "theano":
        _flip_kernels(model)
    return model


def _is_in_another_order(path: Path, model: keras.Model) -> bool:
    """Whether a file has the layers of a model in an order that is not the model's."""
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        stored = [name for name in _names(group, "layer_names") if _names(group[name])]
    own = [layer.name for layer in model.layers if layer.weights]
    return stored != own and sorted(stored) == sorted(own)


def _names(group: h5py.Group, of: str = "weight_names") -> list[str]:
    """Names in an attribute, or in several where they are many."""
    found: list[Any] = list(group.attrs.get(of, ()))
    chunk = 0
    while f"{of}{chunk}" in group.attrs:
        found += list(group.attrs[f"{of}{chunk}"])
        chunk += 1
    return [one.decode() if isinstance(one, bytes) else str(one) for one in found]


def _flip_kernels(model: keras.Model) -> None:
    """Theano turned kernels round, other backends do not."""
    for layer in model._flatten_layers():
        if type(layer).__name__ not in _FLIPPED:
            continue
        cell = getattr(layer, "cell", layer)
        for variable in (getattr(cell, name, None) for name in ("kernel", "recurrent_kernel")):
            if variable is not None:
                axes = tuple(range(len(variable.shape) - 2))
                variable.assign(np.flip(variable.numpy(), axes))


# Archives.


@contextlib.contextmanager
def _members(path: Path) -> Iterator[dict[str, Any]]:
    """Names of the members of an archive, or of the files of a folder, and how to open them."""
    if path.is_dir():
        files = [one for one in path.rglob("*") if one.is_file()]
        yield {one.relative_to(path).as_posix(): (lambda one=one: one.open("rb")) for one in files}
        return
    with zipfile.ZipFile(path) as archive:
        yield {name: (lambda name=name: archive.open(name)) for name in archive.namelist()}


def _copy(members: dict[str, Any], archive: zipfile.ZipFile, contents: Contents) -> None:
    """An archive with another config, and weights that Keras finds."""
    for name, opened in members.items():
        if name == CONFIG:
            archive.writestr(CONFIG, json.dumps(contents.config))
        elif name == WEIGHTS and _has_backslashes(contents):
            with opened() as file:
                archive.writestr(WEIGHTS, _with_slashes(file.read()))
        elif not name.endswith("/"):
            with opened() as file, archive.open(name, "w", force_zip64=True) as copy:
                shutil.copyfileobj(file, copy, _PIECE)


def _has_backslashes(contents: Contents) -> bool:
    return contents.weights is not None and any("\\" in path for path in contents.weights.datasets)


def _with_slashes(data: bytes) -> bytes:
    """A file of weights whose groups are named with backslashes, as Windows has them."""
    stream = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as old, h5py.File(stream, "w") as new:

        def visit(name: str, item: Any) -> None:
            place = name.replace("\\", "/")
            if isinstance(item, h5py.Dataset):
                copy = new.create_dataset(place, data=item[()])
            else:
                copy = new.require_group(place)
            for key, value in item.attrs.items():
                copy.attrs[key] = value

        old.visititems(visit)
    return stream.getvalue()


def version_of_keras() -> str:
    """Of the Keras that loads models."""
    return str(keras.__version__)


__all__ = ["build", "hard_sigmoid_of_keras_2", "version_of_keras"]
