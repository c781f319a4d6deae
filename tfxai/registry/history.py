"""What a training run measured after each epoch, as a file; `tfxai.plotting` draws it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfxai.errors import DataNotFoundError, InvalidInputError
from tfxai.files import replacing


def history_path(model_path: str | os.PathLike[str]) -> Path:
    """Where the history of that model's training lies: `NAME.history.json`."""
    path = Path(model_path)
    return path.with_name(f"{path.stem}.history.json")


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
            f"There is no history {str(path)!r}. Pass the NAME.history.json of a trained model."
        ) from error
    except (ValueError, AttributeError, TypeError) as error:
        raise InvalidInputError(
            f"{str(path)!r} holds no history of a training run. Pass a NAME.history.json."
        ) from error
