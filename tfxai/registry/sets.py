"""Files that belong together, replaced as one: after a kill all of them are old, or all new.

A save writes its files into the folder `.tfxai.saving` and renames that to `.tfxai.saved`: at this
moment it has happened. What is left is to move the files to their places, which anyone can finish:
the next save, or whoever reads (`settle`). One process at a time saves into a folder, and the
system takes the lock, `.tfxai.lock`, from a process that dies. Readers take no lock: they read
again where a file was replaced meanwhile (`read_whole`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tfxai.errors import OutputError

_locks: Any
try:
    import fcntl

    _locks = fcntl
except ImportError:  # Windows: a save is whole there too, but two at once are not kept apart
    _locks = None

LOCK, STAGE, JOURNAL = ".tfxai.lock", ".tfxai.saving", ".tfxai.saved"
LIST = "files.json"
"""In the journal: the files that it moves and those that it removes."""
PATIENCE = 300.0
"""Seconds to wait for another process that saves."""
_PAUSE = 0.005
_TRIES = 10

T = TypeVar("T")


@contextlib.contextmanager
def replacing_set(folder: str | os.PathLike[str], names: Iterable[str]) -> Iterator[Path]:
    """A folder to write files to, which take the place of a set when the block succeeds.

    After an exception, or a kill, before the end of the block `folder` is as it was. The files
    are on the disk before the first one is replaced.

    Args:
        folder: Made where it is missing.
        names: Of all files of the set; those that the block did not write are removed.

    Raises:
        OutputError: The folder cannot be made or written to, the disk is full, another process
            saves there for minutes, or a place is taken by a folder or a symbolic link.
    """
    folder = Path(folder)
    with _said(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _recover(folder)
            stage = folder / STAGE
            stage.mkdir()
            try:
                yield stage
                _commit(folder, set(names))
            finally:
                shutil.rmtree(stage, ignore_errors=True)


def settle(folder: str | os.PathLike[str]) -> None:
    """Finishes a save that was killed, or waits for one that is at its end.

    Raises:
        OutputError: There is such a save, and it cannot be finished from here.
    """
    folder = Path(folder)
    if not _is_pending(folder):
        return
    may_write = os.access(folder, os.W_OK | os.X_OK)
    until = time.monotonic() + (PATIENCE if may_write else 2.0)
    with _said(folder):
        while _is_pending(folder):
            handle = _try_lock(folder) if may_write else None
            if handle is not None:
                with _holding(folder, handle):
                    _recover(folder)
            elif time.monotonic() > until:
                raise OutputError(
                    f"A save to {str(folder)!r} was cut short, and you may not finish it. Let its "
                    "owner run: tfxai models"
                )
            else:
                time.sleep(_PAUSE)


def read_whole(folder: Path, names: Iterable[str], read: Callable[[], T]) -> T:
    """What `read` returns; it is called again where a save came between.

    Args:
        folder: That holds the set.
        names: Of the files of the set.
        read: Reads some of them, and changes none.

    Raises:
        OutputError: As `settle`.
    """
    names = tuple(names)
    for _ in range(_TRIES):
        settle(folder)
        before = _marks(folder, names)
        try:
            found = read()
        except Exception:
            if not _is_pending(folder) and _marks(folder, names) == before:
                raise
            continue
        if not _is_pending(folder) and _marks(folder, names) == before:
            return found
    with _said(folder), _locked(folder):  # somebody saves without a pause
        _recover(folder)
        return read()


def check_place(path: Path) -> None:
    """Raises `OutputError` where something else than a file lies at a place that is to change."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            what = "a symbolic link" if stat.S_ISLNK(mode) else "no file"
            raise OutputError(f"{str(path)!r} is {what}. Move it away, then try again.")


def _is_pending(folder: Path) -> bool:
    return os.path.lexists(folder / JOURNAL)


