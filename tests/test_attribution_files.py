"""Attributions written and read again, without pickle; files that hold none."""

import dataclasses
import json
import pickle
import zipfile

import numpy as np
import pytest

from tests import builders
from tests.attributions import VALUES, attribution, full
from tfxai.attribution import Attribution
from tfxai.baselines import Samples
from tfxai.errors import DataNotFoundError, InvalidInputError, OutputError
from tfxai.methods import AttributionMethod, DeepSHAP, IntegratedGradients, SmoothGrad
from tfxai.plotting.labels import facts


def assert_same(a, b):
    for field in dataclasses.fields(Attribution):
        mine, theirs = getattr(a, field.name), getattr(b, field.name)
        if isinstance(mine, dict) and field.name in ("values", "inputs", "details"):
            assert list(mine) == list(theirs)
            for name in mine:
                np.testing.assert_array_equal(mine[name], theirs[name])
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs, field.name


CASES = {
    "every field": full,
    "few fields": attribution,
    "named": lambda: attribution(
        {"b/c": VALUES, "a": VALUES[..., 0]}, inputs={"b/c": VALUES, "a": np.ones((2, 1), int)}
    ),
    "maps": lambda: attribution(VALUES[..., 0].astype(np.float32), is_map=True, is_signed=False),
    "targets with axes": lambda: attribution(target=np.array([[1, 2], [3, 4]], np.int32)),
}


@pytest.mark.parametrize("case", CASES)
def test_file_gives_back_every_field(case, tmp_path):
    a = CASES[case]()
    path = a.save(tmp_path / "map.npz")
    assert_same(a, Attribution.load(path))
    with np.load(path, allow_pickle=False) as file:
        for name in file.files:
            assert file[name].dtype != object


def test_attribution_of_a_method_survives(tmp_path):
    method = IntegratedGradients(steps=2, baseline=builders.images(1)[0])
    a = method(builders.functional(), builders.images(2))
    back = Attribution.load(a.save(tmp_path / "ig"))
    assert_same(a, back)
    assert IntegratedGradients.from_config(back.method) == method
    np.testing.assert_array_equal(back.heatmap((9, 9)), a.heatmap((9, 9)))


@pytest.mark.parametrize(
    "method",
    [
        DeepSHAP(background=builders.images(3)),
        SmoothGrad(of=IntegratedGradients(baseline=Samples(builders.images(3)), steps=2)),
    ],
    ids=lambda method: method.name,
)
def test_arrays_of_options_are_arrays_of_the_file(method, tmp_path):
    a = method(builders.functional(), builders.images(2))
    path = a.save(tmp_path / "a.npz")
    back = Attribution.load(path)
    assert_same(a, back)
    assert AttributionMethod.from_config(back.method) == method
    with np.load(path) as file:
        assert sum(array.shape == (3, *builders.IMAGE) for array in file.values()) == 1
        assert len(str(file["about"])) < 2000
    for one in (a, back):
        assert json.loads(json.dumps(one.to_dict()))["method"] == method.to_config()
        assert "3 baselines" in " ".join(facts(one[0]))


def test_suffix_is_added_and_nothing_else_is_left(tmp_path):
    assert full().save(tmp_path / "a.b").name == "a.b.npz"
    assert full().save(str(tmp_path / "c.npz")).name == "c.npz"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.b.npz", "c.npz"]


def test_file_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=r"Cannot write .*Choose a folder"):
        full().save(tmp_path / "file" / "a.npz")


def npz(path, **arrays):
    with path.open("wb") as file:
        np.savez(file, **arrays)


def truncated(path):
    data = full().save(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])


def corrupted(path):
    data = bytearray(full().save(path).read_bytes())
    data[60:200] = bytes(140)
    path.write_bytes(data)


def other_version(path):
    full().save(path)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["about"] = np.array(str(arrays["about"]).replace('"format": 1', '"format": 99'))
    npz(path, **arrays)


def without(name):
    def write(path):
        full().save(path)
        with np.load(path) as file:
            arrays = {key: file[key] for key in file.files if key != name}
        npz(path, **arrays)

    return write


def zipped_text(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("about.npy", "text")


def one_array(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))


GARBAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("no array"),
    "one array": one_array,
    "a pickle": lambda path: path.write_bytes(pickle.dumps({"values": 1})),
    "objects": lambda path: npz(path, about=np.array([{}], object)),
    "other arrays": lambda path: npz(path, x=np.ones(3)),
    "about nothing": lambda path: npz(path, about=np.array("[]")),
    "about no JSON": lambda path: npz(path, about=np.array("{")),
    "truncated": truncated,
    "corrupted": corrupted,
    "another version": other_version,
    "no values": without("values"),
    "no inputs": without("inputs"),
    "no target": without("target"),
    "no score": without("score"),
    "zipped text": zipped_text,
}


@pytest.mark.parametrize("case", GARBAGE)
def test_file_of_other_content_is_refused(case, tmp_path):
    path = tmp_path / "a.npz"
    GARBAGE[case](path)
    with pytest.raises(InvalidInputError, match=r"a\.npz' holds no attribution.*save\(\) wrote"):
        Attribution.load(path)


def test_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(DataNotFoundError, match="There is no file"):
            Attribution.load(path)
