"""Where a callback's pictures and numbers go: functions of step, name, and image or number."""

from __future__ import annotations

import glob
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tfxai.errors import MissingExtraError, OutputError

Sink: TypeAlias = "Callable[[int, str, Any], Any]"
"""Called with the number of the epoch, a name, and (H, W, 3) uint8 or a number."""

_HEAD = "epoch,name,value"


def to_png(folder: str | os.PathLike[str]) -> Sink:
    """Pictures as `FOLDER/NAME-EPOCH.png`, numbers as lines of `FOLDER/numbers.csv`.

    What an earlier run left there of the same name is removed from the first epoch on that is
    written: a run from the beginning starts anew, and one that goes on keeps what came before.

    Args:
        folder: Where; it is made when the first one comes.

    Raises:
        OutputError: The folder cannot be written to; by the sink too.
    """
    place, last = Path(folder), dict[str, int]()
    _check_folder(place)

    def write(step: int, name: str, content: Any) -> None:
        path = place / (f"{name}-{step:04d}.png" if np.ndim(content) else "numbers.csv")
        is_first = step <= last.get(name, step)
        last[name] = step
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if np.ndim(content):
                _write_picture(path, content, step, is_first=is_first)
            else:
                _write_number(path, step, name, float(content), is_first=is_first)
        except OSError as error:
            raise OutputError(
                f"Cannot write {str(path)!r}: {error.strerror or error}. Choose another folder."
            ) from error

    return write


def _check_folder(place: Path) -> None:
    """Raises `OutputError` unless files can be written to a folder, or below what is there."""
    there = next((one for one in (place, *place.absolute().parents) if one.exists()), place)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "may not be written to" if there.is_dir() else "is no folder"
        raise OutputError(
            f"Cannot write to {str(place)!r}: {str(there)!r} {why}. Choose another folder."
        )


def _write_picture(path: Path, content: Any, step: int, *, is_first: bool) -> None:
    """Writes a picture, and first removes those of its name from that epoch on."""
    from PIL import Image

    name = path.stem.rpartition("-")[0]
    for other in path.parent.glob(f"{glob.escape(name)}-*.png") if is_first else ():
        epoch = other.stem.rpartition("-")[2]
        if other.stem == f"{name}-{epoch}" and epoch.isdecimal() and int(epoch) >= step:
            other.unlink()
    Image.fromarray(np.asarray(content)).save(path)


def _write_number(path: Path, step: int, name: str, number: float, *, is_first: bool) -> None:
    """Adds a line, and first removes those of its name from that epoch on."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else [_HEAD]
    if is_first:
        lines = [line for line in lines if not _is_later(line, step, name)]
    line = f"{step},{name},{number!r}"
    if is_first or len(lines) == 1:
        path.write_text("\n".join([*lines, line, ""]), encoding="utf-8")
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def _is_later(line: str, step: int, name: str) -> bool:
    """Whether a line is of that name, and of that epoch or a later one."""
    epoch, _, rest = line.partition(",")
    return rest.rpartition(",")[0] == name and epoch.isdecimal() and int(epoch) >= step


def to_tensorboard(folder: str | os.PathLike[str]) -> Sink:
    """Pictures and curves for TensorBoard, beside those of `keras.callbacks.TensorBoard`.

    Args:
        folder: Folder of the event file.

    Raises:
        MissingExtraError: TensorBoard is not installed.
        OutputError: The folder cannot be written to.
    """
    _check_folder(Path(folder))
    if importlib.util.find_spec("tensorboard") is None:  # without it tf.summary.image fails
        raise MissingExtraError.of("tensorboard", "tensorboard")
    import tensorflow as tf

    writer = tf.summary.create_file_writer(os.fspath(folder))

    def write(step: int, name: str, content: Any) -> None:
        with writer.as_default(step=step):
            if np.ndim(content):
                tf.summary.image(name, np.asarray(content)[None])
            else:
                tf.summary.scalar(name, float(content))
        writer.flush()

    return write
