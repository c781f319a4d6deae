"""`tfxai check-serving`: whether an export would run in TensorFlow Serving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfxai.cli import arguments

if TYPE_CHECKING:
    from rich.table import Table

    from tfxai.export.checking import ExportReport

FAILED = 1
SIGNS = {"passed": "green", "failed": "bold red", "not checked": "yellow"}
Folder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR",
        help="The folder of a version, or BASE/NAME, whose greatest version is taken.",
        show_default=False,
    ),
]


def check_serving(path: Folder, as_json: arguments.Json = False) -> None:
    """Load an export as TensorFlow Serving does and compare what it gives."""
    from tfxai.cli.runtime import start
    from tfxai.cli.terminal import print_json, working

    start()
    with working(f"Checking {path}"):
        from tfxai.export import check

        report = check(path)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if not report.passed:
        raise typer.Exit(FAILED)


def _show(report: ExportReport) -> None:
    from rich.text import Text

    from tfxai.cli.terminal import print_laid_out, say, shown, table
    from tfxai.export.checking import NEVER

    made = table("Check", "", "What was found")
    for one in report.checks:
        status = Text(one.status, SIGNS[one.status])
        made.add_row(Text(shown(one.name)), status, Text(shown(one.detail)))
    print_laid_out(made)
    if report.signatures:
        say()
        print_laid_out(_signatures(report))
    say()
    say("Not checked by this command:")
    for sentence in NEVER:
        say(f"  {sentence}.")
    say()
    say("Nothing failed." if report.passed else "It failed.", style=SIGNS[_status(report)])


def _status(report: ExportReport) -> str:
    return "passed" if report.passed else "failed"


def _signatures(report: ExportReport) -> Table:
    """How far each signature is from what it gave in the process that exported it."""
    from rich.text import Text

    from tfxai.cli.terminal import shown, table

    ways = list(dict.fromkeys(way for one in report.signatures.values() for way in one))
    made = table("Signature", *(f"off in {way}" for way in ways), "first run", right=(1, 2, 3))
    for name, one in report.signatures.items():
        cells = [_figure(one.get(way)) for way in ways]
        seconds = report.seconds.get(name)
        spent = "" if seconds is None else f"{seconds:.2f} s"
        made.add_row(Text(shown(name)), *cells, spent)
    return made


def _figure(difference: float | None) -> str:
    if difference is None:
        return ""
    return "another kind" if difference < 0 else f"{difference:.0e}" if difference else "0"
