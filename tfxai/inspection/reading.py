"""One pass over a saved model: what it holds, and what is wrong with it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, final

from tfxai.errors import DataNotFoundError, TfxaiError
from tfxai.inspection.config.config_scan import ConfigScan
from tfxai.inspection.config.training import TrainingScan
from tfxai.inspection.limits import Limits
from tfxai.inspection.old_keras.configs import rewritten
from tfxai.inspection.presets import check_members, check_options, is_of_hub, needs_hub
from tfxai.inspection.readers.archive import (
    CONFIG,
    METADATA,
    PRESET_CONFIGS,
    PRESET_WEIGHTS,
    WEIGHTS,
    WEIGHTS_NPZ,
    Archive,
    FolderArchive,
)
from tfxai.inspection.readers.foreign import in_archive, what_it_is
from tfxai.inspection.readers.hdf5 import SIGNATURE, Tree, read_tree
from tfxai.inspection.readers.json_files import parsed
from tfxai.inspection.readers.source import ByteSource, Malformed, Unread
from tfxai.inspection.report import Findings, Report
from tfxai.inspection.saved_model.meta_graphs import SavedModel
from tfxai.inspection.saved_model.saved_model import read_saved_model
from tfxai.inspection.weights import check_claims, check_tree

UNKNOWN = "It is neither a .keras archive nor an HDF5 file."
_START = 512  # bytes that tell what a file is


@final
@dataclasses.dataclass
class Contents:
    """What was read of a saved model.

    Args:
        format: "keras", "keras_folder", "keras_hub" (a preset), "hdf5", "saved_model" or
            "unknown".
        config: Config of the model, as Keras 3 takes it; it is what was scanned. Of a preset, that
            of its backbone.
        beside: Configs that KerasHub keeps beside it, by the names of their files.
        rewritten: Whether the file says it in another form.
        renamed: Names of layers in the file that Keras 3 does not take, by those in the config.
        training: What it was compiled with.
        metadata: Keras' version, when it was saved.
        weights: Groups and arrays of the file of weights.
        custom: Names that loading needs and the caller does not supply.
        supplied: Names that it needs and the caller does supply.
        saved_model: What a SavedModel says.
    """

    format: str = "unknown"
    config: Any = None
    beside: dict[str, Any] = dataclasses.field(default_factory=dict)
    rewritten: bool = False
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)
    training: Any = None
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights: Tree | None = None
    custom: tuple[str, ...] = ()
    supplied: tuple[str, ...] = ()
    saved_model: SavedModel | None = None


def place_of(path: str | os.PathLike[str]) -> Path:
    """The path of a model: the folder, where it leads to the graph of a SavedModel."""
    place = Path(path)
    return place.parent if place.name == "saved_model.pb" and not place.is_dir() else place


@contextlib.contextmanager
def unreadable(place: Path) -> Iterator[None]:
    """Gives the system's errors the word of tfxai.

    Raises:
        DataNotFoundError: Something may not be read.
    """
    try:
        yield
    except TfxaiError:
        raise
    except OSError as error:
        raise DataNotFoundError(
            f"{str(place)!r} cannot be read: {error.strerror or error}. Pass a .keras or .h5 file "
            "or the folder of a SavedModel that you may read."
        ) from error


def read(
    path: str | os.PathLike[str],
    supplied: Collection[str],
    limits: Limits,
    found: Findings | None = None,
    shown: Path | None = None,
) -> tuple[Contents, Report]:
    """What a file holds and what is wrong with it.

    Args:
        path: Path of a file, or of a folder.
        supplied: Names of custom objects.
        limits: What is read and allowed.
        found: What was found so far, in making a copy.
        shown: The path that the report has and whose ending counts; that of the file if left out.

    Raises:
        DataNotFoundError: There is nothing at that path, or it may not be read.
    """
    place, contents = place_of(path), Contents()
    found, shown = found or Findings(), shown or place
    try:
        with unreadable(place):
            if place.is_dir():
                _read_folder(place, contents, found, supplied, limits)
            elif place.is_file():
                with place.open("rb") as file:
                    _read_file(shown, file, contents, found, supplied, limits)
            else:
                raise DataNotFoundError(
                    f"There is no saved model {str(place)!r}. Pass a .keras or .h5 file or the "
                    "folder of a SavedModel."
                )
    except Malformed as error:
        _refuse_malformed(error, found)
    if contents.format != "saved_model":  # whose weights are those of its graphs
        datasets = contents.weights.datasets.values() if contents.weights else ()
        check_claims(contents.config, datasets, limits, found)
    if not found.refused:
        found.ok("nothing harmful", "Nothing was found that would keep it from being loaded.")
    return contents, found.report(shown, contents.format)


def _read_file(
    path: Path,
    file: Any,
    contents: Contents,
    found: Findings,
    supplied: Collection[str],
    limits: Limits,
) -> None:
    size = os.fstat(file.fileno()).st_size
    start = file.read(_START)
    known = what_it_is(start)
    suffix = path.suffix.lower()
    if start[:8] == SIGNATURE:
        contents.format = "hdf5"
        if suffix not in (".h5", ".hdf5"):
            found.ok("other ending", f"An HDF5 file that ends in {suffix!r}, not in .h5.")
        _read_hdf5(ByteSource(file, 0, size), contents, found, supplied, limits)
    elif start[:2] == b"PK" or (suffix == ".keras" and known is None):
        contents.format = "keras"
        known = in_archive(Archive(file, size, limits, Findings()).names)
        if known is not None:
            contents.format = "unknown"
            found.refuse("no model", known)
            return
        if suffix != ".keras":
            found.ok("other ending", f"A .keras archive that ends in {suffix!r}.")
        archive = Archive(file, size, limits, found)
        found.ok("members", f"{len(archive.names)} members were read.")
        _read_keras(archive, contents, found, supplied, limits)
    else:
        found.refuse("no model", known or UNKNOWN)


def _read_folder(
    path: Path, contents: Contents, found: Findings, supplied: Collection[str], limits: Limits
) -> None:
    if any((path / name).exists() for name in ("saved_model.pb", "saved_model.pbtxt")):
        contents.format = "saved_model"
        contents.saved_model, record = read_saved_model(path, supplied, limits, found)
        if record is not None:
            contents.config, contents.training = record.config, record.training
            contents.metadata = {"keras_version": record.version}
    elif (path / CONFIG).exists():
        contents.format = "keras_folder"
        folder = FolderArchive(path, limits, found)
        custom = _read_preset(folder, contents, found, supplied, limits)
        _read_keras(folder, contents, found, supplied, limits)
        if is_of_hub(contents.config):
            contents.format = "keras_hub"
            contents.custom = tuple(dict.fromkeys((*custom, *contents.custom)))
            check_members(path, folder.names, limits, found)
    else:
        names = {one.name for one in itertools.islice(path.iterdir(), 1000)}
        why = "The folder has no saved_model.pb and no config.json."
        if "checkpoint" in names:
            why = (
                "It holds a checkpoint, weights alone. Build the model in code, load them by its "
            )
            why += "load_weights(path), and pass the model."
        found.refuse("no model", why)


def _read_keras(
    members: Archive | FolderArchive,
    contents: Contents,
    found: Findings,
    supplied: Collection[str],
    limits: Limits,
) -> None:
    config = _json(members, CONFIG, limits, found)
    metadata = _json(members, METADATA, limits, found)
    if CONFIG not in members.names:
        found.refuse("no model", "It has no config.json, which says what the model is.")
    if METADATA not in members.names:
        found.warn("no metadata", "It has no metadata.json, which Keras writes.")
    contents.metadata = metadata if isinstance(metadata, dict) else {}
    _scan_config(config, contents, found, supplied, legacy=False)
    if WEIGHTS in members.names:
        _read_weights(members.source(WEIGHTS), WEIGHTS, contents, found, limits)
    elif WEIGHTS_NPZ in members.names:
        found.refuse(
            "weights not read",
            "Its weights are a NumPy archive, which Keras fills with pickled objects. Save the "
            "model again with weights_format='h5', the default.",
            WEIGHTS_NPZ,
        )
    else:
        found.refuse("no weights", f"It has no {WEIGHTS}, so Keras cannot load it.")
    if is_of_hub(config) or needs_hub((*contents.custom, *contents.supplied)):
        arrays = len(contents.weights.datasets) if contents.weights else 0
        check_options({CONFIG: config, **contents.beside}, arrays, limits, found)


def _read_preset(
    folder: FolderArchive,
    contents: Contents,
    found: Findings,
    supplied: Collection[str],
    limits: Limits,
) -> tuple[str, ...]:
    """What KerasHub keeps beside a model, and what it needs; the model itself is read after it."""
    custom: dict[str, None] = {}
    for name in PRESET_CONFIGS:
        config = _json(folder, name, limits, found)
        if config is not None:
            scan = ConfigScan(found, supplied, legacy=False)
            scan.part(config, "layer", name)
            contents.beside[name] = config
            custom |= scan.allow_list.custom
    if PRESET_WEIGHTS in folder.names:
        _read_weights(folder.source(PRESET_WEIGHTS), PRESET_WEIGHTS, contents, found, limits)
    return tuple(custom)


def _json(members: Archive | FolderArchive, name: str, limits: Limits, found: Findings) -> Any:
    data = members.read(name, limits.json_bytes)
    return None if data is None else parsed(data, name, limits, found)


def _read_hdf5(
    source: ByteSource,
    contents: Contents,
    found: Findings,
    supplied: Collection[str],
    limits: Limits,
) -> None:
    _read_weights(source, "", contents, found, limits)
    attributes = contents.weights.attributes[""] if contents.weights else {}
    text = attributes.get("model_config")
    if not isinstance(text, str):
        found.refuse("no model", _without_config(contents.weights))
        return
    if contents.weights and "model_weights" not in contents.weights.attributes:
        found.refuse(
            "no weights", "It has a config and no model_weights, so Keras cannot load it."
        )
    contents.metadata = {k: v for k, v in attributes.items() if k in ("keras_version", "backend")}
    training = attributes.get("training_config")
    if isinstance(training, str):
        contents.training = parsed(training, "training_config", limits, found)
    config = parsed(text, "model_config", limits, found)
    _scan_config(config, contents, found, supplied, legacy=True)


def _without_config(tree: Tree | None) -> str:
    """What an HDF5 file is that has no `model_config`."""
    groups = {name.partition("/")[0] for name in tree.attributes} if tree else set()
    own = tree.attributes[""] if tree else {}
    if "layer_names" in own or groups & {"layers", "vars", "_layer_checkpoint_dependencies"}:
        return (
            "It holds weights alone, as save_weights writes them. Build the model in code, load "
            "them by its load_weights(path), and pass the model."
        )
    return "It has no model_config, so it is no model of Keras."


def _read_weights(
    source: ByteSource | None, where: str, contents: Contents, found: Findings, limits: Limits
) -> None:
    if source is None:  # and a finding says why
        return
    try:
        with contextlib.closing(source):
            contents.weights = read_tree(source, limits)
    except Malformed as error:
        _refuse_malformed(error, found, where)
        return
    found.ok("weights", f"{len(contents.weights.datasets)} arrays were read.", where)
    check_tree(contents.weights, where, limits, found)


def _scan_config(
    config: Any, contents: Contents, found: Findings, supplied: Collection[str], *, legacy: bool
) -> None:
    if config is None:
        return
    if not isinstance(config, dict) or "class_name" not in config:
        found.refuse("no model", "Its config names no class, so there is no model to make.")
        return
    version = major_version(contents.metadata)
    if version == 1:
        _warn_of_keras_1(contents, found)
    made = rewritten(config, version, hdf5=legacy, supplied=supplied)
    config, contents.rewritten, contents.renamed = made.config, made.changed, made.renamed
    for what in made.unlike if version != 1 else ():
        found.warn(
            "Keras 2 only",
            f"It has {what}, which Keras 3 does not know and which changes the answer. Load it "
            "with the version that wrote it and export it as a SavedModel: tfxai.load takes that.",
        )
    scan, training = ConfigScan(found, supplied, legacy), TrainingScan(found)
    scan.model(config, "")
    if not legacy:
        contents.training = config.get("compile_config")
    training.training(contents.training, "training_config" if legacy else "compile_config")
    for inner in made.training:
        training.training(inner, "compile_config of a model inside")
    contents.config = config
    contents.custom = tuple(scan.allow_list.custom)
    contents.supplied = tuple(scan.allow_list.supplied)
    found.ok("config", "Every class and function that it names was looked at.")


def major_version(metadata: dict[str, Any]) -> int | None:
    """First number of the version of Keras that wrote a file; None where it does not say."""
    found = re.match(r"\d+", str(metadata.get("keras_version", "")).strip())
    return int(found[0][:4]) if found else None


def _warn_of_keras_1(contents: Contents, found: Findings) -> None:
    found.warn(
        "Keras 1",
        f"Keras {contents.metadata.get('keras_version')} wrote it, whose layers and weights Keras "
        "3 cannot load. Load it with Keras 2 (keras<2.4), and save it again from there.",
    )


def _refuse_malformed(error: Malformed, found: Findings, where: str = "") -> None:
    if isinstance(error, Unread):
        found.refuse(
            "not read",
            f"It uses {error}, which Keras does not write and this scanner does not read. Load "
            "it where it comes from and save it again.",
            where,
        )
    else:
        found.refuse("damaged", f"It is damaged or cut short: {error}.", where)
