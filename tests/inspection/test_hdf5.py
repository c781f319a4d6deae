"""The reader of HDF5 files sees what the HDF5 library sees."""

from __future__ import annotations

import io

import h5py
import numpy as np
import pytest

from tfxai.inspection.limits import Limits
from tfxai.inspection.readers.hdf5 import read_tree
from tfxai.inspection.readers.source import ByteSource, Malformed


def tree_of(data: bytes, limits: Limits | None = None):
    return read_tree(ByteSource(io.BytesIO(data), 0, len(data)), limits or Limits())


def seen_by_library(data: bytes):
    """Arrays and attributes as h5py has them, in the words of `read_tree`."""
    datasets, attributes = {}, {}

    def visit(name, item):
        attributes[name] = {key: plain(value) for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            kind = "text" if item.dtype.kind in "SO" else item.dtype.name
            shape = (0,) if item.shape is None else item.shape
            datasets[name] = (shape, kind, item.id.get_storage_size())

    with h5py.File(io.BytesIO(data)) as file:
        visit("", file)
        file.visititems(visit)
    return datasets, attributes


def plain(value):
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value] if value.dtype.kind in "SO" else None
    if isinstance(value, bytes):
        return value.decode()
    return value if isinstance(value, str) else None


def assert_same(data: bytes) -> None:
    tree = tree_of(data)
    datasets, attributes = seen_by_library(data)
    read = {path: (d.shape, d.kind.name, d.stored) for path, d in tree.datasets.items()}
    assert read == datasets
    assert tree.attributes == attributes


def filled(count: int, **options) -> bytes:
    """A file with groups of that many arrays, in the order of their making, and attributes."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        for ordered in (False, True):
            group = file.create_group(f"vars{ordered}", track_order=ordered)
            for number in range(count):
                group.create_dataset(str(number), data=np.zeros((number + 1, 2), np.float16))
            for number in range(min(count, 40)):
                group.attrs[f"name{number}"] = "x" * number
        file["text"] = np.array([b"ab", b"c"])
        file["flags"] = np.array([True, False])
        file.create_dataset("empty", (0, 3))
        file.create_dataset("null", data=h5py.Empty("f4"))
        file.create_dataset("never_written", (100, 3), "i8")
        file.attrs["words"] = ["one", "two"]
        file.attrs["fixed"] = np.array([b"one", b"three"])
        file["scalar"] = 3
        file.attrs["number"] = 3.5
    return stream.getvalue()


@pytest.mark.parametrize("count", [0, 3, 9, 20, 300])
@pytest.mark.parametrize("options", [{}, {"libver": "latest"}, {"libver": ("v108", "v110")}])
def test_small_and_large_groups_of_every_kind_are_read(count, options):
    assert_same(filled(count, **options))


def test_chunks_are_counted_as_stored():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        noise = np.random.default_rng(0).random((500, 300))
        file.create_dataset("plain", data=noise, chunks=(10, 10))
        file.create_dataset("packed", data=noise.round(1), chunks=(50, 50), compression="gzip")
    assert_same(stream.getvalue())


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"shuffle": True},
        {"fletcher32": True},
        {"maxshape": (None, 70)},
    ],
    ids=lambda options: "-".join(options),
)
def test_filters_that_people_use_are_read(options):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        noise = np.random.default_rng(0).random((70, 30)).astype(np.float32)
        file.create_dataset("edges", data=noise, chunks=(32, 16), **options)
        file.create_dataset("constant", data=np.zeros((64, 32)), chunks=(32, 16), **options)
        whole = file.create_dataset("halves", (64, 32), "f4", chunks=(32, 16), **options)
        whole[:32] = 1.0  # the other chunks are not there
    assert_same(stream.getvalue())


def test_a_group_within_itself_ends():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_group("a")["up"] = file["/"]
    assert set(tree_of(stream.getvalue()).attributes) == {"", "a", "a/up"}


def test_more_objects_than_allowed_are_refused():
    with pytest.raises(Malformed, match=r"more (than|parts)"):
        tree_of(filled(300), Limits(objects=100))


def test_a_file_that_is_cut_anywhere_is_refused():
    whole = filled(20)
    for end in range(0, len(whole) - 1, 997):
        with pytest.raises(Malformed):
            tree_of(whole[:end])


@pytest.mark.parametrize(
    ("made", "twin", "what"),
    [("attribute", b"twin_b", "two attributes of one name"), ("group", b"twin_b", "two members")],
)
def test_two_of_one_name_are_refused_for_the_library_may_take_the_other(made, twin, what):
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name in ("twin_a", "twin_b"):
            if made == "attribute":
                file.attrs[name] = "x"
            else:
                file.create_group(name)
    tree_of(stream.getvalue())
    with pytest.raises(Malformed, match=what):
        tree_of(stream.getvalue().replace(twin, b"twin_a"))


def test_a_name_that_does_not_end_is_refused_for_the_library_cuts_it():
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = "harmless"
    data = stream.getvalue().replace(b"model_config\0", b"model_configX")
    with h5py.File(io.BytesIO(data)) as file:
        assert list(file.attrs) == ["model_config"]  # a second one of that name, to the library
    with pytest.raises(Malformed, match="does not end where it should"):
        tree_of(data)
