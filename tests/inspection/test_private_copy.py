"""What is scanned is what is loaded, whatever happens to the files in between."""

from __future__ import annotations

import gc
import os
import shutil
import stat
import tempfile
from collections import namedtuple
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfxai
from tests.builders import KERAS_SAVES
from tests.inspection.honest_saved_models import called, with_table_of_a_file
from tfxai.errors import DataNotFoundError, OutputError, UnsafeModelError
from tfxai.inspection import PrivateCopy, private_copy
from tfxai.registry import loading

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)
X = np.ones((2, 3), np.float32)


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files in which nothing may be left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def dense(value: float) -> keras.Model:
    start = keras.initializers.Constant(value)
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer=start)])


def folder_of(value: float, path: Path) -> Path:
    weight = tf.Variable(np.full((3, 1), value, np.float32))
    spec = [tf.TensorSpec([None, 3], tf.float32, name="x")]
    called(lambda x: x @ weight, path, spec, weight=weight)
    return path


def swapping(monkeypatch, swap) -> None:
    """Runs something between the scan of a file and its load."""
    judge = loading._judge

    def judged(*arguments):
        judge(*arguments)
        swap()

    monkeypatch.setattr(loading, "_judge", judged)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("how", ["replaced", "written over", "linked"])
def test_a_file_that_is_swapped_after_its_scan_changes_nothing(
    tmp_path, monkeypatch, temporary, ending, how
):
    path, other = tmp_path / f"m{ending}", tmp_path / f"other{ending}"
    dense(1.0).save(path)
    dense(5.0).save(other)
    if how == "linked":
        target = path.rename(tmp_path / f"target{ending}")
        path.symlink_to(target)

    def swap():
        if how == "replaced":
            other.replace(path)
        elif how == "written over":
            path.write_bytes(other.read_bytes())
        else:
            path.unlink()
            path.symlink_to(other)

    swapping(monkeypatch, swap)
    # without the second look at a file that has changed
    monkeypatch.setattr(loading, "read_whole", lambda root, name, read: read())
    np.testing.assert_array_equal(loading.load(path).model(X), np.full((2, 1), 3.0))
    assert list(temporary.glob("tfxai-*")) == []


@pytest.mark.parametrize("name", ["saved_model.pb", "variables", ""])
def test_a_folder_that_is_swapped_after_its_scan_changes_nothing(tmp_path, monkeypatch, name):
    path, other = folder_of(1.0, tmp_path / "m"), folder_of(5.0, tmp_path / "other")

    def swap():
        (path / name).rename(tmp_path / "gone")
        (other / name).rename(path / name)

    swapping(monkeypatch, swap)
    np.testing.assert_array_equal(tfxai.load(path).predict(X), np.full((2, 1), 3.0))


def test_a_part_that_becomes_a_link_while_it_is_copied_is_refused(tmp_path, monkeypatch):
    path, walk = folder_of(1.0, tmp_path / "m"), private_copy.walked

    def late(*arguments):
        yield from walk(*arguments)
        (path / "variables").rename(tmp_path / "elsewhere")
        (path / "variables").symlink_to(tmp_path / "elsewhere")

    monkeypatch.setattr(private_copy, "walked", late)
    with pytest.raises(DataNotFoundError, match=r"cannot be read"):
        PrivateCopy(path)


def test_a_link_in_a_folder_is_refused_and_followed_on_trust(tmp_path):
    path = folder_of(1.0, tmp_path / "m")
    (path / "variables").rename(tmp_path / "elsewhere")
    (path / "variables").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeModelError, match="symbolic link"):
        tfxai.load(path)
    np.testing.assert_array_equal(tfxai.load(path, trust=True).predict(X), np.full((2, 1), 3.0))


def test_nobody_else_may_enter_the_copy(tmp_path):
    path = tmp_path / "m.keras"
    dense(1.0).save(path)
    with PrivateCopy(path) as copy:
        assert stat.S_IMODE(copy.path.parent.stat().st_mode) == 0o700
        assert copy.path.read_bytes() == path.read_bytes()
        assert copy.report.path == path
    assert not copy.path.parent.exists()


def test_the_copy_of_a_saved_model_lasts_as_long_as_the_model(tmp_path, temporary):
    with_table_of_a_file(tmp_path / "m")
    subject = tfxai.load(tmp_path / "m")
    shutil.rmtree(tmp_path / "m")
    layer = next(one for one in subject.model.layers if hasattr(one, "_keeps"))
    tf.saved_model.save(layer._keeps()[0], str(tmp_path / "again"))  # its vocabulary included
    assert (tmp_path / "again" / "assets").is_dir()
    del subject, layer
    gc.collect()
    assert list(temporary.glob("tfxai-*")) == []


def test_a_disk_without_room_for_a_copy_is_told_of(tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    dense(1.0).save(path)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 1000))
    with pytest.raises(OutputError, match=r"1,000 are free in .*let TMPDIR name"):
        tfxai.load(path)


def test_without_a_folder_for_temporary_files_there_is_a_sentence(tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    dense(1.0).save(path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OutputError, match=r"no folder for temporary files.*Let TMPDIR name"):
        tfxai.load(path)


def test_a_copy_that_ends_on_a_full_disk_leaves_nothing(tmp_path, monkeypatch, temporary):
    path = tmp_path / "m.keras"
    dense(1.0).save(path)
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no device that is always full")
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r", *a: real(full if mode == "xb" else self,
                                                      "wb" if mode == "xb" else mode, *a)
    )  # fmt: skip
    with pytest.raises(OutputError, match="No space left on device"):
        PrivateCopy(path)
    assert list(temporary.glob("tfxai-*")) == []


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "m.keras")
    with pytest.raises(DataNotFoundError, match="no saved model"):
        PrivateCopy(tmp_path / "m.keras")


def test_the_graph_of_a_saved_model_stands_for_its_folder(tmp_path):
    path = folder_of(1.0, tmp_path / "m")
    subject = tfxai.load(path / "saved_model.pb")
    np.testing.assert_array_equal(subject.predict(X), np.full((2, 1), 3.0))
    assert tfxai.inspect_model(path / "saved_model.pb").format == "saved_model"
