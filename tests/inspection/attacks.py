"""Harmful files, each made from an honest one by the change that is the attack."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Attack:
    """A file to build from an honest one, and what the scan has to say of it."""

    name: str
    build: Callable[[Path, Path], None]  # honest file, path to write to
    suffix: str
    what: str
    cve: str | None = None
    level: str = "refuse"
    where: str = ""


# What a config can hold.


def found(config: Any, name: str) -> Config:
    """The layer of that name."""
    todo = [config]
    while todo:
        one = todo.pop()
        if isinstance(one, list):
            todo += one
        elif isinstance(one, dict):
            inner = one.get("config")
            if isinstance(inner, dict) and inner.get("name") == name and "class_name" in one:
                return one
            todo += one.values()
    raise LookupError(name)


def option(layer: str, key: str, value: Any) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        found(config, layer)["config"][key] = copy.deepcopy(value)

    return change


def entry(layer: str, key: str, value: Any) -> Callable[[Config], None]:
    def change(config: Config) -> None:
        found(config, layer)[key] = copy.deepcopy(value)

    return change


def instead(layer: str, class_name: str, config: Config, module: Any = "keras.layers"):
    """Another layer in the place of one."""

    def change(whole: Config) -> None:
        node = found(whole, layer)
        node.update(class_name=class_name, config={"name": layer, **copy.deepcopy(config)})
        if "module" in node:
            node.update(module=module, registered_name=None)

    return change


def call(module: str | None, name: str, registered: str | None = None) -> Config:
    """A function as Keras serialises one."""
    record = {"module": module, "class_name": "function", "config": name}
    return {**record, "registered_name": registered or "function"}


def obj(module: str | None, name: str, **config: Any) -> Config:
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


CODE = {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None}}
POPEN = obj("subprocess", "Popen", args=["touch", "/tmp/owned"])
COMPILE = "compile state"


def compiled(key: str, value: Any) -> Callable[[Config], None]:
    """In what the model was compiled with, wherever the format keeps it."""

    def change(config: Config) -> None:
        config["compile_config"][key] = copy.deepcopy(value)

    change.__dict__[COMPILE] = True
    return change


LAMBDA, GET_FILE, UNSAFE = "CVE-2024-3660", "CVE-2025-8747", "CVE-2025-9906"
MODULES, VOCABULARY, BOMB = "CVE-2025-1550", "CVE-2025-12058", "CVE-2026-12570"
code, module, not_part = "code in the file", "module outside Keras", "not a part of a model"
PLOT, FETCH = call("keras.utils", "plot_model"), call("keras.utils", "get_file")
deep: Any = 0
for _ in range(150):
    deep = [deep]

# Name: the change, what is found, the vulnerability.
CONFIGS: dict[str, tuple[Callable[[Config], None], str, str | None]] = {
    "lambda": (instead("out", "Lambda", {"function": CODE}), code, LAMBDA),
    "lambda-of-old": (instead("out", "Lambda", {"function": ["4wE=", None, None]}), code, LAMBDA),
    "lambda-nested": (instead("hidden", "Lambda", {"function": CODE}), code, LAMBDA),
    "lambda-in-a-wrapper": (instead("forward_lstm", "Lambda", {"function": CODE}), code, LAMBDA),
    "bytecode-as-activation": (option("hidden", "activation", CODE), code, LAMBDA),
    "bytecode-in-a-call": (entry("out", "inbound_nodes", [{"kwargs": {"k": CODE}}]), code, LAMBDA),
    "saved-model-layer": (
        instead("out", "TFSMLayer", {"filepath": "/tmp/evil"}), code, "CVE-2026-1462"),
    "torch-module": (
        instead("out", "TorchModuleWrapper", {"module": "gAR9"}), code, "CVE-2025-49655"),
    "jax-function": (instead("out", "JaxLayer", {"call_fn": CODE}), code, None),
    "function-of-os": (option("out", "activation", call("os", "getpid")), module, MODULES),
    "class-of-subprocess": (option("hidden", "activation", POPEN), module, MODULES),
    "class-of-subprocess-in-disguise": (
        option("hidden", "activation", {**POPEN, "registered_name": "a>b"}), module, MODULES),
    "builtin-eval": (option("hidden", "activation", obj("builtins", "eval")), module, MODULES),
    "class-in-build": (entry("bn", "build_config", {"x": POPEN}), module, MODULES),
    "type-spec": (
        option("bn", "x", {"class_name": "__typespec__", "spec_name": "S", "module": "evil",
                           "registered_name": None, "config": []}), module, MODULES),
    "get-file": (option("out", "activation", FETCH), "not an activation", GET_FILE),
    "plot-model": (option("out", "activation", PLOT), "not an activation", None),
    "plot-model-as-class": (
        option("forward_lstm", "recurrent_activation", obj("keras.utils", "plot_model")),
        "not an activation", None),
    "unsafe-mode": (
        option("conv", "kernel_initializer",
               call("keras.config", "enable_unsafe_deserialization")),
        "not an initializer", UNSAFE),
    "layer-as-initializer": (
        option("hidden", "kernel_initializer", obj("keras.layers", "Dense", units=3)),
        "not an initializer", None),
    "text-as-regularizer": (
        option("hidden", "kernel_regularizer", "os.system"), "not a regularizer", None),
    "loader-as-constraint": (
        option("hidden", "bias_constraint", call("keras.models", "load_model")),
        "not a constraint", None),
    "data-set-as-layer": (
        instead("out", "load_data", {}, "keras.datasets.cifar10"), "not a layer", None),
    "loss": (compiled("loss", FETCH), "not a loss", GET_FILE),
    "loss-of-an-output": (compiled("loss", {"out": call("os", "system")}), module, MODULES),
    "metric": (compiled("metrics", [[PLOT]]), "not a metric", None),
    "optimizer": (compiled("optimizer", POPEN), module, MODULES),
    "vocabulary": (
        instead("out", "StringLookup", {"vocabulary": "/etc/hostname"}),
        "file outside", VOCABULARY),
    "vocabulary-by-url": (
        instead("hidden", "TextVectorization", {"vocabulary": "http://10.0.0.1/v.txt"}),
        "file outside", VOCABULARY),
    "path-as-name": (option("conv", "name", "../../evil"), "path as a name", "CVE-2026-12479"),
    "many-units": (
        option("out", "units", 10**11), "claims more than the file holds", None),
    "many-words": (
        instead("out", "Embedding", {"input_dim": 10**6, "output_dim": 10**6}),
        "claims more than the file holds", None),
    "wide-input": (
        entry("out", "build_config", {"input_shape": [None, 10**11]}),
        "claims more than the file holds", None),
    "array-of-objects": (
        option("bn", "x", {"class_name": "__numpy__", "config": {"value": [1], "dtype": "O"}}),
        "no numbers", None),
    "deep": (option("bn", "x", deep), "JSON out of bounds", None),
    "many-values": (option("bn", "x", [0] * 600_000), "JSON out of bounds", None),
}  # fmt: skip
# What an .h5 file has no place for: `build_config`, functions by module, attributes of megabytes.
KERAS_ONLY = {"wide-input", "class-in-build", "many-values", "deep", "data-set-as-layer"}
WARNINGS = {
    "registered": (instead("hidden", "mine>Layer", {}, None), "custom object"),
    "other-function": (option("out", "activation", call("builtins", "mine>act")), "custom object"),
    "path": (option("bn", "x", "/etc/passwd"), "path in the config"),
}
H5_ONLY = {
    "function-as-layer": (instead("out", "deserialize", {"config": CODE}), "not a layer"),
    "write-file-layer": (
        instead("out", "TFOpLambda", {"function": "io.write_file"}), "not a layer"),
}  # fmt: skip


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(path: Path, content: dict[str, bytes], **options: Any) -> None:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def in_archive(change: Callable[[Config], None]) -> Callable[[Path, Path], None]:
    def build(honest: Path, path: Path) -> None:
        content = members(honest)
        config = json.loads(content["config.json"])
        change(config)
        zipped(path, {**content, "config.json": json.dumps(config).encode()})

    return build


def in_h5(change: Callable[[Config], None]) -> Callable[[Path, Path], None]:
    """The same in the attributes of an `.h5` file, where compile state lies apart."""

    def build(honest: Path, path: Path) -> None:
        path.write_bytes(honest.read_bytes())
        with h5py.File(path, "a") as file:
            config = json.loads(file.attrs["model_config"])
            training = json.loads(file.attrs["training_config"])
            whole = {**config, "compile_config": training}
            if "compile_config" in whole and COMPILE in change.__dict__:
                change(whole)
                optimizer = training.pop("optimizer", None)
                training.update({"optimizer_config": optimizer} if optimizer else {})
            else:
                change(config)
            for name, value in (("model_config", config), ("training_config", training)):
                del file.attrs[name]
                file.attrs[name] = json.dumps(value).encode()

    return build


# What an archive can hold.


def with_member(name: str, data: bytes = b"x", **fields: Any) -> Callable[[Path, Path], None]:
    def build(honest: Path, path: Path) -> None:
        zipped(path, members(honest))
        info = zipfile.ZipInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
            warnings.simplefilter("ignore")
            archive.writestr(info, data)

    return build


def with_members(change: Callable[[dict[str, bytes]], Any]) -> Callable[[Path, Path], None]:
    def build(honest: Path, path: Path) -> None:
        content = members(honest)
        change(content)
        zipped(path, content)

    return build


def with_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path, Path], None]:
    def build(honest: Path, path: Path) -> None:
        path.write_bytes(change(honest.read_bytes()))

    return build


def encrypted(data: bytes) -> bytes:
    """The first member marked as encrypted, in the list of members and beside it."""
    place = data.index(b"PK\x01\x02")
    data = data[: place + 8] + b"\x01\x00" + data[place + 10 :]
    return data[:6] + b"\x01\x00" + data[8:]


def overlapping(data: bytes) -> bytes:
    """Every entry of the list is given the last one's place and size, as in a zip quine."""
    entries, place = [], data.index(b"PK\x01\x02")
    while data[place : place + 4] == b"PK\x01\x02":
        entries.append(place)
        name, extra, note = struct.unpack_from("<HHH", data, place + 28)
        place += 46 + name + extra + note
    made, last = bytearray(data), entries[-1]
    for one in entries:
        made[one + 20 : one + 28] = data[last + 20 : last + 28]
        made[one + 42 : one + 46] = data[last + 42 : last + 46]
    return bytes(made)


