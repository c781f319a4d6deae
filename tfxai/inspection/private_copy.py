"""A copy of a saved model that nobody else writes to, so that what is scanned is what is loaded.

Between a scan and a load somebody could put another file, or another target of a link, in its
place. So every file is opened once, copied into a folder that only this user may enter, and the
copy is what the scan reads and what Keras or TensorFlow gets.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
import weakref
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, final

from tfxai.errors import DataNotFoundError, OutputError
from tfxai.inspection.limits import MIB, Limits, chosen
from tfxai.inspection.readers.archive import walked
from tfxai.inspection.reading import place_of, read, unreadable
from tfxai.inspection.report import Findings
from tfxai.inspection.saved_model.saved_model import is_part

_PIECE = MIB
_WIDEST = 8  # bytes of a number that is stored in fewer
_DEEP = 20  # folders in one another, where links may form a loop
_SPARE = 64 * MIB  # bytes that are left on the disk
_ENDINGS = {"keras": ".keras", "hdf5": ".h5"}  # by which Keras chooses its reader
# Absent on some systems; a pipe is not waited for, a link not followed.
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FLAGS |= getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


@final
class PrivateCopy(contextlib.AbstractContextManager["PrivateCopy"]):
    """A saved model in a private folder, and what the scan of it found.

    Used as a context manager: at its end the folder is removed, unless `keep_for` was called.

    Args:
        path: Path of the file, or of the folder of a SavedModel.
        custom_objects: As for `scan`.
        limits: As for `scan`.
        follow: Copy what symbolic links in a folder lead to, where nobody minds that they are
            there; they are found all the same.

    Raises:
        DataNotFoundError: There is nothing at that path, or it may not be read.
        OutputError: There is no room for a copy.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        custom_objects: Collection[str] = (),
        limits: Limits | None = None,
        follow: bool = False,
    ) -> None:
        source, found = place_of(path), Findings()
        self.limits = limits = chosen(limits)
        self._folder = _new_folder()
        self._remove = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._is_kept = False
        try:
            with unreadable(source):
                self.path = self._folder / "model"
                if source.is_dir():
                    _copy_folder(source, self.path, limits, found, follow)
                elif source.is_file():
                    _copy_file(source, self.path)
                else:
                    raise DataNotFoundError(f"There is no saved model {str(source)!r}.")
            self.contents, self.report = read(self.path, custom_objects, limits, found, source)
        except BaseException:
            self._remove()
            raise
        if self.path.is_file():
            ending = _ENDINGS.get(self.contents.format, source.suffix)
            self.path = self.path.rename(self.path.with_name(f"model{ending}"))

    @property
    def bytes_to_make(self) -> int:
        """Bytes of variables that a model may ask for: those that the file holds, and some."""
        held = self.contents.weights.datasets.values() if self.contents.weights else ()
        return _WIDEST * sum(one.elements for one in held) + self.limits.unstored_bytes

    def keep_for(self, user: Any) -> None:
        """Leaves the folder there as long as an object lives that may read from it again."""
        self._is_kept = True
        self._remove.detach()
        weakref.finalize(user, shutil.rmtree, self._folder, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        if not self._is_kept:
            self._remove()


def _new_folder() -> Path:
    """A folder that only this user may enter."""
    try:
        return Path(tempfile.mkdtemp(prefix="tfxai-"))
    except OSError as error:
        raise OutputError(
            f"There is no folder for temporary files ({error.strerror or error}), where a copy of "
            "a model is kept while it is loaded. Let TMPDIR name one that can be written to."
        ) from error


def _copy_file(source: Path, target: Path) -> None:
    file = os.open(source, _FLAGS)
    with os.fdopen(file, "rb") as opened:
        _require_room(os.fstat(file).st_size, source, target.parent)
        _copy(opened, target)


def _copy_folder(
    source: Path, target: Path, limits: Limits, found: Findings, follow: bool
) -> None:
    """Everything of a model; what no loader reads of a SavedModel stays where it is."""
    files = dict(walked(source, limits, found))
    if follow:
        files |= {name: (source / name).stat().st_size for name in _linked(source)}
    if "saved_model.pb" in files:
        for name in [name for name in files if not is_part(name)]:
            found.warn("extra file", "TensorFlow neither writes nor reads it.", name)
            del files[name]
    _require_room(sum(files.values()), source, target.parent)
    target.mkdir()
    with _opened(source, None, 0) as root:
        for name in files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            _copy_below(root, source, name, target / name, 0 if follow else _NO_LINK)


def _copy_below(root: int | None, source: Path, name: str, target: Path, flags: int) -> None:
    """One file of an open folder, none of whose parts is a link unless `flags` allow it."""
    *folders, last = name.split("/")
    with contextlib.ExitStack() as above:
        place = root
        for folder in folders:
            place = above.enter_context(_opened(Path(folder), place, flags))
        path = source / name if place is None else last
        with os.fdopen(os.open(path, _FLAGS | flags, dir_fd=place), "rb") as opened:
            _copy(opened, target)


def _linked(source: Path) -> Iterator[str]:
    """Files that links lead to, by the names under which they are found."""
    for folder, _, names in os.walk(source, followlinks=True):
        if len(Path(folder).relative_to(source).parts) > _DEEP:
            return
        for name in names:
            path = Path(folder, name)
            if path.is_file():
                yield path.relative_to(source).as_posix()


@contextlib.contextmanager
def _opened(folder: Path, above: int | None, flags: int) -> Iterator[int | None]:
    """A folder that stays the same whatever its path leads to; None where systems have no such."""
    if os.open not in os.supports_dir_fd:
        yield None
        return
    place = os.open(folder, _FLAGS | getattr(os, "O_DIRECTORY", 0) | flags, dir_fd=above)
    try:
        yield place
    finally:
        os.close(place)


def _copy(opened: Any, target: Path) -> None:
    status = os.fstat(opened.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is no ordinary file")
    left = status.st_size
    with target.open("xb") as copy:
        while left > 0 and (piece := opened.read(min(_PIECE, left))):
            left -= len(piece)
            try:
                copy.write(piece)
                copy.flush()
            except OSError as error:
                raise OutputError(
                    f"A copy of the model cannot be kept in {str(target.parent)!r} while it is "
                    f"loaded: {error.strerror or error}. Let TMPDIR name another folder."
                ) from error


def _require_room(size: int, source: Path, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if size + _SPARE > free:
        raise OutputError(
            f"{str(source)!r} has {size:,} bytes, and {free:,} are free in "
            f"{str(folder.parent)!r}, where a copy of a model is kept while it is loaded. Free "
            "some, or let TMPDIR name a folder on another disk."
        )
