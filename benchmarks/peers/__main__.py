"""Times every cell in every library, round by round, and writes what came of it.

Each library and cell has a process of its own, so that memory is its own. All processes of a cell
live at once and take turns in a new order each round, so that a slow spell of the machine slows
all alike.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.peers.cells import CELLS, METHODS, Cell
from benchmarks.peers.prepared import write
from benchmarks.peers.report import Found, tables, written

OWN = "tfxai"
LIBRARIES = {  # and the environment in which each runs
    OWN: ".venv",
    "tf_explain": ".venv-peers",
    "alibi": ".venv-peers",
    "xplique": ".venv-peers-tf",
    "tf_keras_vis": ".venv-peers-tf",
    "shap": ".venv-peers-tf",
    "captum": ".venv-peers-torch",
}
PAUSE = 0.1
"""Seconds before each call, in which the threads of the call before come to rest."""
ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A process that makes one call of one library.

    Args:
        library: Name of the library.
        folder: Of what all libraries share.
        cell: What it is asked.
    """

    def __init__(self, library: str, folder: Path, cell: Cell) -> None:
        python = ROOT / LIBRARIES[library] / "bin" / "python"
        words = [str(python), "-W", "ignore", "-m", "benchmarks.peers.worker"]
        self._process = subprocess.Popen(
            [*words, library, str(folder), cell.key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
        )

    def say(self, what: str) -> None:
        """Says what to do."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                print(what, file=self._process.stdin, flush=True)

    def hear(self) -> dict[str, float | bool | str]:
        """Waits for the answer."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        return dict(json.loads(line)) if line else {"error": "the process ended"}

    def ask(self, what: str) -> dict[str, float | bool | str]:
        """Says what to do and waits for the answer."""
        self.say(what)
        return self.hear()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Measures, prints the tables, and writes the page where one is asked for."""
    parser = argparse.ArgumentParser(prog="benchmarks.peers", description=__doc__)
    parser.add_argument("--cell", action="append", help="part of a cell's name; all by default")
    parser.add_argument("--library", action="append", choices=LIBRARIES, help="all by default")
    parser.add_argument("--rounds", type=int, default=0, help="of each cell; its own by default")
    parser.add_argument("--page", type=Path, help="Markdown file to write")
    asked = parser.parse_args()
    cells = [one for one in CELLS if not asked.cell or any(part in one.key for part in asked.cell)]
    libraries = [OWN, *(one for one in asked.library or LIBRARIES if one != OWN)]
    console = Console(width=None if sys.stdout.isatty() else 110)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        found = []
        for cell in cells:
            found.append(measured(cell, libraries, folder, asked.rounds))
            console.print(f"{cell.key}: {found[-1].line()}", highlight=False)
    for table in tables(found, libraries):
        console.print(table)
    if asked.page:
        page = asked.page.read_text()
        asked.page.write_text(written(page, found, libraries, versions(libraries)))


def versions(libraries: list[str]) -> dict[str, str]:
    """The version of each library in its environment."""
    code = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    found = {}
    for library in libraries:
        python = ROOT / LIBRARIES[library] / "bin" / "python"
        words = [str(python), "-c", code, library.replace("_", "-")]
        found[library] = subprocess.run(
            words, capture_output=True, text=True, check=True
        ).stdout.strip()
    return found


def measured(cell: Cell, libraries: list[str], folder: Path, rounds: int = 0) -> Found:
    """The times, peaks and values of one cell, in so many rounds; 0 for its own number."""
    found = Found(cell)
    able = [one for one in libraries if one == OWN or cell.method in METHODS[one]]
    workers = {library: Worker(library, folder, cell) for library in able}
    try:
        _make(workers, found)
        orders = random.Random(0)
        for _ in range(rounds or cell.rounds):
            for library in orders.sample(list(workers), len(workers)):
                time.sleep(PAUSE)
                _time(library, workers, found)
    finally:
        for worker in workers.values():
            worker.end()
    found.compare(folder)
    return found


def _make(workers: dict[str, Worker], found: Found) -> None:
    """Lets each library make its call and give its values; those that cannot are left out."""
    for worker in workers.values():
        worker.say("make")  # all at once, for to load a framework takes long
    for library, worker in list(workers.items()):
        answer = worker.hear()
        if answer.get("made"):
            answer = worker.ask("values")
        if "error" in answer:
            found.errors[library] = str(answer["error"])
        if "error" in answer or answer.get("made") is False:
            workers.pop(library).end()


def _time(library: str, workers: dict[str, Worker], found: Found) -> None:
    answer = workers[library].ask("run")
    if "error" in answer:
        found.errors[library] = str(answer["error"])
        found.seconds.pop(library, None)
        workers.pop(library).end()
        return
    found.seconds.setdefault(library, []).append(float(answer["seconds"]))
    found.peaks[library] = float(answer["peak"])


if __name__ == "__main__":
    main()
