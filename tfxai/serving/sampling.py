"""A bounded sample of the explanations that were answered, kept as lines of JSON.

What is kept are summaries of the values, scores and predictions; what came in a request only where
the server was told to.
"""

from __future__ import annotations

import logging
import math
import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfxai.arrays import Array
from tfxai.errors import OutputError
from tfxai.serving.explaining.answer import Explanation, target_name
from tfxai.serving.messages import json_codec
from tfxai.serving.models.model import Model

_LOG = logging.getLogger("tfxai.serving")
_QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_TOP = 0.01  # the share of a map's elements of which the weight is told
_CLASSES = 1000  # predictions of an example that are kept
SCHEMA = 1
_PATIENCE = 0.2  # seconds that an answer waits while another one is written
Told = Callable[[str, str, dict[str, Any]], None]


class Sample:
    """Where a share of the explained examples is kept. Called by many threads.

    The folder has files `explained-NUMBER.jsonl`, the greatest number the newest; the oldest goes
    when there are more than `files` of them.

    Args:
        share: Which share of the examples is kept, in (0, 1].
        folder: Where; it is made where it is missing.
        inputs: Whether what came in the request is kept, too.
        size: Bytes of a file, after which a new one begins. A line is at most as long.
        files: How many are kept.

    Raises:
        OutputError: The folder cannot be written to.
    """

    def __init__(
        self,
        share: float,
        folder: Path,
        *,
        inputs: bool = False,
        size: int = 8 * 2**20,
        files: int = 16,
    ) -> None:
        self._share = share
        self._folder = folder
        self._inputs = inputs
        self._size = size
        self._files = files
        self._lock = threading.Lock()
        self._random = random.Random()
        self._has_failed = False
        self.told: Told | None = None
        """Called with model, explainer and line of each example that is kept."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = self._numbers()
            self._number = max(found, default=0) + 1
            self._write(b"")
        except OSError as error:
            raise OutputError(
                f"The sample cannot be written to {str(folder)!r}: {error.strerror or error}. "
                "Choose another --sample-to."
            ) from error

    def choose(self, count: int) -> list[int]:
        """Which of so many examples are kept, as chance has it."""
        return [i for i in range(count) if self._random.random() < self._share]

    def take(
        self, made: Explanation, model: Model, instances: Sequence[Any], chosen: Sequence[int]
    ) -> None:
        """Keeps examples of an answer. Never fails an answer.

        Args:
            made: The answer.
            model: Whose it is.
            instances: What came in the request for each example.
            chosen: Which of them are kept.
        """
        for i in chosen:
            try:
                line = _line(made, model, i)
                self._keep(line, instances[i])
            except (OSError, ValueError, TypeError) as error:
                self._warn(str(error))
                continue
            if self.told is not None:
                self.told(model.which.name, made.name, line)

    def _keep(self, line: dict[str, Any], instance: Any) -> None:
        if self._inputs:
            line["input"] = instance
        text = json_codec.write(line) + b"\n"
        if len(text) > self._size and line.pop("input", None) is not None:
            text = json_codec.write({**line, "inputIsTooLarge": True}) + b"\n"
        if not self._lock.acquire(timeout=_PATIENCE):
            raise OSError(f"the disk takes more than {_PATIENCE:g} s")
        try:
            self._write(text)
            self._has_failed = False
        finally:
            self._lock.release()

    def _warn(self, why: str) -> None:
        """Tells of a failure, once until something is kept again."""
        if not self._has_failed:
            _LOG.warning("The sample cannot be written: %s", why)
        self._has_failed = True

    def _write(self, text: bytes) -> None:
        path = self._path(self._number)
        if text and path.exists() and path.stat().st_size + len(text) > self._size:
            self._number += 1
            path = self._path(self._number)
        with os.fdopen(os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "ab") as file:
            file.write(text)
        for number in sorted(self._numbers())[: -self._files]:
            self._path(number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"explained-{number:06d}.jsonl"

    def _numbers(self) -> list[int]:
        names = [one.stem.partition("-") for one in self._folder.glob("explained-*.jsonl")]
        return [int(number) for _, _, number in names if number.isdecimal()]


def _line(made: Explanation, model: Model, i: int) -> dict[str, Any]:
    """What is kept of an example."""
    score = float(made.score[i])
    line: dict[str, Any] = {
        "schema": SCHEMA,
        "time": round(time.time(), 3),
        "model": model.which.name,
        "version": model.version,
        "explainer": made.name,
        "method": made.about.get("method"),
        "scoreKind": made.about.get("score"),
        "target": np.asarray(made.target[i]).tolist(),
        "score": score,
        "values": {name: summary(array[i]) for name, array in made.values.items()},
    }
    if name := target_name(made, i, model):
        line["targetName"] = name
    if at := made.about.get("at"):
        line["at"] = at
    if made.baseline_score is not None:
        line["baselineScore"] = float(made.baseline_score[i])
    if made.completeness_gap is not None:
        gap, difference = float(made.completeness_gap[i]), score - line.get("baselineScore", 0.0)
        line["completenessGap"] = gap
        line["gapShare"] = abs(gap / difference) if difference else None
    if made.predictions is not None:
        line["predictions"] = {
            name: np.asarray(array[i]).ravel()[:_CLASSES].tolist()
            for name, array in made.predictions.items()
        }
    return line


def summary(values: Array) -> dict[str, Any]:
    """What is told of the values of one example, an array of any shape and finite.

    `top` is the share that the largest hundredth of them has in the sum of absolute values, and
    `quantiles` are those of the values at 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99 and 1.
    """
    flat = np.asarray(values, np.float64).ravel()
    if not flat.size:
        return {"shape": list(np.shape(values))}
    sizes = np.sort(np.abs(flat))[::-1]
    whole = float(sizes.sum())
    most = sizes[: max(1, math.ceil(_TOP * len(sizes)))]
    return {
        "shape": list(np.shape(values)),
        "sum": float(flat.sum()),
        "meanAbs": whole / len(flat),
        "std": float(flat.std()),
        "positive": float((flat > 0).mean()),
        "top": float(most.sum()) / whole if whole else None,
        "quantiles": np.quantile(flat, _QUANTILES).tolist(),
    }
