"""An export loaded and run as TensorFlow Serving would, each time in a fresh process."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tfxai.arrays import Array
from tfxai.errors import DataNotFoundError
from tfxai.export import fresh, native
from tfxai.export.comparing import measured
from tfxai.export.folders import versions
from tfxai.export.graphs import GRAPH, problems, read_graphs
from tfxai.export.names import CHECK, EXTRA, RECORD, SCHEMA, WARMUP
from tfxai.export.probes import Case, invented, moved, read_cases, write_cases
from tfxai.export.protos import Feeds, read_prediction_log
from tfxai.inspection import PrivateCopy
from tfxai.inspection.saved_model.checkpoints import INDEX
from tfxai.inspection.saved_model.meta_graphs import INIT

TOLERANCE, LOOSEST = 1e-5, 0.25
"""Largest difference between two ways of running, of the largest value of an output: at least, and
at most where the output's own noise is larger."""
NOISES = 4
"""Differences that an output's noise explains: what it changes by where each input moves to the
next number of its type."""
_MOVED = "moved"
NEVER = (
    "TensorFlow Serving itself, with its front ends and batching, was not run",
    "inputs other than the recorded ones, and other batches, were not run",
    "it was run on this machine's processors alone" if not tf.config.list_physical_devices("GPU")
    else "it was run on this machine alone",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SignatureCheck:
    """One thing that was looked at.

    Args:
        name: What, in a few words.
        status: How it ended.
        detail: A sentence: a figure, or what is wrong.
    """

    name: str
    status: Literal["passed", "failed", "not checked"]
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What is known of an export.

    Args:
        path: Its folder.
        checks: In the order in which they were made.
        signatures: Name to the largest difference of each way it was run, in `TOLERANCE`'s units.
        seconds: Name to the seconds of its first run in a session.
    """

    path: Path
    checks: tuple[SignatureCheck, ...]
    signatures: dict[str, dict[str, float]]
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(check.status != "failed" for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "path": str(self.path),
            "passed": self.passed,
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "signatures": self.signatures,
            "seconds": self.seconds,
            "not_checked": list(NEVER),
        }


def check(path: str | os.PathLike[str]) -> ExportReport:
    """Loads a SavedModel as a server does and compares its answers with those of the export.

    Each way of loading has a process of its own, for what the exporting process knows would hide
    that something is missing.

    Args:
        path: The folder of a version, or BASE/NAME, whose greatest version is taken.

    Raises:
        DataNotFoundError: There is no SavedModel.
    """
    return _Checking(_version(Path(path))).report()


def _version(path: Path) -> Path:
    if (path / GRAPH).exists() or (path / "variables").is_dir():
        return path
    found = versions(path)
    if found:
        return next(
            one for one in path.iterdir() if one.name.isdigit() and int(one.name) == found[-1]
        )
    raise DataNotFoundError(
        f"There is no SavedModel in {str(path)!r}. Pass the folder of a version, "
        "BASE/NAME/VERSION, or BASE/NAME."
    )


class _Checking:
    """The checks of one folder, each of which may end them."""

    def __init__(self, path: Path) -> None:
        self._path = self._copy = path
        self._checks: list[SignatureCheck] = []
        self._differences: dict[str, dict[str, float]] = {}
        self._seconds: dict[str, float] = {}
        self._noise: dict[str, dict[str, float]] = {}

    def report(self) -> ExportReport:
        """Makes all checks that can be made."""
        try:
            meta = read_graphs(self._path).meta_graphs[0]
            found = problems(self._path)
        except ValueError as error:
            self._say("graph", "failed", str(error))
            return self._made()
        signatures = {k: v for k, v in meta.signature_def.items() if k != INIT}
        for problem in found:
            self._say("operations", "failed", problem)
        if found:  # it is not run: it may do anything
            return self._made()
        self._say("graph", "passed", f"{_size(self._path / GRAPH)} beside the variables")
        self._say("operations", "passed", "no Python, no files, no forced XLA")
        self._check_version()
        self._check_record(signatures)
        with PrivateCopy(self._path) as copy:  # variables that are damaged are the server's word
            refused = [one for one in copy.report.at("refuse") if one.where != INDEX]
            for one in refused:
                self._say("scan", "failed", one.why)
            cases = None if refused else self._cases(signatures)
            if cases is not None:
                self._copy = copy.path
                with tempfile.TemporaryDirectory() as folder:
                    self._run(Path(folder), signatures, cases)
        return self._made()

    def _made(self) -> ExportReport:
        return ExportReport(self._path, tuple(self._checks), self._differences, self._seconds)

    def _say(self, name: str, status: Any, detail: str = "") -> None:
        self._checks.append(SignatureCheck(name, status, detail))

    def _check_version(self) -> None:
        name = self._path.absolute().name
        if name.isascii() and name.isdigit():
            self._say("version", "passed", f"{int(name)} of {self._path.absolute().parent.name}")
        else:
            self._say("version", "failed", f"A server passes over {name!r}, which is no number.")

    def _check_record(self, signatures: dict[str, Any]) -> None:
        path = self._path / EXTRA / RECORD
        if not path.exists():
            self._say("record", "not checked", f"it has no {RECORD}: tfxai did not export it")
            return
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            schema, named = content["schema"], set(content["signatures"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            self._say("record", "failed", f"{RECORD} is damaged: {type(error).__name__} {error}.")
            return
        missing = sorted(named - set(signatures))
        if schema != SCHEMA:
            self._say("record", "failed", f"{RECORD} has schema {schema}, and {SCHEMA} is known.")
        elif missing:
            self._say("record", "failed", f"The graph has no signature {', '.join(missing)}.")
        else:
            self._say("record", "passed", f"{len(named)} signatures described")

    def _cases(self, signatures: dict[str, Any]) -> dict[str, Case] | None:
        """What is run: recorded inputs and answers, or inputs of our own without answers."""
        path = self._path / EXTRA / CHECK
        if not path.exists():
            return {name: (invented(one), {}) for name, one in signatures.items()}
        try:
            cases = read_cases(path)
            unknown = sorted(set(cases) - set(signatures))
            if unknown:
                raise KeyError(unknown[0])
        except Exception as error:  # zipfile, zlib and NumPy each have theirs
            self._say("answers", "failed", f"{CHECK} is damaged: {type(error).__name__} {error}.")
            return None
        return cases

    def _run(self, folder: Path, signatures: dict[str, Any], cases: dict[str, Case]) -> None:
        feeds: dict[str, Feeds] = {name: given for name, (given, _) in cases.items()}
        known = {name: answers for name, (_, answers) in cases.items()}
        if not any(known.values()):
            eager = self._fresh("eager", folder, feeds)
            if eager is None:
                return
            known = eager
            self._say("answers", "not checked", "none were recorded: compared with eager Python")
        warmups = self._warmups(signatures)
        neighbours = {f"{name}@{_MOVED}": moved(dict(given)) for name, given in feeds.items()}
        runs = self._fresh("session", folder, {**feeds, **neighbours, **warmups})
        if runs is not None:
            self._noise = {name: _noise(runs[name], runs[f"{name}@{_MOVED}"]) for name in feeds}
            self._compare("session", runs, known)
            if warmups:
                self._say("warm-up", "passed", f"{len(warmups)} requests run")
        why_not = native.missing()
        if why_not is not None:
            self._say("C interface", "not checked", why_not)
            return
        try:
            program = native.compile_program(folder)
        except RuntimeError as error:
            self._say("C interface", "not checked", str(error))
            return
        self._native(program, signatures, feeds, known)

    def _fresh(
        self, mode: str, folder: Path, feeds: dict[str, Feeds]
    ) -> dict[str, dict[str, Array]] | None:
        """What every case gives in a fresh process, or None where something failed."""
        given, made = folder / f"{mode}.npz", folder / f"{mode}-answers.npz"
        write_cases(given, {name: (dict(part), {}) for name, part in feeds.items()})
        words = [
            sys.executable,
            "-P",
            fresh.__file__,
            mode,
            str(self._copy),
            str(given),
            str(made),
        ]
        done = subprocess.run(
            words, capture_output=True, text=True, env=_environment(), errors="replace"
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
            self._say(mode, "failed", f"The process ended with {done.returncode}: {last[:300]}")
            return None
        told = json.loads(Path(f"{made}.json").read_text())
        for case, problem in told["failed"].items():
            what, _, kind = case.partition("@")
            name = f"warm-up {what}" if kind.isdigit() else f"{mode} {what}".strip()
            self._say(name, "failed", problem)
        if told["failed"]:
            return None
        if mode == "session":
            self._seconds = {k: v for k, v in told["seconds"].items() if k and "@" not in k}
            self._say("session", "passed", f"loaded in {told['seconds']['']:.1f} s")
        return {name: answers for name, (_, answers) in read_cases(made).items()}

    def _warmups(self, signatures: dict[str, Any]) -> dict[str, Feeds]:
        path = self._path / EXTRA / WARMUP
        if not path.exists():
            self._say("warm-up", "not checked", "it has no requests to warm a server up with")
            return {}
        found: dict[str, Feeds] = {}
        try:
            for i, record in enumerate(tf.data.TFRecordDataset(str(path)).as_numpy_iterator()):
                name, feeds = read_prediction_log(record)
                if name not in signatures:
                    raise ValueError(f"there is no signature {name!r}")
                found[f"{name}@{i}"] = feeds
        except Exception as error:
            self._say("warm-up", "failed", f"{WARMUP} is damaged: {type(error).__name__} {error}.")
            return {}
        return found

    def _native(
        self, program: Path, signatures: dict[str, Any], feeds: dict[str, Feeds], known: Any
    ) -> None:
        began = time.perf_counter()
        try:
            given = native.run_program(program, self._copy, signatures, feeds, _environment())
        except RuntimeError as error:
            self._say("C interface", "failed", str(error)[:400])
            return
        failed = {case: answer for case, answer in given.items() if isinstance(answer, str)}
        for case, problem in failed.items():
            self._say(f"C interface {case}", "failed", problem[:400])
        if not failed:
            spent = time.perf_counter() - began
            self._say("C interface", "passed", f"loaded and run in {spent:.1f} s")
            self._compare("C interface", given, known)

    def _compare(self, way: str, given: Any, known: dict[str, dict[str, Array]]) -> None:
        """Says which signatures give something else than they did where they were exported."""
        for name, answers in known.items():
            worst = 0.0
            for key in answers:
                found = measured(key, given[name].get(key), answers)
                noise = self._noise.get(name, {}).get(key, 0.0)
                worst = max(worst, found)
                if not found <= min(max(TOLERANCE, NOISES * noise), LOOSEST):
                    self._say(
                        f"{way} {name}",
                        "failed",
                        f"{key} differs from the recorded one {_how(found)}, and by {noise:.1e} "
                        "where each number of its inputs moves to the next one.",
                    )
            self._differences.setdefault(name, {})[way] = worst if np.isfinite(worst) else -1.0


def _noise(given: dict[str, Array], moved: dict[str, Array]) -> dict[str, float]:
    """How much each output changes where its inputs move to numbers next to them."""
    return {key: measured(key, moved.get(key), given) for key in given}


def _how(found: float) -> str:
    return f"by {found:.1e} of its largest value" if np.isfinite(found) else "in kind"


def _environment() -> dict[str, str]:
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"
