"""What a run was asked, with what, and what became of it."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

import tfxai
from tfxai.batch.formats import FORMATS
from tfxai.batch.job import Job
from tfxai.batch.shards import DATA, STATES, ShardReport, few, repeated_keys
from tfxai.batch.sources.rows import Source
from tfxai.batch.summary import FIGURE, SUMMARY, Summary
from tfxai.batch.trying import commonest
from tfxai.digests import fingerprint
from tfxai.errors import InvalidInputError, OutputError
from tfxai.files import replacing

_BEGUN = re.compile(r"\.[a-z0-9_]{8}")  # as `files.replacing` names a file until it is whole
MANIFEST, FAILURES = "manifest.json", "failures.jsonl"
REASONS = 5
"""Reasons of failures that a manifest has, the commonest ones."""
_TOP = re.compile("|".join(map(re.escape, (MANIFEST, FAILURES, SUMMARY, FIGURE))))
_PARTS = re.compile(rf"part-\d+(?:{'|'.join(map(re.escape, FORMATS.values()))})")
_KNOWN = re.compile(r"\d+\.(?:json|at)")


def configuration(job: Job, threads: int) -> dict[str, Any]:
    """All that decides the results of a run, as JSON has it."""
    explainer = job.explainer
    preprocessing = explainer.subject.preprocessing
    made = {
        "model": explainer.model,
        "model_fingerprint": fingerprint(explainer.subject.model),
        "preprocessing": None if preprocessing is None else preprocessing.to_dict(),
        "methods": [one.to_config() for one in explainer.methods],
        "target": "label" if explainer.target_column else explainer.target,
        "score": None if explainer.score is None else repr(explainer.score),
        "at": explainer.at,
        "source": job.source.describe(),
        "classes": explainer.subject.classes,
        "resize": job.resize,
        "where": None if job.where is None else job.where.text,
        "format": job.kind,
        "batch_size": job.batch_size,
        "shard_size": job.shard_size,
        "chunk_size": explainer.chunk_size,
        "memory_budget": job.memory_budget,
        "threads": threads,
        "versions": {
            "tfxai": tfxai.__version__,
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
    return dict(json.loads(json.dumps(made)))


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a run in a folder; None where there is none.

    Raises:
        InvalidInputError: It is damaged.
    """
    path = folder / MANIFEST
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found["configuration"], dict):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise InvalidInputError(f"{str(path)!r} is no manifest of a run. Choose another folder.")


def check_apart(folder: Path, source: Source) -> None:
    """Raises `InvalidInputError` where data lie in the folder of the results."""
    place = folder.resolve()
    are_inside: dict[str, bool] = {}  # by folder: a million files lie in a few
    for file in getattr(source, "files", ()):
        above = os.path.dirname(file.path)  # noqa: PTH120 - faster
        if above not in are_inside:
            are_inside[above] = Path(above).resolve().is_relative_to(place)
        is_link = os.path.islink(file.path)  # noqa: PTH114 - faster
        if are_inside[above] or (is_link and Path(file.path).resolve().is_relative_to(place)):
            raise InvalidInputError(
                f"The data {file.path!r} lie in {str(folder)!r}, where the results are to be. "
                "Choose another folder for the results."
            )


def check_folder(folder: Path, *, resume: bool, overwrite: bool) -> dict[str, Any] | None:
    """The manifest of the run that is to go on; None where one begins. Nothing is removed.

    Raises:
        InvalidInputError: Another run is there, or it is to be removed and to go on.
        OutputError: The folder holds other files.
    """
    if resume and overwrite:
        raise InvalidInputError(
            "--overwrite removes the run that --resume goes on with. Pass one of them."
        )
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{str(folder)!r} is a file. Choose a folder for the results.")
    if overwrite:
        if others := _others(folder):
            raise OutputError(
                f"{str(folder)!r} holds other files than those of a run, such as "
                f"{str(others[0].relative_to(folder))!r}, and nothing was removed. Move them, or "
                "choose another folder."
            )
        if folder.is_dir() and any(folder.iterdir()) and not _is_run(folder):
            raise OutputError(
                f"{str(folder)!r} holds files and no run of tfxai, and nothing was removed. "
                "Choose a folder that is empty or not there."
            )
        return None
    found = read_manifest(folder)
    if found is not None and not resume:
        raise InvalidInputError(
            f"{str(folder)!r} holds the results of a run. Pass --resume to go on with it, "
            "--overwrite to start anew, or another folder."
        )
    if found is None and folder.is_dir() and any(folder.iterdir()):
        raise OutputError(
            f"{str(folder)!r} holds other files. Choose a folder that is empty or not there."
        )
    return found


