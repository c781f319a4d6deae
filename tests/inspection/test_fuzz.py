"""Damaged files get an answer: a report or an error of ours, in time, and never a crash."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile
import zlib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inspection.attacks import members, zipped
from tests.inspection.honest import save, victim
from tests.inspection.honest_saved_models import called
from tests.inspection.library import HDF5, SAVED_MODEL, Library
from tfxai.errors import TfxaiError
from tfxai.inspection import Limits, inspect, scan
from tfxai.inspection.readers.hdf5 import read_tree
from tfxai.inspection.readers.source import ByteSource, Malformed
from tfxai.inspection.report import Findings
from tfxai.inspection.saved_model.graphs import DTYPE
from tfxai.inspection.saved_model.saved_model import read_saved_model

SECONDS = 3.0  # that one file may take: some 100 times the usual, for a busy machine
FUZZ = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,  # the same files in every run
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def bases(tmp_path_factory) -> Path:
    """A folder of honest files, small ones."""
    folder = tmp_path_factory.mktemp("bases")
    keras.utils.set_random_seed(1)
    model = victim()
    for ending in (".keras", ".h5"):
        save(model, folder / f"m{ending}")
    model.export(str(folder / "m"), verbose=False)
    content = members(folder / "m.keras")
    zipped(folder / "deflated.keras", content, compression=8)
    (folder / "m").rename(folder / "saved")
    weight = tf.Variable([2.0])
    called(lambda x: tf.cond(tf.size(x) > 1, lambda: x * weight, lambda: x), folder / "small",
           weight=weight)  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "saved").mkdir()
    return folder


def assert_answered(path: Path) -> None:
    started = time.perf_counter()
    try:
        found = inspect(path)
        json.dumps(found.to_dict())
        assert found.report.level in ("ok", "warn", "refuse")
    except TfxaiError:
        pass
    assert time.perf_counter() - started < SECONDS


NUMBERS = [b"\x00", b"\xff", b"\x7f", b"\xff" * 8, b"\x00" * 8, (1 << 40).to_bytes(8, "little")]
CHANGE = st.tuples(
    st.floats(0, 1, exclude_max=True),  # where, as a share of the file
    st.one_of(st.sampled_from(NUMBERS), st.binary(min_size=1, max_size=9)),
    st.sampled_from(["overwrite", "insert", "delete", "cut", "repeat"]),
)


def changed(data: bytes, share: float, new: bytes, how: str) -> bytes:
    at = int(share * len(data))
    if how == "overwrite":
        return data[:at] + new + data[at + len(new) :]
    if how == "insert":
        return data[:at] + new + data[at:]
    if how == "delete":
        return data[:at] + data[at + len(new) :]
    if how == "cut":
        return data[:at]
    return data[:at] + data[at // 2 :]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["m.keras", "deflated.keras", "m.h5", "saved/saved_model.pb"])
@FUZZ
@given(changes=st.lists(CHANGE, min_size=1, max_size=4))
def test_changed_bytes_get_an_answer(bases, place, name, changes):
    data = (bases / name).read_bytes()
    for change in changes:
        data = changed(data, *change)
    path = place / name
    path.write_bytes(data)
    assert_answered(path.parent if path.parent != place else path)


def structures(data: bytes) -> list[int]:
    """Where an HDF5 file has structures: the bytes that matter most to its reader."""
    marks = (b"TREE", b"HEAP", b"SNOD", b"GCOL", b"OHDR", b"OCHK", b"FRHP", b"BTHD", b"BTLF")
    places = [0]
    for mark in marks:
        at = data.find(mark)
        while at >= 0:
            places.append(at)
            at = data.find(mark, at + 1)
    return places


@pytest.mark.slow
@FUZZ
@given(
    place_at=st.integers(0, 10**6),
    offset=st.integers(0, 120),
    new=st.one_of(st.sampled_from(NUMBERS), st.binary(min_size=1, max_size=9)),
)
def test_changed_structures_of_hdf5_get_an_answer(bases, place, place_at, offset, new):
    data = (bases / "m.h5").read_bytes()
    places = structures(data)
    at = places[place_at % len(places)] + offset
    (place / "s.h5").write_bytes(data[:at] + new + data[at + len(new) :])
    assert_answered(place / "s.h5")


class Differs(AssertionError):
    """A library reads a file otherwise than the scan did."""


def assert_read_alike(path: Path, library: Library, ours) -> None:
    """Whatever is let through, the library reads as the scan did, or refuses."""
    try:
        read = ours(path)
    except Malformed:
        return
    theirs = library.read(path)
    if theirs is not None and json.loads(json.dumps(read)) != theirs:
        raise Differs(f"{read} is {theirs} to the library")


@pytest.fixture(scope="module")
def libraries():
    made = {"hdf5": Library(HDF5), "saved_model": Library(SAVED_MODEL)}
    yield made
    for one in made.values():
        one.close()


def hdf5_as_scanned(path: Path):
    data = path.read_bytes()
    tree = read_tree(ByteSource(io.BytesIO(data), 0, len(data)), Limits())
    found = {}
    for name, attributes in tree.attributes.items():
        array = tree.datasets.get(name)
        found[name] = ["group", attributes]
        if array is not None:
            found[name] = [array.kind.name, attributes, list(array.shape), array.stored]
    return {**found, **{name: ["link", {}] for name in tree.links}}


def small_hdf5(**options) -> bytes:
    """Every structure that is read: groups of both kinds, chunks, texts, more than one node."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        file.attrs["model_config"], file.attrs["keras_version"] = '{"a": 1}', b"2.1"
        for ordered in (False, True):
            group = file.create_group(f"vars{ordered}", track_order=ordered)
            for number in range(14):
                group.create_dataset(str(number), data=np.zeros((number + 1, 2), np.float32))
                group.attrs[f"name{number}"] = "x" * number
        numbers = np.arange(100.0).reshape(10, 10)
        file.create_dataset("packed", data=numbers, chunks=(5, 5), compression="gzip")
        file.create_dataset("chunks", data=numbers, chunks=(5, 5))
        file["text"] = np.array([b"ab", b"c"])
    return stream.getvalue()


