"""Damaged files get an answer: a report or an error of ours, in time, and never a crash."""

from __future__ import annotations

import json
import time
from pathlib import Path

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inspection.attacks import members, zipped
from tests.inspection.honest import save, victim
from tfxai.errors import TfxaiError
from tfxai.inspection import inspect

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
    marks = (b"TREE", b"HEAP", b"SNOD", b"GCOL")
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