def twice(honest: Path, path: Path) -> None:
    content = members(honest)
    text = content["config.json"].replace(
        b'"class_name"', b'"class_name": "Lambda", "class_name"', 1
    )
    zipped(path, {**content, "config.json": text})


def hidden_member(data: bytes) -> bytes:
    """A member before the list of members that the list does not have."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("config.json", "{}")
    hidden = stream.getvalue()[: stream.getvalue().index(b"PK\x01\x02")]
    place = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    start = struct.pack("<L", place + len(hidden))
    return data[:place] + hidden + data[place : end + 16] + start + data[end + 20 :]


def other_header(offset: int, new: bytes) -> Callable[[bytes], bytes]:
    """The header before the first member says something else than the list."""
    return lambda data: data[:offset] + new + data[offset + len(new) :]


def second_list(data: bytes) -> bytes:
    """A note at the end that is itself the end of a list."""
    end = data.rindex(b"PK\x05\x06")
    note = b"PK\x05\x06" + bytes(30)
    return data[: end + 20] + struct.pack("<H", len(note)) + note


def other_name(honest: Path, path: Path) -> None:
    """A note by which newer readers call the member something else."""
    content = members(honest)
    config = content.pop("config.json")
    zipped(path, content)
    info = zipfile.ZipInfo("config.json")
    name = b"metadata.json"
    checked = zlib.crc32(b"config.json")
    info.extra = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, checked) + name
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, config)


LINK = {"external_attr": 0o120777 << 16}
DEFLATED = {"compress_type": zipfile.ZIP_DEFLATED}
outside = ("path outside", "GHSA-hqp4-2352-xf5r")
ARCHIVES: dict[str, tuple[Callable[[Path, Path], None], str, str | None]] = {
    "duplicate-config": (with_member("config.json", b"{}"), "duplicate member", None),
    "duplicate-key": (twice, "duplicate key", None),
    "absolute-member": (with_member("/etc/cron.d/evil"), *outside),
    "climbing-member": (with_member("assets/../../evil"), *outside),
    "backslash-member": (with_member("assets\\..\\evil"), *outside),
    "symlink": (with_member("assets/vocabulary.txt", b"/etc/passwd", **LINK), "link", None),
    "python-file": (with_member("evil.py"), "foreign member", None),
    "pickle": (with_member("optimizer.pkl"), "foreign member", None),
    "lzma": (
        with_member("assets/a", compress_type=zipfile.ZIP_LZMA), "unusual compression", None),
    "bomb": (with_member("assets/a", bytes(1 << 26), **DEFLATED), "decompression bomb", None),
    "bomb-as-config": (
        with_members(lambda m: m.update({"config.json": b"[" * (17 << 20)})),
        "member out of bounds", None),
    "encrypted": (with_bytes(encrypted), "encrypted member", None),
    "overlapping": (with_bytes(overlapping), "overlapping members", None),
    "hidden-member": (with_bytes(hidden_member), "something between the members", None),
    "other-name": (other_name, "unusual extra field", None),
    "other-name-in-header": (
        with_bytes(other_header(30, b"METADATA")), "damaged member", None),
    "other-size-in-header": (
        with_bytes(other_header(18, b"\x01\0\0\0")), "two lists that differ", None),
    "other-method-in-header": (
        with_bytes(other_header(8, b"\x08\0")), "two lists that differ", None),
    "second-list": (with_bytes(second_list), "two lists that differ", None),
    "suffix": (
        with_bytes(lambda data: data + b"PK\x03\x04more"), "two lists that differ", None),
    "prefix": (with_bytes(lambda data: b"MZ" + data), "something before the archive", None),
    "cut-short": (with_bytes(lambda data: data[: len(data) // 2]), "damaged", None),
    "many-members": (
        with_members(lambda m: m.update({f"assets/{n}": b"" for n in range(22_000)})),
        "damaged", None),
    "pickled-weights": (
        with_members(lambda m: m.update({"model.weights.npz": m.pop("model.weights.h5")})),
        "weights not read", None),
    "no-config": (with_members(lambda m: m.pop("config.json")), "no model", None),
    "no-weights": (with_members(lambda m: m.pop("model.weights.h5")), "no weights", None),
}  # fmt: skip


# What an HDF5 file can hold. Each takes the group that holds a kernel, and that kernel's name.


def h5_external_link(group: h5py.Group, name: str) -> None:
    del group[name]
    group[name] = h5py.ExternalLink("/etc/secrets.h5", "/data")


def h5_soft_link(group: h5py.Group, name: str) -> None:
    del group[name]
    group[name] = h5py.SoftLink("/elsewhere")


def h5_external_data(group: h5py.Group, name: str) -> None:
    shape = group[name].shape
    del group[name]
    files = [("/etc/passwd", 0, int(np.prod(shape)) * 4)]
    group.create_dataset(name, shape, "f4", external=files)


def h5_virtual(group: h5py.Group, name: str) -> None:
    shape = group[name].shape
    del group[name]
    layout = h5py.VirtualLayout(shape, "f4")
    layout[...] = h5py.VirtualSource("/etc/secrets.h5", "data", shape=shape)
    group.create_virtual_dataset(name, layout)


def h5_shape_bomb(group: h5py.Group, name: str) -> None:
    del group[name]
    group.create_dataset(name, (10**6, 10**6), "f4", chunks=(1000, 1000), compression="gzip")


def h5_compressed_bomb(group: h5py.Group, name: str) -> None:
    del group[name]
    zeros = np.zeros((1 << 23,), "f4")
    group.create_dataset(name, data=zeros, chunks=(1 << 20,), compression="gzip")


def h5_never_written(group: h5py.Group, name: str) -> None:
    del group[name]
    group.create_dataset(name, (1 << 40,), "f4")


def h5_objects(group: h5py.Group, name: str) -> None:
    del group[name]
    group.create_dataset(name, (2,), h5py.vlen_dtype(np.int32))


def h5_references(group: h5py.Group, name: str) -> None:
    del group[name]
    group.create_dataset(name, (2,), h5py.ref_dtype)


def h5_wide_chunk(group: h5py.Group, name: str) -> None:
    """One chunk of 1 GiB that unpacks from little, for an array of four numbers."""
    del group[name]
    made = group.create_dataset(
        name, (4,), "f4", maxshape=(None,), chunks=(1 << 20,), compression="gzip"
    )
    made[:] = 0.0


def h5_long_stream(group: h5py.Group, name: str) -> None:
    """A chunk whose stream goes on after the chunk is full: the library unpacks all of it."""
    del group[name]
    made = group.create_dataset(name, (1000,), "f4", chunks=(1000,), compression="gzip")
    made.id.write_direct_chunk((0,), zlib.compress(bytes(1 << 22)))


def h5_short_stream(group: h5py.Group, name: str) -> None:
    del group[name]
    made = group.create_dataset(name, (1000,), "f4", chunks=(1000,), compression="gzip")
    made.id.write_direct_chunk((0,), zlib.compress(bytes(100)))


def h5_unusual_filter(group: h5py.Group, name: str) -> None:
    del group[name]
    group.create_dataset(name, data=np.zeros(1000, "f4"), chunks=(100,), compression="lzf")


def h5_many_names(group: h5py.Group, name: str) -> None:
    """One array under many names: each is read, and counts as weights that are held."""
    made = group.create_dataset("x", data=np.zeros(20_000, "f4"))
    for number in range(100):
        group[f"x{number}"] = made


WEIGHTS = {
    "wide-chunk": (h5_wide_chunk, "shape bomb", BOMB),
    "long-stream": (h5_long_stream, "damaged", None),
    "short-stream": (h5_short_stream, "damaged", None),
    "unusual-filter": (h5_unusual_filter, "not read", None),
    "many-names": (h5_many_names, "damaged", None),
    "external-link": (h5_external_link, "link", "CVE-2026-1669"),
    "soft-link": (h5_soft_link, "link", None),
    "external-data": (h5_external_data, "data outside", "CVE-2026-1669"),
    "virtual-data": (h5_virtual, "data outside", "CVE-2026-1669"),
    "shape-bomb": (h5_shape_bomb, "shape bomb", BOMB),
    "compressed-bomb": (h5_compressed_bomb, "shape bomb", BOMB),
    "never-written": (h5_never_written, "shape bomb", BOMB),
    "elements-of-any-length": (h5_objects, "no numbers", None),
    "references": (h5_references, "no numbers", None),
}


def two_objects(data: bytes) -> bytes:
    """A second object of one index in a heap: the library takes the last one."""
    stream = io.BytesIO(data)
    with h5py.File(stream, "a") as file:
        del file.attrs["backend"]
        file.attrs["backend"], file.attrs["other"] = "tensorflow" * 3, "elsewhere!" * 3
    made = bytearray(stream.getvalue())
    first, second = (made.rindex(text) - 16 for text in (b"tensorflow" * 3, b"elsewhere!" * 3))
    made[second : second + 2] = made[first : first + 2]
    return bytes(made)


def overlapping_arrays(data: bytes) -> bytes:
    """Two arrays of one size in the same bytes, shifted by a few."""
    stream = io.BytesIO(data)
    with h5py.File(stream, "a") as file:
        one, other = (file.create_dataset(n, data=np.ones(999, "f4")) for n in ("one", "other"))
        places = [made.id.get_offset() for made in (one, other)]
    made = stream.getvalue()
    second = struct.pack("<QQ", places[1], 999 * 4)
    return made.replace(second, struct.pack("<QQ", places[0] + 8, 999 * 4))


def another_note(data: bytes) -> bytes:
    """The note beside a group's name leads to other members than the group itself."""
    at = data.index(b"SNOD") + 8
    while struct.unpack_from("<I", data, at + 16)[0] != 1:
        at += 40
    return data[: at + 24] + struct.pack("<Q", 4096) + data[at + 32 :]


