"""Where a callback's pictures and numbers go: functions of step, name, and image or number."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from tfxai.errors import MissingExtraError, OutputError

Sink: TypeAlias = "Callable[[int, str, Any], Any]"
"""Called with the number of the epoch, a name, and (H, W, 3) uint8 or a number."""


def to_png(folder: str | os.PathLike[str]) -> Sink:
    """Pictures as `FOLDER/NAME-EPOCH.png`, numbers as lines of `FOLDER/numbers.csv`.

    Args:
        folder: Where; it is made when the first one comes.

    Raises:
        OutputError: By the sink, where the folder cannot be written to.
    """
    place = Path(folder)

    def write(step: int, name: str, content: Any) -> None:
        from PIL import Image

        path = place / f"{name}-{step:04d}.png"
        try:
            if np.ndim(content):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.asarray(content)).save(path)
                return
            place.mkdir(parents=True, exist_ok=True)
            path = place / "numbers.csv"
            head = "" if path.exists() else "epoch,name,value\n"
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{head}{step},{name},{float(content)!r}\n")
        except OSError as error:
            raise OutputError(
                f"Cannot write {str(path)!r}: {error.strerror or error}. Choose another folder."
            ) from error

    return write


def to_tensorboard(folder: str | os.PathLike[str]) -> Sink:
    """Pictures and curves for TensorBoard, beside those of `keras.callbacks.TensorBoard`.

    Args:
        folder: Folder of the event file.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """
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