def _marks(folder: Path, names: Iterable[str]) -> list[tuple[int, int, int] | None]:
    """What tells each file from one that takes its place."""
    marks: list[tuple[int, int, int] | None] = []
    for name in names:
        try:
            found = os.stat(folder / name)  # noqa: PTH116 - as many as there are, and often
            marks.append((found.st_ino, found.st_size, found.st_mtime_ns))
        except OSError:
            marks.append(None)
    return marks


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lets one process, and one thread, at a time save into a folder; leaves no file behind."""
    until = time.monotonic() + PATIENCE
    while (handle := _try_lock(folder)) is None:
        if time.monotonic() > until:
            raise OutputError(
                f"Another process has been saving to {str(folder)!r} for {PATIENCE / 60:.0f} "
                "minutes. Wait for it or end it, then try again."
            )
        time.sleep(_PAUSE)
    with _holding(folder, handle):
        yield


@contextlib.contextmanager
def _holding(folder: Path, handle: int) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # Windows keeps a file that is open
            (folder / LOCK).unlink()
        os.close(handle)


def _try_lock(folder: Path) -> int | None:
    """The handle of the lock, or None where somebody has it."""
    path = folder / LOCK
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    handle = os.open(path, flags, 0o666)
    try:
        if _locks is None:
            return handle
        _locks.flock(handle, _locks.LOCK_EX | _locks.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.lstat(path)):
            return handle  # and not that of a file which its last holder has removed
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _commit(folder: Path, names: set[str]) -> None:
    stage = folder / STAGE
    moves = sorted(path.name for path in stage.iterdir())
    for name in names.union(moves):
        check_place(folder / name)
    record = {"moves": moves, "removes": sorted(names.difference(moves))}
    (stage / LIST).write_text(json.dumps(record), encoding="utf-8")
    for path in (*stage.iterdir(), stage):
        _sync(path)
    stage.rename(folder / JOURNAL)  # from here on the save has happened
    _sync(folder)
    _recover(folder)


def _recover(folder: Path) -> None:
    """Drops what a killed save had not finished writing; finishes one that had."""
    stage, journal = folder / STAGE, folder / JOURNAL
    if stage.is_symlink() or journal.is_symlink():
        raise OutputError(
            f"{str(folder)!r} holds a symbolic link in the place of tfxai's own {STAGE} or "
            f"{JOURNAL}. Remove the link."
        )
    if stage.exists():
        shutil.rmtree(stage)
    if not journal.exists():
        return
    if (journal / LIST).exists():
        record = _read_list(journal)
        for name in record["removes"]:
            (folder / name).unlink(missing_ok=True)
        for name in record["moves"]:
            with contextlib.suppress(FileNotFoundError):  # it was moved before the kill
                (journal / name).replace(folder / name)
        _sync(folder)
        (journal / LIST).unlink()
    journal.rmdir()


def _read_list(journal: Path) -> dict[str, list[str]]:
    """What the journal moves and removes: names of files in its own folder, nothing else."""
    try:
        record: Any = json.loads((journal / LIST).read_text(encoding="utf-8"))
        names = [*record["moves"], *record["removes"]]
        if all(isinstance(n, str) and Path(n).name == n and n[:1] not in ("", ".") for n in names):
            return {key: list(record[key]) for key in ("moves", "removes")}
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise OutputError(
        f"{str(journal)!r} was left by a save that was cut short, and its {LIST} is damaged. Move "
        "its files to the folder above, or not, then remove it."
    )


def _sync(path: Path) -> None:
    """Waits until a file, or a folder's list of names, is on the disk."""
    is_folder = path.is_dir()
    if os.name == "nt" and is_folder:  # which Windows does not open
        return
    handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def _said(folder: Path) -> Iterator[None]:
    """Turns the system's own errors into a sentence."""
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot write to {str(folder)!r}: {error.strerror or error}. "
            "Choose a folder that you may write to."
        ) from error
