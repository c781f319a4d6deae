"""Loads TensorFlow without its output on the terminal."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from tfxai.cli.terminal import working
from tfxai.errors import MissingExtraError, UnsupportedModelError

LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
SILENT = "3"


def start() -> None:
    """Loads TensorFlow and Keras, or says why they cannot be used.

    What their C++ parts log is discarded, unless the user has set `TF_CPP_MIN_LOG_LEVEL` to
    less than 3, which asks to see it.

    Raises:
        UnsupportedModelError: Keras would run on another backend.
        MissingExtraError: They are not installed.
    """
    require_backend()
    if "tensorflow" in sys.modules:
        return
    quiet = os.environ.setdefault(LOG_LEVEL, SILENT) == SILENT
    logging.getLogger("absl").setLevel(logging.ERROR)
    with _silenced() if quiet else contextlib.nullcontext(), working("Loading TensorFlow"):
        try:
            import keras  # noqa: F401
            import tensorflow as tf
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"{error.name} is not installed here, and this command needs it; `tfxai serve "
                "--upstream` does not. Install tfxai with what it depends on: pip install tfxai"
            ) from error
        tf.config.list_logical_devices()  # a driver that is not there is logged now


def require_backend() -> None:
    """Raises `UnsupportedModelError` where Keras is set to another backend; loads nothing."""
    backend = planned_backend()
    if backend != "tensorflow":
        raise UnsupportedModelError(
            f"Keras is set to run on the {backend!r} backend, and tfxai needs 'tensorflow'. "
            "Set the environment variable KERAS_BACKEND=tensorflow."
        )


def planned_backend() -> str:
    """The backend that Keras will choose when it is imported: read as Keras reads it."""
    chosen = os.environ.get("KERAS_BACKEND")
    if chosen:
        return chosen
    try:
        settings = json.loads(_settings_file().read_text(encoding="utf-8"))
        return str(settings.get("backend", "tensorflow"))
    except (OSError, ValueError, AttributeError):
        return "tensorflow"


def _settings_file() -> Path:
    home = os.environ.get("KERAS_HOME") or "~/.keras"
    return Path(os.path.expanduser(home), "keras.json")  # noqa: PTH111 - a home may be missing


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Discards what is written to file 2 outside of Python; Python's own output still arrives."""
    try:
        kept = os.dup(2)
    except OSError:  # closed: nothing can be shown anyway
        yield
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        with open(kept, "w", closefd=False) as stream, contextlib.redirect_stderr(stream):
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)