def _is_run(folder: Path) -> bool:
    """Whether a run has left its manifest in a folder, or a file of a shard that is done."""
    try:
        if "model_fingerprint" in (read_manifest(folder) or {}).get("configuration", {}):
            return True
    except InvalidInputError:  # it may be damaged
        pass
    for path in (folder / STATES).glob("*.json"):
        try:
            ShardReport.from_dict(json.loads(path.read_text(encoding="utf-8")))
            return True
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return False


def _others(folder: Path) -> list[Path]:
    """What a folder holds beside the files of a run, sorted."""
    if not folder.is_dir():
        return []
    places = {folder: _TOP, folder / DATA: _PARTS, folder / STATES: _KNOWN}
    found = list[Path]()
    for place, own in places.items():
        for path in place.iterdir() if place.is_dir() else ():
            is_own = path.is_file() and (own.fullmatch(path.name) or _is_begun(path))
            if not is_own and not (path in places and path.is_dir() and not path.is_symlink()):
                found.append(path)
    return sorted(found)


def write_manifest(
    folder: Path, asked: dict[str, Any], reports: Sequence[ShardReport] | None, workers: int
) -> dict[str, Any]:
    """Writes what was asked, and once all is done what became of it.

    Args:
        folder: The folder of the run.
        asked: `configuration`.
        reports: What became of each shard; None while the run goes on.
        workers: Processes that shared the work.

    Raises:
        OutputError: It cannot be written.
    """
    made: dict[str, Any] = {"status": "running" if reports is None else "done"}
    if reports is not None:
        made["counts"] = {
            "examples": sum(one.examples for one in reports),
            "explained": sum(one.explained for one in reports),
            "left_out": sum(one.left_out for one in reports),
            "failed": sum(len(one.failures) for one in reports),
            "cropped_or_resized": sum(one.fitted for one in reports),
            "labels_of_no_class": sum(one.unnamed for one in reports),
            "shards": len(reports),
        }
        failures = [one for report in reports for one in report.failures]
        made["failure_reasons"] = [
            {"count": count, "reason": reason} for reason, count in commonest(failures)[:REASONS]
        ]
        made["repeated_keys"] = repeated_keys(reports)
        made["unnamed_labels"] = few(label for one in reports for label in one.unnamed_labels)
    made |= {"configuration": asked, "workers": workers, "python": platform.python_version()}
    _write(folder / MANIFEST, json.dumps(made, indent=2, allow_nan=False) + "\n")
    return made


def finish(job: Job, asked: dict[str, Any], workers: int) -> dict[str, Any]:
    """Writes the manifest, the dead-letter file and the summary of a run that is done.

    Raises:
        OutputError: A file cannot be written.
    """
    folder = Path(job.output)
    reports = [job.report(shard) for shard in range(job.shards)]
    whole = Summary()
    for report in reports:
        whole.merge(report.summary)
    lines = [json.dumps(one.to_dict()) for report in reports for one in report.failures]
    _write(folder / FAILURES, "".join(line + "\n" for line in lines))
    whole.class_names = job.explainer.subject.classes
    whole.write(folder)
    return write_manifest(folder, asked, reports, workers)


def _write(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def clear(folder: Path) -> None:
    """Removes what a run has written, and nothing else."""
    shutil.rmtree(folder / STATES, ignore_errors=True)
    for path in (folder / DATA).glob("part-*"):
        if _PARTS.fullmatch(path.name):
            path.unlink(missing_ok=True)
    sweep(folder)
    with contextlib.suppress(OSError):  # it is not there, or holds something else
        (folder / DATA).rmdir()
    for name in (FAILURES, SUMMARY, FIGURE, MANIFEST):  # by the last one it is known for a run
        (folder / name).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what a run that was killed had begun to write."""
    for part in (folder, folder / DATA, folder / STATES):
        for path in part.glob(".*"):
            if _is_begun(path) and path.is_file():
                path.unlink(missing_ok=True)


def _is_begun(path: Path) -> bool:
    suffixes = (*FORMATS.values(), ".json")
    return _BEGUN.fullmatch(path.stem) is not None and path.suffix in suffixes
