"""What a server's sample of its answers says as a whole, in the form of a run's summary."""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfxai.batch.summary import GAP_EDGES, MethodSummary, Summary, largest
from tfxai.errors import DataNotFoundError, InvalidInputError, UnknownNameError

_FILES = "explained-*.jsonl"


def is_sample(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is one that `tfxai serve --sample-to` writes."""
    return any(Path(folder).glob(_FILES))


def read_sample(
    folder: str | os.PathLike[str],
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    model: str | None = None,
) -> Summary:
    """A sample of answers as a summary: how large values are by class, and gaps.

    Methods are called by their names, and by those of the models too where there are several.

    Args:
        folder: As `tfxai serve --sample-to` wrote it.
        since: The first moment that counts; without a time zone it is this machine's.
        until: The first moment that does not.
        model: The name of the model whose answers count; None for all.

    Raises:
        DataNotFoundError: It holds no line of these moments.
        InvalidInputError: A line is none of a sample.
        UnknownNameError: It has no answer of that model.
    """
    return Answers(Path(folder), model).summary(since, until)


class Answers:
    """The lines of a sample, of one model or of all."""

    def __init__(self, folder: Path, model: str | None = None) -> None:
        self._folder = folder
        lines = list(_lines(folder))
        self.models = tuple(dict.fromkeys(line["model"] for line in lines))
        if model is not None and lines:
            if model not in self.models:
                raise UnknownNameError.of("model", model, self.models, repr(str(folder)))
            lines = [line for line in lines if line["model"] == model]
        several = model is None and len(self.models) > 1
        self._lines = [
            (f"{line['model']}/{line['explainer']}" if several else line["explainer"], line)
            for line in lines
        ]

    def summary(
        self, since: datetime.datetime | None = None, until: datetime.datetime | None = None
    ) -> Summary:
        """What those of a period say as a whole, as `read_sample` does.

        Raises:
            DataNotFoundError: There is none.
        """
        found = Summary()
        for name, line in self._of(since, until):
            _add(found.methods.setdefault(name, MethodSummary()), line)
        if found.methods:
            return found
        if not self._lines:
            raise DataNotFoundError(
                f"{str(self._folder)!r} holds no answer. Pass a folder of tfxai serve --sample-to."
            )
        times = [line["time"] for _, line in self._lines]
        sides = [f"from {_moment(since)} on"] if since else []
        sides += [f"before {_moment(until)}"] if until else []
        raise DataNotFoundError(
            f"{str(self._folder)!r} holds no answer {' and '.join(sides)}: its answers are of "
            f"{_moment(min(times))} to {_moment(max(times))}. Pass a moment between."
        )

    def asked(
        self, since: datetime.datetime | None = None, until: datetime.datetime | None = None
    ) -> dict[str, Any]:
        """What the last of a period were asked: score, layer, and the options of each method."""
        found: dict[str, Any] = {}
        for name, line in self._of(since, until):
            found |= asked_of(name, line.get("scoreKind"), line.get("at"), line.get("method"))
        return found

    def versions(
        self, since: datetime.datetime | None = None, until: datetime.datetime | None = None
    ) -> dict[str, list[str]]:
        """Which versions of its model answered with each method in a period, sorted."""
        found: dict[str, set[str]] = {}
        for name, line in self._of(since, until):
            found.setdefault(name, set()).add(str(line.get("version")))
        return {name: sorted(some) for name, some in found.items()}

    def _of(
        self, since: datetime.datetime | None, until: datetime.datetime | None
    ) -> list[tuple[str, dict[str, Any]]]:
        start = -np.inf if since is None else since.timestamp()
        stop = np.inf if until is None else until.timestamp()
        return [(name, line) for name, line in self._lines if start <= line["time"] < stop]


def asked_of(name: str, score: str | None, at: str | None, method: Any) -> dict[str, Any]:
    """What a method was asked, each thing under a name of its own."""
    options = (method or {}).get("options") or {}
    return {f"score of {name}": score, f"layer that {name} explains": at} | {
        f"{name}.{key}": value for key, value in options.items()
    }


def _moment(of: datetime.datetime | float) -> str:
    """In this machine's time zone, to the second."""
    if not isinstance(of, datetime.datetime):
        of = datetime.datetime.fromtimestamp(of, datetime.UTC)
    return of.astimezone().isoformat(" ", "seconds")


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of all files, oldest first; one that is still being written is left out."""
    for path in sorted(folder.glob(_FILES)):
        *whole, _ = path.read_bytes().split(b"\n")
        for number, text in enumerate(whole, start=1):
            try:
                line = json.loads(text)
                checked = float(line["time"]), str(line["model"]), str(line["explainer"])
                line["time"], line["model"], line["explainer"] = checked
                line["mass"] = _mass(line["values"])
                line["target"] = np.ravel(line["target"]).astype(int).tolist()
                yield line
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InvalidInputError(
                    f"Line {number} of {str(path)!r} is none of a sample of tfxai serve. Remove "
                    "it, or pass another folder."
                ) from error


def _mass(values: dict[str, Any]) -> float:
    """The mean absolute value over all inputs."""
    sizes = [int(np.prod(one["shape"], dtype=np.int64)) for one in values.values()]
    parts = [float(one.get("meanAbs", 0.0)) for one in values.values()]
    return sum(n * part for n, part in zip(sizes, parts, strict=True)) / max(sum(sizes), 1)


def _add(of: MethodSummary, line: dict[str, Any]) -> None:
    mass = line["mass"]
    for target in line["target"][:1]:
        n, total, squares = of.masses.get(target, (0, 0.0, 0.0))
        of.masses[target] = (n + 1, total + mass, squares + mass * mass)
        if name := line.get("targetName"):
            of.class_names[target] = str(name)
    gap, share = line.get("completenessGap"), line.get("gapShare")
    if gap is None:
        return
    of.gaps = of.gaps or [0] * (len(GAP_EDGES) + 1)
    share = math.inf if share is None else float(share)
    of.gaps[int(np.searchsorted(GAP_EDGES, share, "right"))] += 1
    key = f"{line['model']} at {line['time']}"
    of.largest = largest([*of.largest, (share, abs(float(gap)), key)])