H5_FILES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut-short": (lambda data: data[: len(data) // 2], "damaged"),
    "no-hdf5": (lambda data: b"GARBAGE!" + data, "no model"),
    "another-file-behind": (lambda data: data + b"PK\x05\x06" + bytes(18), "damaged"),
    "two-objects-of-one-index": (two_objects, "damaged"),
    "overlapping-arrays": (overlapping_arrays, "damaged"),
    "another-note": (another_note, "damaged"),
    "another-superblock": (lambda data: data[:8] + b"\x09" + data[9:], "not read"),
}


def weights_in_archive(change: Callable[[h5py.Group, str], None]):
    def build(honest: Path, path: Path) -> None:
        content = members(honest)
        stream = io.BytesIO(content["model.weights.h5"])
        with h5py.File(stream, "a") as file:
            change(file["layers/conv2d/vars"], "0")
        zipped(path, {**content, "model.weights.h5": stream.getvalue()})

    return build


def weights_in_h5(change: Callable[[h5py.Group, str], None]):
    def build(honest: Path, path: Path) -> None:
        path.write_bytes(honest.read_bytes())
        with h5py.File(path, "a") as file:
            change(file["model_weights/conv/conv"], "kernel")

    return build


def as_folder(change: Callable[[Path], None]) -> Callable[[Path, Path], None]:
    def build(honest: Path, path: Path) -> None:
        for name, data in members(honest).items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
        change(path)

    return build


