"""A version is there whole or not at all, and is never replaced unasked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import builders
from tests.processes import ROOT
from tfxai import Saliency
from tfxai.errors import OutputError
from tfxai.export import save, saving
from tfxai.export.folders import NewVersion, versions

KILLED = """
import os, signal, sys
from tests import builders
from tfxai import Saliency
from tfxai.export import save, saving
saving.write_record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
save(builders.functional(), sys.argv[1], [Saliency()])
"""


def test_a_version_has_no_place_beside_folders_of_models(tmp_path):
    graph = tmp_path / "m" / "1" / "saved_model.pb"
    graph.parent.mkdir(parents=True)
    graph.write_text("")
    for path in (tmp_path, tmp_path / "3"):
        with pytest.raises(OutputError, match=r"folders of models, such as 'm'.*Pass '.*NAME'"):
            NewVersion(path)
    assert NewVersion(tmp_path / "m").name == "m"
    (tmp_path / "m" / "old" / "1").mkdir(parents=True)
    (tmp_path / "m" / "old" / "1" / "saved_model.pb").write_text("")
    assert NewVersion(tmp_path / "m").name == "m"  # it has versions of its own


def test_a_version_is_named_or_the_next_one(tmp_path):
    for name in ("7", "0009", "old", ".tfxai-x"):
        (tmp_path / "m" / name).mkdir(parents=True)
    assert versions(tmp_path / "m") == [7, 9]
    folder = NewVersion(tmp_path / "m")
    with folder.writing() as beside:
        assert not beside.name.isdigit()
        assert beside.parent == tmp_path / "m"
        (beside / "graph").write_text("")
    assert folder.path == tmp_path / "m" / "10"
    assert folder.name == "m"
    assert folder.path.stat().st_mode & 0o777 == 0o777 & ~_umask()
    named = NewVersion(tmp_path / "m" / "12")
    with named.writing():
        pass
    assert named.path == tmp_path / "m" / "12"
    assert versions(tmp_path / "m") == [7, 9, 10, 12]


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_number_that_another_export_takes_meanwhile_is_passed_over(tmp_path):
    first, second = NewVersion(tmp_path / "m"), NewVersion(tmp_path / "m")
    with first.writing() as one, second.writing() as other:
        (one / "graph").write_text("first")
        (other / "graph").write_text("second")
    assert (second.path.name, first.path.name) == ("1", "2")
    assert (first.path / "graph").read_text() == "first"


def test_a_version_that_is_there_is_refused_or_replaced_whole(tmp_path):
    old = tmp_path / "m" / "3"
    old.mkdir(parents=True)
    (old / "graph").write_text("old")
    with pytest.raises(OutputError, match=r"There is a version .*Leave the number out"):
        NewVersion(old)
    with pytest.raises(OutputError, match="There is a version"):
        save(builders.functional(), old, [Saliency()])
    replaced = NewVersion(old, overwrite=True)
    with pytest.raises(KeyError), replaced.writing() as beside:
        _ = {}[beside]
    assert (old / "graph").read_text() == "old"
    with replaced.writing() as beside:
        (beside / "other").write_text("new")
    assert sorted(path.name for path in old.iterdir()) == ["other"]
    assert [path.name for path in old.parent.iterdir()] == ["3"]


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=r"Cannot write to .*file"),
        NewVersion(tmp_path / "file" / "m").writing(),
    ):
        pass


def test_an_error_while_writing_leaves_nothing(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "write_record", fails)
    with pytest.raises(OutputError, match="No space left on device"):
        save(builders.functional(), tmp_path / "m", [Saliency()])
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.slow
def test_a_kill_leaves_nothing_that_looks_like_a_version(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "m")],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = (tmp_path / "m").iterdir()
    assert left.name.startswith(".tfxai-")
    assert (left / "saved_model.pb").is_file()  # it was nearly done
    assert versions(Path(tmp_path / "m")) == []
