"""What a training run measured after each epoch, as a file; `tfxai.plotting` draws it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfxai.errors import DataNotFoundError, InvalidInputError, TfxaiError
from tfxai.files import replacing
from tfxai.registry.folders import locate
from tfxai.registry.naming import HISTORY

NO_HISTORY = "history.json"
"""The path of a history that a folder does not have ends so."""


def history_path(model_path: str | os.PathLike[str]) -> Path:
    """Where the history of that model's training lies, if there is one.

    In the folder of the model it is the file that `card.json` names; beside a model file of
    another place it is `NAME.history.json`.

    Args:
        model_path: Path of a model file, or of the folder of a saved model.
    """
    path = Path(model_path)
    with contextlib.suppress(TfxaiError):
        found = locate(path)
        if found.has_folder:
            return found.history or found.folder / NO_HISTORY
    return path.with_name(f"{path.stem}{HISTORY}")


def write_history(history: Mapping[str, Sequence[float]], path: str | os.PathLike[str]) -> None:
    """Write a history as JSON; the file is replaced in one step.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as part:
        part.write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")


def read_history(path: str | os.PathLike[str]) -> dict[str, list[float]]:
    """The history that `train` wrote: measure to one number per epoch.

    Raises:
        DataNotFoundError: There is no such file.
        InvalidInputError: It holds no history.
    """
    try:
        history = json.loads(Path(path).read_text(encoding="utf-8"))
        return {str(key): [float(v) for v in values] for key, values in history.items()}
    except FileNotFoundError as error:
        raise DataNotFoundError(
            f"There is no history {str(path)!r}. Pass history_path(FILE) of a trained model."
        ) from error
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInputError(
            f"{str(path)!r} holds no history of a training run. Pass history_path(FILE)."
        ) from error
