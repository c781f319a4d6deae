"""Archives that other programs wrote from the same members are let through."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import tfxai
from tests.builders import KERAS_SAVES
from tests.inspection.attacks import members
from tfxai.inspection import scan

pytestmark = pytest.mark.filterwarnings(KERAS_SAVES)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("zips") / "m.keras"
    start = keras.initializers.Constant(2.0)
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer=start)]).save(
        path
    )
    return path


class Pipe(io.RawIOBase):
    """A stream in which nobody can go back, so that sizes come after the data."""

    def __init__(self, file) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        return int(self._file.write(data))


def streamed(content: dict[str, bytes], path: Path) -> None:
    with path.open("wb") as file, zipfile.ZipFile(Pipe(file), "w", 8) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def large_format(content: dict[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)


def with_a_note(content: dict[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
        archive.comment = b"made by hand"


def with_a_folder(content: dict[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w", 8, compresslevel=9) as archive:
        archive.writestr("assets/", b"")
        for name, data in reversed(content.items()):
            archive.writestr(name, data)


def by_info_zip(content: dict[str, bytes], path: Path) -> None:
    if shutil.which("zip") is None:
        pytest.skip("the program zip is not installed")
    folder = path.with_suffix("")
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    subprocess.run(["zip", "-q", "-r", path.absolute(), "."], cwd=folder, check=True)


@pytest.mark.parametrize(
    "write", [streamed, large_format, with_a_note, with_a_folder, by_info_zip]
)
def test_an_archive_that_is_packed_again_is_let_through_and_loads(model, tmp_path, write):
    path = tmp_path / "again.keras"
    write(members(model), path)
    assert scan(path).level == "ok", scan(path).findings
    loaded = tfxai.load(path).model
    np.testing.assert_array_equal(loaded(np.ones((1, 3))), [[6.0]])
