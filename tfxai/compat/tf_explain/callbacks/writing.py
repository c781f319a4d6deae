"""Where the callbacks write: a folder of its own for each run, which TensorBoard shows."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from tfxai.errors import MissingExtraError


class PictureCallback(keras.callbacks.Callback):
    """Holds what is explained after each epoch, and where its picture goes.

    Args:
        validation_data: (images, labels), as the explainers take it.
        output_dir: A folder; pictures go to one below it, named after the time.
    """

    def __init__(self, validation_data: Any, output_dir: str | os.PathLike[str]) -> None:
        super().__init__()
        self.validation_data = validation_data
        self.output_dir = Path(output_dir) / datetime.now().strftime("%Y%m%d-%H%M%S.%f")
        self.file_writer = tf.summary.create_file_writer(os.fspath(self.output_dir))

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Summaries inside of the block go to the folder.

        Raises:
            MissingExtraError: TensorBoard is not installed.
        """
        try:
            with self.file_writer.as_default():
                yield
        except Exception as error:
            if importlib.util.find_spec("tensorboard") is None:
                raise MissingExtraError.of("tensorboard", "tensorboard") from error
            raise
