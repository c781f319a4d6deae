"""What lies in the folder of a TensorFlow SavedModel, read without TensorFlow."""

from __future__ import annotations

import mmap
from collections.abc import Collection
from pathlib import Path

from tfxai.inspection.config.config_scan import ConfigScan
from tfxai.inspection.limits import Limits
from tfxai.inspection.readers import protobuf
from tfxai.inspection.readers.archive import walked
from tfxai.inspection.readers.foreign import POINTER, what_it_is
from tfxai.inspection.readers.source import Malformed
from tfxai.inspection.report import Findings
from tfxai.inspection.saved_model.checkpoints import INDEX, check_variables
from tfxai.inspection.saved_model.keras_records import (
    METADATA,
    KerasRecord,
    RecordedModel,
    described,
    record_of,
)
from tfxai.inspection.saved_model.meta_graphs import Reader, SavedModel

_OWN = ("saved_model.pb", "saved_model.pbtxt", "fingerprint.pb", METADATA)
_MADE = ("class_name", "config", "module", "registered_name")  # of what a layer is made
_FOLDERS = ("variables", "assets", "assets.extra", "debug")


def read_saved_model(
    path: Path, supplied: Collection[str], limits: Limits, found: Findings
) -> tuple[SavedModel | None, KerasRecord | None]:
    """What lies in the folder of a SavedModel, and what Keras 2 says of it.

    None, with a finding, where it cannot be read; None where Keras 2 says nothing.
    """
    names = dict(walked(path, limits, found))
    _check_files(names, found)
    if "saved_model.pb" not in names:
        found.refuse(
            "not read", "It has no saved_model.pb that could be read as an ordinary file."
        )
        return None, None
    if names["saved_model.pb"] > limits.graph_bytes or not names["saved_model.pb"]:
        found.refuse(
            "damaged",
            f"It has {names['saved_model.pb']:,} bytes; up to {limits.graph_bytes:,} are read.",
            "saved_model.pb",
        )
        return None, None
    objects = []
    if METADATA in names:
        objects = _check_keras(path / METADATA, supplied, limits, found)
    prints = _fingerprint(path / "fingerprint.pb") if "fingerprint.pb" in names else {}
    with (path / "saved_model.pb").open("rb") as file:
        # Closed when its last piece is forgotten: an exception may still hold some.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    if bytes(data[: len(POINTER)]) == POINTER:
        found.refuse("no model", what_it_is(POINTER) or "", "saved_model.pb")
        return None, None
    reader = Reader(limits, found, names)
    read = reader.model(data, prints)
    if INDEX in names:
        check_variables(path, names, limits, found)
    elif reader.needs_variables:
        found.refuse(
            "no model",
            f"It needs its variables, and there is no {INDEX}. Copy the whole folder.",
        )
    return read, record_of(objects or reader.described)


def is_part(name: str) -> bool:
    """Whether TensorFlow or a server reads a file of that name in the folder of a SavedModel."""
    return name in _OWN or (name.partition("/")[0] in _FOLDERS and "/" in name)


def _check_files(names: dict[str, int], found: Findings) -> None:
    for name in names:
        if not is_part(name):
            found.warn("extra file", "TensorFlow neither writes nor reads it.", name)


def _check_keras(
    path: Path, supplied: Collection[str], limits: Limits, found: Findings
) -> list[RecordedModel]:
    """The configs that Keras 2 keeps beside the graphs, and makes layers of.

    TensorFlow runs the graphs and makes no layers, so what a layer would need is not told of;
    what harms those who load it with Keras 2 is.
    """
    with path.open("rb") as file:
        data = file.read(4 * limits.json_bytes + 1)
    if len(data) > 4 * limits.json_bytes:
        found.refuse("damaged", "It is longer than any model needs.", METADATA)
        return []
    objects = described(memoryview(data), limits, found)
    own = Findings()
    scan = ConfigScan(own, supplied, legacy=True)
    for one in objects:
        if "class_name" in one.record:
            role = "metric" if "metric" in one.identifier else "layer"
            made = {key: one.record[key] for key in _MADE if key in one.record}
            scan.part(made, role, f"{METADATA}/{one.path}")
    for harm in own.report(path, "saved_model").at("refuse"):
        found.refuse(harm.what, harm.why, harm.where, harm.cve)
    return objects


def _fingerprint(path: Path) -> dict[str, str]:
    names = ["saved_model_checksum", "graph_def_program_hash", "signature_def_hash"]
    names += ["saved_object_graph_hash", "checkpoint_hash"]
    with path.open("rb") as file:
        data = memoryview(file.read(1 << 16))
    try:
        made = {name: str(protobuf.number(data, at + 1)) for at, name in enumerate(names)}
        return {**made, "uuid": protobuf.text(data, 7)}
    except Malformed:
        return {}
