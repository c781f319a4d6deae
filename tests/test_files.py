import os
import stat

import pytest

from tfxai.errors import DataNotFoundError, OutputError
from tfxai.files import replacing


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_takes_its_place_when_the_block_succeeds(tmp_path):
    path = tmp_path / "a" / "b" / "map.npz"
    with replacing(path) as beside:
        assert beside.parent == path.parent
        assert beside.suffix == ".npz"
        assert not path.exists()
        beside.write_text("new")
    assert path.read_text() == "new"
    assert listing(path.parent) == ["map.npz"]


def test_earlier_file_stays_until_then_and_after_a_failure(tmp_path):
    path = tmp_path / "map.txt"
    path.write_text("old")

    def write_half():
        with replacing(path) as beside:
            beside.write_text("half")
            assert path.read_text() == "old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert listing(tmp_path) == ["map.txt"]
    with replacing(str(path)) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"


def test_mode_is_that_of_an_ordinary_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "a") as beside:
            beside.write_text("x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_folder_that_cannot_be_made_or_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(OutputError, match=r"Cannot write '.*file/map.png'.*Choose a folder"),
        replacing(tmp_path / "file" / "map.png"),
    ):
        pass
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(OutputError, match=r"Cannot write '.*folder'"),
        replacing(tmp_path / "folder") as beside,
    ):
        beside.write_text("x")
    assert listing(tmp_path) == ["file", "folder"]


def test_errors_of_our_own_pass_through(tmp_path):
    with (
        pytest.raises(DataNotFoundError, match="the photograph is gone"),
        replacing(tmp_path / "a"),
    ):
        raise DataNotFoundError("the photograph is gone")
    with pytest.raises(OutputError, match="No space left"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert listing(tmp_path) == []
