"""A model, its card and its history saved as one: the last step of a save is one rename.

A save writes its files into the folder `.tfxai.saving` and waits until they are on the disk. For a
new name that folder is then renamed to `NAME`. Where there is a folder `NAME`, the files move into
it, beside the old ones, for their names hold a digest; then the new `card.json`, which names them,
takes the place of the old one. Before that rename the model is the old one, after it the new one.
What a kill leaves behind is named by no card, and the next save removes it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from tfxai.errors import OutputError
from tfxai.registry.layouts import check_no_journal, is_model_folder
from tfxai.registry.locking import locked, said
from tfxai.registry.naming import CARD_FILE, is_own_file, members

STAGE, REMOVED = ".tfxai.saving", ".tfxai.removed"


@contextlib.contextmanager
def saving(root: Path, name: str) -> Iterator[Path]:
    """A folder to write files to, which become the model of that name when the block succeeds.

    After an exception, or a kill, before the end of the block the earlier model is as it was.

    Args:
        root: Root of the registry; made where it is missing.
        name: Name of the model. Files of that name in the old layout are removed.

    Yields:
        The folder. The block writes `card.json`, and files with the names of `naming.py`.

    Raises:
        OutputError: The folder cannot be made or written to, the disk is full, another process
            saves there for minutes, or the place is taken by something else.
    """
    with said(root):
        root.mkdir(parents=True, exist_ok=True)
        with locked(root):
            _sweep(root)
            check_place(root, name)
            stage = root / STAGE
            stage.mkdir()
            try:
                yield stage
                _commit(root, name)
            finally:
                shutil.rmtree(stage, ignore_errors=True)


def remove_model(root: Path, name: str) -> None:
    """Removes a model: its folder, by one rename, and its files in the old layout.

    Raises:
        OutputError: The folder cannot be written to, or it holds files that are not the model's.
    """
    with said(root), locked(root):
        _sweep(root)
        folder = root / name
        if not is_model_folder(folder):
            _check_files(root / member for member in members(name))
            _remove_flat(root, name)
            return
        check_place(root, name)
        others = [one.name for one in folder.iterdir() if not _is_disposable(one)]
        if others:
            raise OutputError(
                f"{str(folder)!r} also holds {min(others)!r}, which is not part of the model. "
                "Move it away, then try again."
            )
        _remove_flat(root, name)  # first: they must not become the model again
        folder.rename(root / REMOVED)
        _sync(root)
        shutil.rmtree(root / REMOVED, ignore_errors=True)


def check_place(root: Path, name: str) -> None:
    """Raises where a model of that name could not be saved for what lies in its place.

    Raises:
        OutputError: There is something else than a model of the registry, or a symbolic link.
    """
    check_no_journal(root)
    folder = root / name
    if os.path.lexists(folder):
        if folder.is_symlink() or not folder.is_dir():
            raise _in_the_way(folder)
        if not is_model_folder(folder):
            raise OutputError(
                f"{str(folder)!r} is a folder, and no model. Choose another name for the model, "
                "or move the folder away."
            )
        _check_files(one for one in folder.iterdir() if is_own_file(one.name))
    _check_files(root / member for member in members(name))


def _check_files(paths: Iterator[Path]) -> None:
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if not stat.S_ISREG(os.lstat(path).st_mode):
                raise _in_the_way(path)


def _in_the_way(path: Path) -> OutputError:
    what = "a symbolic link" if path.is_symlink() else "no folder" if path.is_file() else "no file"
    return OutputError(f"{str(path)!r} is {what}. Move it away, then try again.")


def _commit(root: Path, name: str) -> None:
    stage, folder = root / STAGE, root / name
    kept = {path.name for path in stage.iterdir()}
    for path in (*stage.iterdir(), stage):
        _sync(path)
    if folder.exists():
        for file in sorted(kept - {CARD_FILE}):
            (stage / file).replace(folder / file)
        _sync(folder)
        (stage / CARD_FILE).replace(folder / CARD_FILE)  # from here on the save has happened
        _sync(folder)
    else:
        stage.rename(folder)  # from here on the save has happened
        _sync(root)
    with contextlib.suppress(OSError):  # what stays, the next save removes
        for path in folder.iterdir():
            if is_own_file(path.name) and path.name not in kept:
                path.unlink()
        _remove_flat(root, name)


def _remove_flat(root: Path, name: str) -> None:
    """Removes the files of a model in the old layout, its card last."""
    for member in members(name):
        (root / member).unlink(missing_ok=True)


def _sweep(root: Path) -> None:
    """Removes what a killed process left; nobody else is at work, for the lock is held."""
    for folder in (root / STAGE, root / REMOVED):
        if folder.is_symlink():
            raise OutputError(
                f"{str(root)!r} holds a symbolic link in the place of tfxai's own "
                f"{folder.name}. Remove the link."
            )
        if folder.exists():
            shutil.rmtree(folder)


def _is_disposable(path: Path) -> bool:
    if is_own_file(path.name):
        return True
    return path.name.startswith(".") and path.is_file()  # half a figure; what systems leave


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
