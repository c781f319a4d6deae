"""Where the callbacks write: a folder of its own for each run, which TensorBoard shows."""

from __future__ import annotations

import abc
import contextlib
import importlib.util
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.compat.tf_explain.core.given import images_of
from tfxai.errors import MissingExtraError


class PictureCallback(keras.callbacks.Callback, abc.ABC):
    """Holds what is explained after each epoch, and where its picture goes.

    A picture is drawn before training too and thrown away, so that what cannot be explained is
    refused while nothing is lost.

    Args:
        validation_data: (images, labels), as the explainers take it.
        output_dir: A folder; pictures go to one below it, named after the time.
    """

    def __init__(self, validation_data: Any, output_dir: str | os.PathLike[str]) -> None:
        super().__init__()
        images_of(validation_data)
        self.validation_data = validation_data
        self.output_dir = Path(output_dir) / datetime.now().strftime("%Y%m%d-%H%M%S.%f")
        self.file_writer = tf.summary.create_file_writer(os.fspath(self.output_dir))

    @property
    @abc.abstractmethod
    def title(self) -> str:
        """Under which TensorBoard shows the pictures."""

    @abc.abstractmethod
    def draw(self) -> Array:
        """The grid by the weights of the moment, (H, W) or (H, W, 3) uint8."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Called by Keras.

        Raises:
            TfxaiError: The explainer cannot explain that of the model.
        """
        state = np.random.get_state()  # noqa: NPY002 - some draw from it, and training does
        try:
            self.draw()
        finally:
            np.random.set_state(state)  # noqa: NPY002

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Called by Keras.

        Raises:
            TfxaiError: As for the explainer, or TensorBoard is not installed.
        """
        grid = self.draw()
        picture = grid[None] if grid.ndim == 3 else grid[None, ..., None]
        with self.writing():
            tf.summary.image(self.title, picture, step=epoch)

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