HDF5_BASES = [small_hdf5(), small_hdf5(libver="latest")]
EDIT = st.tuples(
    st.integers(0, 10**6),  # which structure
    st.integers(0, 160),  # where in it
    st.one_of(
        st.sampled_from([b"\0", b"\1", b"\2", b"\x10", b"\xff", b"\0" * 8, b"\xff" * 8]),
        st.tuples(st.integers(0, 10**6), st.sampled_from([8, 16, 24])),  # other bytes of the file
        st.sampled_from([1, 2, 4, 8, 16, 32, 64, 128]),  # a bit that is turned
    ),
)


def edited(data: bytes, places: list[int], edits) -> bytes:
    made = bytearray(data)
    for which, offset, new in edits:
        at = min(places[which % len(places)] + offset, len(made) - 1)
        if isinstance(new, int):
            new = bytes([made[at] ^ new])
        elif isinstance(new, tuple):
            new = data[new[0] % len(data) :][: new[1]]
        made[at : at + len(new)] = new
    return bytes(made)


@pytest.mark.slow
@settings(FUZZ, max_examples=1500)
@given(base=st.sampled_from([0, 1]), edits=st.lists(EDIT, min_size=1, max_size=2))
def test_hdf5_is_read_as_the_library_reads_it_or_refused(place, libraries, base, edits):
    data = HDF5_BASES[base]
    path = place / "alike.h5"
    path.write_bytes(edited(data, structures(data), edits))
    assert_read_alike(path, libraries["hdf5"], hdf5_as_scanned)


def saved_model_as_scanned(path: Path):
    found = Findings()
    read, _ = read_saved_model(path.parent, (), Limits(), found)
    kinds_found = {finding.what for finding in found.report(path, "saved_model").findings}
    if read is None or "damaged" in kinds_found:
        raise Malformed("refused")
    kinds = {name: number for number, name in DTYPE.items()}
    signatures = {
        name: [*(sorted([end.name, kinds[end.dtype]] for end in ends) for ends in one[:2]), one[2]]
        for name, one in read.signatures.items()
    }
    return {"ops": read.ops, "signatures": signatures, "tags": list(read.tags)}


@pytest.mark.slow
@settings(FUZZ, max_examples=800)
@given(edits=st.lists(EDIT, min_size=1, max_size=3))
def test_a_saved_model_is_read_as_protobuf_reads_it_or_refused(bases, place, libraries, edits):
    data = (bases / "small" / "saved_model.pb").read_bytes()
    path = place / "saved" / "saved_model.pb"
    path.write_bytes(edited(data, list(range(0, len(data), 50)), edits))
    assert_read_alike(path, libraries["saved_model"], saved_model_as_scanned)


def from_header_to_header(data: bytes) -> dict[str, bytes]:
    """The members of an archive to a reader that does not look at its list of them."""
    found, place = {}, 0
    while data[place : place + 4] == b"PK\x03\x04":
        method, stored, _, name, extra = struct.unpack_from("<8xH8xLLHH", data, place)
        start = place + 30 + name + extra
        if stored == 0xFFFFFFFF:
            _, stored = struct.unpack_from("<4xQQ", data, place + 30 + name)
        content = data[start : start + stored]
        content = zlib.decompress(content, -15) if method == 8 else content
        found[data[place + 30 :][:name].decode()] = content
        place = start + stored
    return found


@pytest.mark.slow
@FUZZ
@given(name=st.sampled_from(["m.keras", "deflated.keras"]), edits=st.lists(EDIT, max_size=2))
def test_an_archive_has_the_same_members_to_every_reader_or_is_refused(bases, place, name, edits):
    data = (bases / name).read_bytes()
    places = [at for at in range(len(data)) if data[at : at + 2] == b"PK"]
    path = place / "alike.keras"
    path.write_bytes(edited(data, places, edits))
    if not scan(path).refused:
        try:
            with zipfile.ZipFile(path) as archive:
                listed = {one: archive.read(one) for one in archive.namelist()}
        except zipfile.BadZipFile:  # a sum of its bytes is wrong, and nothing is loaded
            return
        assert from_header_to_header(path.read_bytes()) == listed


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.sampled_from(["relu", "Lambda", "keras", "../x", "/etc/passwd", "Functional", "conv"]),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(
                ["class_name", "config", "module", "name", "layers", "layer", "shape", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=8,
)


def spots(value, found=None):
    """Every place in a config that can hold something else."""
    found = [] if found is None else found
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((value, key))
        if isinstance(inner, dict | list):
            spots(inner, found)
    return found


@pytest.mark.slow
@FUZZ
@given(picks=st.lists(st.tuples(st.integers(0, 10**6), JSON), min_size=1, max_size=3))
def test_a_config_with_anything_anywhere_gets_an_answer(bases, place, picks):
    content = members(bases / "m.keras")
    config = json.loads(content["config.json"])
    for number, new in picks:
        every = spots(config)
        holder, key = every[number % len(every)]
        holder[key] = new
        if not config:
            break
    zipped(place / "c.keras", {**content, "config.json": json.dumps(config).encode()})
    assert_answered(place / "c.keras")
