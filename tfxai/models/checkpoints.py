"""Checkpoints of a training run after each epoch, so that it survives a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from tfxai.errors import InvalidInputError
from tfxai.files import replacing

History = dict[str, list[float]]


class Progress(NamedTuple):
    """How far a run has come."""

    epochs_done: int
    history: History


class TrainingState:
    """The folder `NAME.training/` beside the model that is being trained.

    It holds one file of arrays per epoch that is still needed (the last one and the one
    with the lowest validation loss) and `state.json`, which names them and is replaced
    last, in one step: a kill at any moment leaves a state to resume from.

    Args:
        folder: Folder of the state.
        settings: Settings of the run; a state with other settings is refused.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._folder = folder
        self._settings = settings

    def load(self) -> Progress:
        """How far the run has come; no epochs if there is no state.

        Raises:
            InvalidInputError: The state is another run's, or cannot be read.
        """
        path = self._folder / "state.json"
        if not path.exists():
            return Progress(0, {})
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            settings, done, history = state["settings"], state["epochs_done"], state["history"]
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInputError(
                f"{path} holds no state of a training run. Remove the folder to start again."
            ) from error
        keys = [*settings, *(key for key in self._settings if key not in settings)]
        other = [key for key in keys if settings.get(key) != self._settings.get(key)]
        if other:
            differences = ", ".join(
                f"{key}={settings.get(key)!r} there and {self._settings.get(key)!r} here"
                for key in other
            )
            raise InvalidInputError(
                f"{self._folder} holds an unfinished run with other settings: {differences}. "
                "Repeat its settings to finish it, or remove the folder to start again."
            )
        return Progress(int(done), history)

    def claim(self) -> None:
        """Make the folder, so that one that cannot be written is found before the work.

        Raises:
            OutputError: It cannot be made or written to.
        """
        with replacing(self._folder / ".gitignore") as part:
            part.write_text("*\n", encoding="utf-8")  # keeps the state out of commits

    def save(self, model: keras.Model, progress: Progress, best: int) -> None:
        """Keep the model and its optimiser after an epoch; `best` is the best epoch so far.

        Raises:
            OutputError: The files cannot be written.
        """
        arrays = {f"model_{i}": np.asarray(v) for i, v in enumerate(model.variables)}
        optimizer = model.optimizer.variables
        arrays |= {f"optimizer_{i}": np.asarray(v) for i, v in enumerate(optimizer)}
        last = progress.epochs_done - 1
        with replacing(self._file(last)) as part, part.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        with replacing(self._folder / "state.json") as part:
            state = {"settings": self._settings, **progress._asdict()}
            part.write_text(json.dumps(state, indent=1), encoding="utf-8")
        for path in self._folder.glob("epoch_*.npz"):
            if path not in (self._file(last), self._file(best)):
                path.unlink()

    def restore(self, model: keras.Model, epoch: int) -> None:
        """Give the model, compiled, and its optimiser what they were after `epoch`.

        Raises:
            InvalidInputError: The file is missing, broken or of another model.
        """
        path = self._file(epoch)
        try:
            model.optimizer.build(model.trainable_variables)
            with np.load(path, allow_pickle=False) as arrays:
                _assign(model.variables, arrays, "model")
                _assign(model.optimizer.variables, arrays, "optimizer")
        except (OSError, ValueError, KeyError) as error:
            raise InvalidInputError(
                f"{path} cannot be resumed from ({error}). Remove {self._folder} to start again."
            ) from error

    def remove(self) -> None:
        """Remove the folder, once the model itself is written."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, epoch: int) -> Path:
        return self._folder / f"epoch_{epoch:04d}.npz"


def _assign(variables: Sequence[keras.Variable], arrays: Any, prefix: str) -> None:
    for number, variable in enumerate(variables):
        variable.assign(arrays[f"{prefix}_{number}"])