def linked(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to("/etc/hostname")

    return change


def attacks() -> list[Attack]:
    """Every attack on `.keras` files, the folders that Keras writes, and `.h5` files."""
    made = []
    for name, (change, what, cve) in CONFIGS.items():
        made.append(Attack(name, in_archive(change), ".keras", what, cve))
        legacy = "CVE-2025-9905" if name.startswith("lambda") else cve
        if name not in KERAS_ONLY:
            made.append(Attack(name, in_h5(change), ".h5", what, legacy))
    for name, (change, what) in WARNINGS.items():
        made.append(Attack(name, in_archive(change), ".keras", what, level="warn"))
        made.append(Attack(name, in_h5(change), ".h5", what, level="warn"))
    for name, (change, what) in H5_ONLY.items():
        made.append(Attack(name, in_h5(change), ".h5", what))
    for name, (build, what, cve) in ARCHIVES.items():
        made.append(Attack(name, build, ".keras", what, cve))
    for name, (change, what, cve) in WEIGHTS.items():
        made.append(Attack(name, weights_in_archive(change), ".keras", what, cve))
        made.append(Attack(name, weights_in_h5(change), ".h5", what, cve))
    for name, (change, what) in H5_FILES.items():
        made.append(Attack(name, with_bytes(change), ".h5", what))
    for name in ("assets/vocabulary.txt", "model.weights.h5", "config.json"):
        build = as_folder(linked(name))
        made.append(Attack(f"folder-{Path(name).name}", build, "", "link"))
    return made
