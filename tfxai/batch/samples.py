"""What a server's sample of its answers says as a whole, in the form of a run's summary."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tfxai.batch.summary import GAP_EDGES, LARGEST, MethodSummary, Summary
from tfxai.errors import DataNotFoundError, InvalidInputError

_FILES = "explained-*.jsonl"


def is_sample(folder: str | os.PathLike[str]) -> bool:
    """Whether a folder is one that `tfxai serve --sample-to` writes."""
    return any(Path(folder).glob(_FILES))


def read_sample(
    folder: str | os.PathLike[str],
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> Summary:
    """A sample of answers as a summary: how large values are by class, and gaps.

    Methods are called by their names, and by those of the models too where there are several.

    Args:
        folder: As `tfxai serve --sample-to` wrote it.
        since: The first moment that counts; without a time zone it is this machine's.
        until: The first moment that does not.

    Raises:
        DataNotFoundError: It holds no line of these moments.
        InvalidInputError: A line is none of a sample.
    """
    found = Summary()
    for name, line in _named(Path(folder), since, until):
        _add(found.methods.setdefault(name, MethodSummary()), line)
    if not found.methods:
        when = " of these moments" if since or until else ""
        raise DataNotFoundError(
            f"{os.fspath(folder)!r} holds no answer{when}. Pass a folder of tfxai serve "
            "--sample-to, and moments that lie in it."
        )
    return found


def asked_in(
    folder: str | os.PathLike[str],
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
) -> dict[str, Any]:
    """What the last answers were asked: the score, and the options of each method."""
    asked: dict[str, Any] = {}
    for name, line in _named(Path(folder), since, until):
        asked[f"score of {name}"] = line.get("scoreKind")
        for key, value in ((line.get("method") or {}).get("options") or {}).items():
            asked[f"{name}.{key}"] = value
    return asked


def _named(
    folder: Path, since: datetime.datetime | None, until: datetime.datetime | None
) -> list[tuple[str, dict[str, Any]]]:
    """The lines of a period, each with what its method is called."""
    lines = list(_lines(folder))
    several = len({line["model"] for line in lines}) > 1
    start = -np.inf if since is None else since.timestamp()
    stop = np.inf if until is None else until.timestamp()
    return [
        (f"{line['model']}/{line['explainer']}" if several else line["explainer"], line)
        for line in lines
        if start <= line["time"] < stop
    ]


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
    gap, share = line.get("completenessGap"), line.get("gapShare")
    if gap is None:
        return
    of.gaps = of.gaps or [0] * (len(GAP_EDGES) + 1)
    of.gaps[int(np.searchsorted(GAP_EDGES, np.inf if share is None else share, "right"))] += 1
    key = f"{line['model']} at {line['time']}"
    of.largest = sorted([*of.largest, (abs(float(gap)), key)], key=lambda one: -one[0])[:LARGEST]
